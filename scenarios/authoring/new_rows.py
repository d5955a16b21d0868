"""New rows for a solution to predict, read like a user's table and checked before any script runs."""

from pathlib import Path

from gome.errors import TaskError
from gome.scenarios.authoring.files import read_file
from gome.scenarios.portable.new_rows import fit_rows
from gome.scenarios.task.encoding import prediction_columns
from gome.scenarios.task.task import Task

__all__ = ["with_new_rows"]


def with_new_rows(task: Task, path: Path) -> tuple[Task, tuple[str, ...]]:
    """Replace a task's test rows with those of a file of any kind that `gome run` reads.

    Returns the task and notes for the user: how the file was read, and what was made of columns and cells. The file
    needs the columns of the task's test; without an id column, rows are numbered on from the training rows. Raises
    TaskError with column and row for a damaged file, a missing column, duplicate ids, or a table without rows.
    """
    brief = task.brief
    written, remarks = read_file(path)
    try:
        table, fitted = fit_rows(written, task.train[brief.id_column], task.test.columns)
    except ValueError as error:
        raise TaskError(f"{path}: {error}") from error
    alike = {name: task.sample.column(name).head(1) * len(table) for name in prediction_columns(brief)}
    sample = table[[brief.id_column]].replaced(alike)
    made = task.with_test(table, sample[list(brief.submission_columns)], path.name)
    read = [each.removeprefix(f"{path.name}: ") for each in remarks]
    news = [each for each in made.notes if each not in task.notes]  # the others were told when the run began
    return made, (*(["; ".join(read)] if read else []), *fitted, *news)
