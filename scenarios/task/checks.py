"""Checks of a task's tables. Each raises TaskError with file, column and row."""

from pathlib import Path

import numpy as np

from gome.errors import TaskError
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric, TaskType
from gome.scenarios.reading.problems import closest
from gome.scenarios.task.encoding import class_numbers
from gome.scenarios.task.manifest import Manifest
from gome.scenarios.task.splits import split_units, unit_count, units_needed
from gome.scenarios.task.tables import Damaged, canonical, numbers_of, read_texts
from gome.scenarios.task.text_table import Table, TextTable
from gome.scenarios.task.typed_table import TypedTable

__all__ = [
    "check_answers",
    "check_columns",
    "check_ids",
    "check_sample",
    "check_split",
    "check_targets",
    "read_task_table",
    "scored_rows",
]

_LARGEST_TARGET = 1e100  # squares of larger errors have no sum


def read_task_table(path: Path) -> TextTable:
    """Read a table that must have at least one row. Raises TaskError."""
    try:
        table = read_texts(path)
    except Damaged as damaged:
        raise TaskError(f"{path}: {damaged}") from damaged
    if not len(table):
        raise TaskError(f"{path} has no rows below its header")
    return table


def check_columns(
    train: Table, train_path: Path, test: Table, test_path: Path, id_column: str, targets: tuple[str, ...]
) -> None:
    """Check that train has id and targets, and that test has the id, no target, and no column that train lacks."""
    for name in (id_column, *targets):
        if name not in train:
            _missing(train_path, name, train)
    if id_column not in test:
        _missing(test_path, id_column, test)
    for name in map(str, test.columns):
        if name in targets:
            raise TaskError(f"{test_path}: column {name!r} is a target, which the test must not have")
        if name not in train:
            raise TaskError(f"{test_path}: column {name!r} is not in {train_path.name}")


def check_ids(table: Table, path: Path, id_column: str) -> None:
    """Check that no id is empty or duplicated."""
    if isinstance(table, TextTable) and table.column(id_column).numbers_rows:
        return
    ids = canonical(table[id_column])
    for bad, words in ((ids == "", "is empty"), (ids.duplicated(), "is a duplicate")):
        if bad.any():
            row = int(bad.to_numpy().argmax())
            raise TaskError(f"{path}: column {id_column!r}, row {row + 1}: id {ids[row]!r} {words}")


def check_sample(
    sample: TextTable,
    path: Path,
    test: TextTable,
    manifest: Manifest,
    prediction: str,
    task_type: TaskType,
    classes: tuple[str, ...],
) -> tuple[str, ...]:
    """Check that the sample submission has the test's ids and the right columns.

    Returns the classes in the order of its columns.
    """
    if manifest.id not in sample:
        _missing(path, manifest.id, sample)
    _check_sample_ids(sample, path, test, manifest.id)
    columns = [str(name) for name in sample.columns if name != manifest.id]
    if prediction == "probability" and task_type == "multiclass":
        return _class_columns(columns, classes, path, named=manifest.classes is not None)
    if columns != list(manifest.targets):
        raise TaskError(f"{path}: columns are {', '.join(columns) or 'none'}; expected {', '.join(manifest.targets)}")
    return classes


def _check_sample_ids(sample: TextTable, path: Path, test: TextTable, name: str) -> None:
    if sample.column(name).same_as(test.column(name)):  # of the test they are checked
        return
    check_ids(sample, path, name)
    wanted, given = canonical(test[name]), canonical(sample[name])
    strange = ~given.isin(set(wanted))
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise TaskError(f"{path}: row {row + 1}: id {given[row]!r} is not in the test file")
    if len(given) != len(wanted):
        absent = wanted[~wanted.isin(set(given))].iloc[0]
        raise TaskError(f"{path}: {len(wanted) - len(given)} ids of the test are missing, first {absent!r}")


def check_targets(
    train: Table,
    path: Path,
    targets: tuple[str, ...],
    metric: Metric,
    task_type: TaskType,
    classes: tuple[str, ...],
) -> None:
    """Check that every target has a value that the metric can score."""
    for name in targets:
        filled = isinstance(train, TextTable) and train.column(name).filled_numbers
        texts = None if filled and task_type == "regression" else train[name].str.strip()
        bad, words = np.zeros(len(train), dtype=bool) if texts is None else (texts == "").to_numpy(), "is missing"
        if task_type == "regression" and not bad.any():
            values = numbers_of(train, name).to_numpy()
            bad, words = ~np.isfinite(values), "is not a finite number"
            if not bad.any():
                bad, words = np.abs(values) > _LARGEST_TARGET, f"is beyond {_LARGEST_TARGET:.0e}; divide the column"
            if not bad.any() and metric.minimum is not None:
                bad, words = values < metric.minimum, f"is below {metric.minimum:g}, which {metric.name} cannot score"
        elif texts is not None and not bad.any():
            bad, words = class_numbers(texts, classes) < 0, f"is not one of the classes {', '.join(classes[:12])}"
        if bad.any():
            row = train.index[int(bad.argmax())]
            raise TaskError(f"{path}: column {name!r}, row {row + 1}: target {train[name][row]!r} {words}")


def check_split(train: TypedTable, path: Path, brief: TaskBrief) -> None:
    """Check that the rows, as numbers and text, can be split by the task's rule."""
    rule = brief.split
    if rule.kind == "own":
        return
    if rule.column is not None and rule.column not in train:
        _missing(path, rule.column, train, "needed for the split")
    if rule.column is not None and rule.column in brief.targets:
        raise TaskError(f"{path}: column {rule.column!r} is a target and cannot be used for the split")
    found = unit_count(split_units(train, rule))
    if found < (needed := units_needed(rule)):
        what = f"values of {rule.column!r} (in blocks of {rule.block})" if rule.column else "rows"
        raise TaskError(f"{path}: {rule.folds} folds need at least {needed} {what}, found {found}")


def scored_rows(answers: Table, targets: tuple[str, ...]) -> Array:
    """Mask of the answers that count: rows whose targets are not all empty (some contests have unscored rows)."""
    if isinstance(answers, TextTable) and any(answers.column(name).filled_numbers for name in targets):
        return np.ones(len(answers), dtype=bool)
    filled = np.column_stack([answers[name].str.strip() != "" for name in targets])
    return np.asarray(filled.any(axis=1))


def check_answers(path: Path, test: TextTable, brief: TaskBrief, metric: Metric) -> int:
    """Check that the private answers have the test's ids and valid targets. Returns the number of unscored rows."""
    answers = read_task_table(path)
    for name in (brief.id_column, *brief.targets):
        if name not in answers:
            _missing(path, name, answers)
    check_ids(answers, path, brief.id_column)
    ours, theirs = (table.column(brief.id_column) for table in (answers, test))
    if not ours.same_as(theirs) and set(canonical(ours.series())) != set(canonical(theirs.series())):
        raise TaskError(f"{path}: its ids differ from those of the test")
    scored = scored_rows(answers, brief.targets)
    if not scored.any():
        raise TaskError(f"{path}: no row has an answer")
    counted = answers if scored.all() else answers.frame()[scored]
    check_targets(counted, path, brief.targets, metric, brief.task_type, brief.classes)
    return int((~scored).sum())


def _missing(path: Path, name: str, table: Table | TypedTable, why: str = "") -> None:
    hint = closest(name, map(str, table.columns))
    words = f"did you mean {hint!r}?" if hint else f"columns: {', '.join(map(str, table.columns[:12]))}"
    raise TaskError(f"{path}: no column {name!r}{' (' + why + ')' if why else ''}; {words}")


def _class_columns(columns: list[str], classes: tuple[str, ...], path: Path, *, named: bool) -> tuple[str, ...]:
    """The classes in the order of the submission's columns, whose names may have a common prefix (`class_1`)."""
    if len(columns) != len(classes):
        raise TaskError(f"{path}: {len(columns)} columns of probabilities for {len(classes)} classes")
    if named:
        return classes
    by_name = {name: name for name in classes}
    shared = len(columns[0]) - min((len(name) for name in classes if columns[0].endswith(name)), default=0)
    found = tuple(by_name.get(name) or by_name.get(name[shared:], "") for name in columns)
    if set(found) != set(classes):
        odd = next(name for name, one in zip(columns, found, strict=True) if not one)
        raise TaskError(f"{path}: column {odd!r} is not a class; list `classes` in task.yaml in column order")
    return found
