"""Read and check a user's CSV files before a task is made of them.

Messages name the user's own file and row, which differ from those of the task made of it.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pandas import Series

from gome.errors import TaskError
from gome.scenarios.authoring.files import read_file
from gome.scenarios.metrics.registry import METRICS, Metric
from gome.scenarios.reading.problems import closest
from gome.scenarios.task.cells import MISSING
from gome.scenarios.task.checks import check_ids, check_targets
from gome.scenarios.task.columns import read_columns
from gome.scenarios.task.tables import canonical, numbers, numbers_of
from gome.scenarios.task.text_table import TextTable

__all__ = [
    "check_column",
    "check_fit",
    "check_given_ids",
    "check_own_targets",
    "most_classes",
    "read_own",
    "with_targets",
]

_CLASSES = 100
_LEAST_CLASSES, _LEAST_ROWS = 2, 3
_OF_LINES = (".csv", ".tsv", ".txt")
"""Endings of files that people open in an editor, which counts lines."""


def read_own(path: Path, fewest: int, said: list[str]) -> TextTable:
    """Read a table with at least `fewest` rows; `said` gets remarks on its file. Raises TaskError."""
    table, remarks = read_file(path)
    said += remarks
    if len(table) < fewest:
        raise TaskError(f"{path} has {len(table)} rows; a task needs at least {fewest}")
    return table


def with_targets(
    table: TextTable, path: Path, targets: Sequence[str], said: list[str], *, drop_missing: bool
) -> TextTable:
    """The rows that have a target, with targets such as `$3,750` as plain numbers.

    Args:
        table: The user's table.
        path: Its file, for messages.
        targets: The target columns.
        said: Gets a message for each change.
        drop_missing: Leave out rows without a target; without it they are an error.
    """
    for name in dict.fromkeys(targets):
        check_column(table, name, path)
        if table.column(name).filled_numbers:
            continue
        missing = table[name].str.strip().str.lower().isin(MISSING).to_numpy()
        if len(table) and missing.all():
            raise TaskError(f"{path}: column {name!r} has no value in any row: nothing to learn from")
        if missing.any() and drop_missing:
            said.append(f"{int(missing.sum())} of {len(table)} rows have no {name!r} and are left out")
            table = table.take(~missing)
            missing = missing[~missing]
        if len(table) and not numbers(table[name]).notna().all():
            read = read_columns(table[[name]], table[[]], {}, {}, (path.name, path.name))
            if read.dtypes[name] != "str" and (read.train[name] != "").sum() == (~missing).sum():
                plain = read.train[name].where(~missing, table[name])  # an error names a gap as it is written
                table = table.replaced({name: plain})
                said += read.remarks
    return table


def check_column(table: TextTable, name: str, path: Path) -> None:
    """Raises TaskError if there is no such column."""
    if name not in table:
        hint = closest(name, table.columns)
        words = f"did you mean {hint!r}?" if hint else f"columns: {', '.join(table.columns[:12])}"
        raise TaskError(f"{path}: no column {name!r}; {words}")


def check_own_targets(table: TextTable, path: Path, targets: Sequence[str]) -> None:
    """Check that targets are distinct columns, have a value in every row, and are not constant. Raises TaskError."""
    for name in targets:
        check_column(table, name, path)
        if targets.count(name) > 1:
            raise TaskError(f"target {name!r} is given twice")
        if table.column(name).filled_numbers and numbers_of(table, name).nunique() > 1:
            continue
        missing = table[name].str.strip().str.lower().isin(MISSING).to_numpy()
        if missing.any():
            rows = np.flatnonzero(missing)
            first = table[name].iloc[rows[0]]
            several = f" (the first of {len(rows)} such rows)" if len(rows) > 1 else ""
            words = f"column {name!r}, {_place(table, int(rows[0]), path)}: the target {first!r} counts as missing"
            remedy = "fill it in, use --drop-missing-target, or rename it if it is a class"
            raise TaskError(f"{path}: {words}{several}; {remedy}")
        if canonical(table[name]).nunique() == 1:
            raise TaskError(f"{path}: column {name!r} has only one value ({table[name][0]}): nothing to predict")


def _place(table: TextTable, row: int, path: Path) -> str:
    """`row 40 (line 41)`: rows of data counted from 1, with the line of the file if it is the one that they say."""
    if path.suffix.lower() not in _OF_LINES:
        return f"row {row + 1}"
    with path.open("rb") as file:
        line = next(itertools.islice(file, row + 1, None), b"").decode("utf-8", "replace")
    cells = [str(cell).strip() for cell in table.take(np.array([row])).frame().iloc[0]]
    at_it = any(cells) and all(cell in line for cell in cells if cell.isascii())
    return f"row {row + 1} (line {row + 2})" if at_it else f"row {row + 1}"


def check_fit(table: TextTable, path: Path, targets: Sequence[str], metric: Metric) -> None:
    """Check that the metric can score the targets: numbers, or not too many classes. Raises TaskError."""
    if metric.prediction == "value":
        for name in () if table.column(targets[0]).filled_numbers else targets:
            _check_quantity(table, path, name, metric)
        check_targets(table, path, tuple(targets), metric, "regression", ())
        return
    for name in targets:
        classes = canonical(table[name])
        if classes.nunique() > most_classes(classes):
            words = f"column {name!r} has {classes.nunique()} distinct values in {len(table)} rows"
            raise TaskError(f"{path}: {words}; {metric.name} is for classes; use rmse or mae for quantities")
        counts = classes.value_counts()
        if (counts >= _LEAST_ROWS).sum() < _LEAST_CLASSES:  # one is tested, one validated, one is left to learn from
            words = f"column {name!r}: {counts.index[-1]!r} has {counts.iloc[-1]} row(s)"
            raise TaskError(f"{path}: {words}; two classes need {_LEAST_ROWS} rows or more")


def _check_quantity(table: TextTable, path: Path, name: str, metric: Metric) -> None:
    """Raises TaskError where a target has classes in words, as a metric of quantities cannot score them."""
    texts = canonical(table[name])
    classes = sorted(set(texts))
    if len(classes) <= most_classes(texts) and bool(numbers(texts).isna().all()):
        kind = "binary" if len(classes) == 2 else "multiclass"
        fitting = ", ".join(each.name for each in METRICS.values() if kind in each.task_types)
        words = f"column {name!r} has classes ({', '.join(classes[:4])}{', …' if len(classes) > 4 else ''})"
        raise TaskError(f"{path}: {words}, and {metric.name} is for quantities; metrics for them: {fitting}")


def most_classes(texts: Series) -> int:
    """The maximum number of distinct values that may be classes: of each, two rows on average."""
    return min(max(_CLASSES, len(texts) // 10), len(texts) // 2)


def check_given_ids(table: TextTable, path: Path, name: str, targets: Sequence[str]) -> None:
    """Check the id column chosen by the user. Raises TaskError."""
    check_column(table, name, path)
    if name in targets:
        raise TaskError(f"{path}: column {name!r} is a target and cannot be the id")
    check_ids(table, path, name)
