"""Read and check a user's CSV files before a task is made of them.

Messages name the user's own file and row, which differ from those of the task made of it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path

from pandas import DataFrame, Series

from gome.errors import TaskError
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.reading.problems import closest
from gome.scenarios.task.checks import check_ids, check_targets
from gome.scenarios.task.tables import Damaged, canonical, infer_types, numbers, read_table

__all__ = [
    "check_column",
    "check_fit",
    "check_given_ids",
    "check_own_targets",
    "find_ids",
    "most_classes",
    "number_rows",
    "read_as_words",
    "read_own",
]

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_IDS = ("id", "row_id", "rowid")
_CLASSES = 100
_MOSTLY = 0.8
_WRITTEN = re.compile(r"[-+(]?\s*[$€£¥]?\s*[-+]?(\d+|\d{1,3}([,.' \u00a0]\d{3})+)([.,]\d+)?\s*[%$€£¥]?\)?")
"""A number as written by people and spreadsheets: $1,234.50, 1.234,50, 75,3, 12 %."""


def read_own(path: Path, fewest: int) -> DataFrame:
    """Read a table with at least `fewest` rows. Raises TaskError."""
    if not path.is_file():
        raise TaskError(f"{path} is not a file; it must be a CSV table")
    try:
        table = read_table(path)
    except Damaged as damaged:
        raise TaskError(f"{path}: {damaged}{_separated(path) if damaged.row else ''}") from damaged
    if len(table.columns) == 1 and (words := _separated(path)):
        raise TaskError(f"{path}: only one column{words}")
    if len(table) < fewest:
        raise TaskError(f"{path} has {len(table)} rows; a task needs at least {fewest}")
    return table


def check_column(table: DataFrame, name: str, path: Path) -> None:
    """Raises TaskError if there is no such column."""
    if name not in table:
        hint = closest(name, map(str, table.columns))
        words = f"did you mean {hint!r}?" if hint else f"columns: {', '.join(map(str, table.columns[:12]))}"
        raise TaskError(f"{path}: no column {name!r}; {words}")


def check_own_targets(table: DataFrame, path: Path, targets: Sequence[str]) -> None:
    """Check that targets are distinct columns, have a value in every row, and are not constant. Raises TaskError."""
    for name in targets:
        check_column(table, name, path)
        if targets.count(name) > 1:
            raise TaskError(f"target {name!r} is given twice")
        missing = infer_types(table[[name]])[name].isna().to_numpy()
        if missing.any():
            row = int(missing.argmax())
            words = f"column {name!r}, row {row + 1}: the target {table[name][row]!r} counts as missing"
            raise TaskError(f"{path}: {words}; fill it in or remove the row (rename it if it is a class)")
        if canonical(table[name]).nunique() == 1:
            raise TaskError(f"{path}: column {name!r} has only one value ({table[name][0]}): nothing to predict")


def check_fit(table: DataFrame, path: Path, targets: Sequence[str], metric: Metric) -> None:
    """Check that the metric can score the targets: numbers, or not too many classes. Raises TaskError."""
    if metric.prediction == "value":
        check_targets(table, path, tuple(targets), metric, "regression", ())
        return
    for name in targets:
        classes = canonical(table[name])
        if classes.nunique() > most_classes(classes):
            words = f"column {name!r} has {classes.nunique()} distinct values in {len(table)} rows"
            raise TaskError(f"{path}: {words}; {metric.name} is for classes; use rmse or mae for quantities")


def most_classes(texts: Series) -> int:
    """The maximum number of distinct values that may be classes."""
    return max(_CLASSES, len(texts) // 10)


def read_as_words(table: DataFrame, targets: Sequence[str]) -> Iterator[str]:
    """Yield a note for each column, except targets, whose numbers are in a format that is read as text."""
    for name in table.columns.difference(list(targets), sort=False):
        texts = canonical(table[name])
        texts = texts[texts != ""]
        foreign = texts[numbers(texts).isna()]
        written = foreign[foreign.map(_WRITTEN.fullmatch).notna()]
        if len(written) and len(texts) - len(foreign) + len(written) >= _MOSTLY * len(texts):
            example = f"{written.iloc[0]!r} (row {written.index[0] + 1})"
            yield (
                f"column {name!r} is read as text because of values such as {example}; "
                "write quantities as plain numbers, such as 1234.5"
            )


def find_ids(table: DataFrame, asked: DataFrame | None, targets: Sequence[str], path: Path, guesses: list[str]) -> str:
    """The id column: one named like an id with unique values, else a new column with row numbers."""
    named = [name for name in map(str, table.columns) if name.lower() in _IDS and name not in targets]
    for name in named:
        if canonical(table[name]).is_unique:
            return name
    if named:
        guesses.append(f"{named[0]!r} has duplicate values and cannot be the id")
    tested = [] if asked is None else [name for name in map(str, asked.columns) if name.lower() in _IDS]
    classes = {each for name in targets for each in canonical(table[name])}
    names = chain(tested, ("id", "row_number"), (f"row_number_{number}" for number in count(2)))
    name = next(name for name in names if name not in table and name not in classes)
    number_rows(table, name, 0)
    guesses.append(f"{path.name} has no id column: rows are numbered in a new column {name!r}")
    return name


def check_given_ids(table: DataFrame, path: Path, name: str, targets: Sequence[str]) -> None:
    """Check the id column chosen by the user. Raises TaskError."""
    check_column(table, name, path)
    if name in targets:
        raise TaskError(f"{path}: column {name!r} is a target and cannot be the id")
    check_ids(table, path, name)


def number_rows(table: DataFrame, name: str, after: int) -> None:
    """Insert a first column with row numbers, starting at `after` + 1."""
    table.insert(0, name, [str(number) for number in range(after + 1, after + len(table) + 1)])


def _separated(path: Path) -> str:
    """The end of a message that names the separator of the header, if it is not a comma."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline()
    found = next((name for sign, name in _SEPARATORS.items() if sign in header and "," not in header), None)
    return f"; its header uses {found}: save it with commas between columns and numbers as 1234.5" if found else ""
