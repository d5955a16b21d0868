"""New rows for a solution to predict, checked against the training table before any script runs."""

from pathlib import Path

from pandas import DataFrame

from gome.errors import TaskError
from gome.scenarios.task.checks import check_ids, read_task_table
from gome.scenarios.task.encoding import prediction_columns
from gome.scenarios.task.task import Task

__all__ = ["with_new_rows"]

_SHOWN = 8


def with_new_rows(task: Task, path: Path) -> tuple[Task, tuple[str, ...]]:
    """Replace a task's test rows with those of a CSV file. Returns the task and notes for the user.

    The file needs the columns of the task's test; without an id column, rows are numbered from 0. Raises TaskError with
    column and row for a missing column, duplicate ids, or a table without rows. Cells are read as those of the task.
    """
    table = read_task_table(path)
    brief, notes = task.brief, []
    if brief.id_column not in table:
        table[brief.id_column] = [str(number) for number in range(len(table))]
        notes.append(f"no column {brief.id_column!r}: rows are numbered from 0")
    columns = list(task.test.columns)
    absent = [str(name) for name in columns if name not in table]
    if absent:
        raise TaskError(f"{path}: no column {', '.join(map(repr, absent[:_SHOWN]))}, which the solution was trained on")
    extra = [str(name) for name in table.columns if name not in columns]
    if extra:
        notes.append(f"ignored: column {', '.join(map(repr, extra[:_SHOWN]))}")
    check_ids(table, path, brief.id_column)
    table = table[columns]
    sample = DataFrame({brief.id_column: table[brief.id_column]})
    for name in prediction_columns(brief):
        sample[name] = task.sample[name].iloc[0]
    made = task.with_test(table, sample[list(brief.submission_columns)], path.name)
    return made, (*notes, *made.notes)
