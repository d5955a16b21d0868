"""What must hold of a task's tables. Each check raises TaskError with file, column and row."""

from pathlib import Path

import numpy as np
from pandas import DataFrame

from gome.errors import TaskError
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric, TaskType
from gome.scenarios.reading.problems import closest
from gome.scenarios.task.encoding import class_numbers
from gome.scenarios.task.manifest import Manifest
from gome.scenarios.task.splits import split_units
from gome.scenarios.task.tables import Damaged, canonical, infer_types, numbers, read_table

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


def read_task_table(path: Path) -> DataFrame:
    """A table with at least one row."""
    try:
        table = read_table(path)
    except Damaged as damaged:
        raise TaskError(f"{path}: {damaged}") from damaged
    if not len(table):
        raise TaskError(f"{path} has a header and no rows")
    return table


def check_columns(
    train: DataFrame, train_path: Path, test: DataFrame, test_path: Path, id_column: str, targets: tuple[str, ...]
) -> None:
    """Id and targets in training, id and no targets in the test, no column in the test alone."""
    for name in (id_column, *targets):
        if name not in train:
            _missing(train_path, name, train)
    if id_column not in test:
        _missing(test_path, id_column, test)
    for name in map(str, test.columns):
        if name in targets:
            raise TaskError(f"{test_path}: column {name!r} is a target; a test has none")
        if name not in train:
            raise TaskError(f"{test_path}: column {name!r} is not in {train_path.name}")


def check_ids(table: DataFrame, path: Path, id_column: str) -> None:
    """No id is missing and none stands twice."""
    ids = canonical(table[id_column])
    for bad, words in ((ids == "", "is empty"), (ids.duplicated(), "stands there a second time")):
        if bad.any():
            row = int(bad.to_numpy().argmax())
            raise TaskError(f"{path}: column {id_column!r}, row {row + 1}: id {ids[row]!r} {words}")


def check_sample(
    sample: DataFrame,
    path: Path,
    test: DataFrame,
    manifest: Manifest,
    prediction: str,
    task_type: TaskType,
    classes: tuple[str, ...],
) -> tuple[str, ...]:
    """The sample submission has the test's ids and the right columns. Returns the classes in its columns' order."""
    if manifest.id not in sample:
        _missing(path, manifest.id, sample)
    check_ids(sample, path, manifest.id)
    wanted, given = canonical(test[manifest.id]), canonical(sample[manifest.id])
    strange = ~given.isin(set(wanted))
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise TaskError(f"{path}: row {row + 1}: id {given[row]!r} is not in the test file")
    if len(given) != len(wanted):
        absent = wanted[~wanted.isin(set(given))].iloc[0]
        raise TaskError(f"{path}: {len(wanted) - len(given)} ids of the test are missing, the first is {absent!r}")
    columns = [str(name) for name in sample.columns if name != manifest.id]
    if prediction == "probability" and task_type == "multiclass":
        return _class_columns(columns, classes, path, named=manifest.classes is not None)
    if columns != list(manifest.targets):
        raise TaskError(f"{path}: columns are {', '.join(columns) or 'none'}; expected {', '.join(manifest.targets)}")
    return classes


def check_targets(
    train: DataFrame,
    path: Path,
    targets: tuple[str, ...],
    metric: Metric,
    task_type: TaskType,
    classes: tuple[str, ...],
) -> None:
    """Every target is there and is what the metric can score."""
    for name in targets:
        texts = train[name].str.strip()
        bad = (texts == "").to_numpy()
        words = "is missing"
        if task_type == "regression" and not bad.any():
            values = numbers(texts).to_numpy()
            bad, words = ~np.isfinite(values), "is not a finite number"
            if not bad.any() and metric.minimum is not None:
                bad, words = values < metric.minimum, f"is below {metric.minimum:g}, which {metric.name} cannot score"
        elif not bad.any():
            bad, words = class_numbers(texts, classes) < 0, f"is none of the classes {', '.join(classes[:12])}"
        if bad.any():
            row = train.index[int(bad.argmax())]
            raise TaskError(f"{path}: column {name!r}, row {row + 1}: target {train[name][row]!r} {words}")


def check_split(train: DataFrame, path: Path, brief: TaskBrief) -> None:
    """The rows can be split as the task says."""
    rule = brief.split
    if rule.kind == "own":
        return
    if rule.column is not None and rule.column not in train:
        _missing(path, rule.column, train, "the split is by it")
    if rule.column is not None and rule.column in brief.targets:
        raise TaskError(f"{path}: column {rule.column!r} is a target, the split cannot be by it")
    units = split_units(infer_types(train[[rule.column]]) if rule.column else train, rule)
    needed = 2 if rule.kind == "holdout" else rule.folds + (rule.kind == "time")
    if len(np.unique(units)) < needed:
        what = f"values of {rule.column!r} (in blocks of {rule.block})" if rule.column else "rows"
        raise TaskError(f"{path}: {rule.folds} folds need at least {needed} {what}, there are {len(np.unique(units))}")


def scored_rows(answers: DataFrame, targets: tuple[str, ...]) -> Array:
    """True for the rows of the answers that count: not those whose targets are all empty, as some contests have."""
    filled = np.column_stack([answers[name].str.strip() != "" for name in targets])
    return np.asarray(filled.any(axis=1))


def check_answers(path: Path, test: DataFrame, brief: TaskBrief, metric: Metric) -> int:
    """The private answers are the test's ids with targets, none of them in rows that do not count. How many do not."""
    answers = read_task_table(path)
    for name in (brief.id_column, *brief.targets):
        if name not in answers:
            _missing(path, name, answers)
    check_ids(answers, path, brief.id_column)
    if set(canonical(answers[brief.id_column])) != set(canonical(test[brief.id_column])):
        raise TaskError(f"{path}: its ids are not the test's")
    scored = scored_rows(answers, brief.targets)
    if not scored.any():
        raise TaskError(f"{path}: no row has an answer")
    check_targets(answers[scored], path, brief.targets, metric, brief.task_type, brief.classes)
    return int((~scored).sum())


def _missing(path: Path, name: str, table: DataFrame, why: str = "") -> None:
    hint = closest(name, map(str, table.columns))
    words = f"did you mean {hint!r}?" if hint else f"there are {', '.join(map(str, table.columns[:12]))}"
    raise TaskError(f"{path}: no column {name!r}{' (' + why + ')' if why else ''}; {words}")


def _class_columns(columns: list[str], classes: tuple[str, ...], path: Path, *, named: bool) -> tuple[str, ...]:
    """Classes in the order of the submission's columns, which may have a common beginning (`class_1`)."""
    if len(columns) != len(classes):
        raise TaskError(f"{path}: {len(columns)} columns of probabilities for {len(classes)} classes")
    if named:
        return classes
    by_name = {name: name for name in classes}
    shared = len(columns[0]) - min((len(name) for name in classes if columns[0].endswith(name)), default=0)
    found = tuple(by_name.get(name) or by_name.get(name[shared:], "") for name in columns)
    if set(found) != set(classes):
        odd = next(name for name, one in zip(columns, found, strict=True) if not one)
        raise TaskError(f"{path}: column {odd!r} is none of the classes; list `classes` in task.yaml in column order")
    return found
