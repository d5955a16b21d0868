"""Guess the meaning of a task's files: ids, targets, and how the test was separated from training.

Guesses use only the contents of the files, and come with an explanation for the user to check.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from pandas import Series

from gome.errors import TaskError
from gome.scenarios.metrics.registry import METRICS
from gome.scenarios.task.cells import hold_dates
from gome.scenarios.task.tables import canonical, numbers
from gome.scenarios.task.text_table import Table
from gome.scenarios.task.typed_table import TypedTable

__all__ = ["FEW_CLASSES", "FOLDS", "ROWS_OF_A_GROUP", "Columns", "guess_columns", "guess_split", "metrics_for"]

FOLDS = 5
FEW_CLASSES = 20
"""Most distinct whole numbers that may be classes."""
ROWS_OF_A_GROUP = 2
"""Fewest rows, on average, of the groups of a column by which to split."""


@dataclass(frozen=True)
class Columns:
    """The id and the targets. With `one_hot` the submission has one column per class, in the order of `classes`."""

    id: str
    targets: tuple[str, ...]
    one_hot: bool = False
    classes: tuple[str, ...] = ()


def guess_columns(train: Table, test: Table, sample: Table) -> Columns:
    """Guess id and targets: the targets are the sample submission's columns that the test lacks.

    Raises TaskError if these are neither columns nor classes of the training rows.
    """
    names = [str(name) for name in sample.columns]
    key = next((name for name in names if name in test and name in train), None)
    if key is None:
        raise TaskError(f"no column of the sample submission ({_listed(names)}) is an id in both train and test")
    asked = [name for name in names if name != key]
    if asked and all(name in train and name not in test for name in asked):
        return Columns(key, tuple(asked))
    for name in map(str, train.columns):
        if name != key and name not in test and set(canonical(train[name])) == set(asked):
            if len(asked) == 2:
                raise TaskError(f"a column for each of two classes ({_listed(asked)}) is not supported")
            return Columns(key, (name,), one_hot=True, classes=tuple(asked))
    raise TaskError(
        f"the sample submission asks for {_listed(asked)}, which train has neither as columns nor as classes"
    )


def guess_split(train: TypedTable, test: TypedTable, columns: Columns) -> tuple[dict[str, str | int], str]:
    """Guess the split for task.yaml that resembles that of the test, from typed tables; with an explanation."""
    shared = [str(name) for name in test.columns if name in train and name != columns.id]
    for name in shared:
        if _is_time(train[name]) and _is_later(train[name], test[name]):
            return _rule("time", name), f"by time, as every {name!r} of the test is later than training's"
    for name in shared:
        if _is_group(train[name], test[name]):
            return _rule("group", name), f"by group, as no {name!r} of the test occurs in training"
    kind = "stratified" if _classes(train, columns) else "random"
    return _rule(kind), f"{kind}, as no column tells the test from training"


def metrics_for(train: Table, columns: Columns) -> tuple[str, ...]:
    """The names of the metrics that fit the targets and the submission."""
    if columns.one_hot:
        kinds, task_types = {"probability"}, {"multiclass" if len(columns.classes) > 2 else "binary"}
    else:
        texts = canonical(train[columns.targets[0]])
        classes = texts.nunique()
        numeric = bool(numbers(texts).notna().all())
        kinds = {"value"} if numeric and classes > FEW_CLASSES else {"label"}
        kinds |= {"probability"} if classes == 2 else set()
        kinds |= {"value"} if numeric and classes > 2 else set()
        task_types = {"regression", "binary" if classes == 2 else "multiclass"}
    return tuple(
        name for name, each in METRICS.items() if each.prediction in kinds and task_types & set(each.task_types)
    )


def _rule(kind: str, column: str | None = None) -> dict[str, str | int]:
    rule: dict[str, str | int] = {"kind": kind, "folds": FOLDS}
    return {**rule, "column": column} if column else rule


def _classes(train: TypedTable, columns: Columns) -> bool:
    texts = canonical(train[columns.targets[0]])
    return columns.one_hot or texts.nunique() <= FEW_CLASSES or not bool(numbers(texts).notna().all())


def _is_time(values: Series) -> bool:
    """Whether a column has a date in each row, or numbers and is named like a time."""
    if pd.api.types.is_numeric_dtype(values):
        return any(part in str(values.name).lower() for part in ("date", "time", "year", "month", "day"))
    return bool(values.notna().all()) and hold_dates(values)


def _is_later(train: Series, test: Series) -> bool:
    if pd.api.types.is_numeric_dtype(train) != pd.api.types.is_numeric_dtype(test):
        return False
    return bool(test.notna().all() and test.min() > train.max() and train.nunique() > FOLDS)


def _is_group(train: Series, test: Series) -> bool:
    """Whether values repeat and occur only in train or only in test; columns of fractional numbers are excluded."""
    if pd.api.types.is_float_dtype(train):
        return False
    found = train.nunique()
    several = found > FOLDS and len(train) >= ROWS_OF_A_GROUP * found and len(test) >= 1.5 * test.nunique()
    return several and not set(train.dropna()) & set(test.dropna())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
