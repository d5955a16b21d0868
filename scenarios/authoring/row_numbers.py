"""Find ids and row numbers among the columns of a user's table: they name rows and are no features."""

import re
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path

import numpy as np
from pandas import Series

from gome.scenarios.authoring.row_names import find_names
from gome.scenarios.task.tables import canonical, numbers
from gome.scenarios.task.text_table import TextTable

__all__ = ["find_ids", "number_rows", "row_numbers"]

_IDS = ("id", "row_id", "rowid")
_INDEX = ("", "unnamed: 0", "index", "rownames", "row.names", "__index_level_0__")
_TIMES = ("date", "time", "year", "month", "week", "day", "hour", "minute", "period", "step", "t")
_FEWEST = 5


def find_ids(
    table: TextTable,
    asked: TextTable | None,
    targets: Sequence[str],
    path: Path,
    guesses: list[str],
    used: Sequence[str] = (),
) -> str:
    """The id column: one named `id` with unique values, else row numbers, else names of rows, else new row numbers.

    Args:
        table: The user's training table; a new id column is inserted.
        asked: The test table, if there is one.
        targets: The target columns.
        path: The file of the training table, for messages.
        used: Columns with another meaning, such as that of the split.
        guesses: Gets a message for each guess.
    """
    named = [name for name in table.columns if name.lower() in _IDS and name not in targets]
    for name in named:
        if canonical(table[name]).is_unique:
            return name
    if named:
        guesses.append(f"{named[0]!r} has duplicate values and cannot be the id")
    for name in row_numbers(table, targets):
        if asked is None or (name in asked and canonical(asked[name]).is_unique):
            guesses.append(f"column {name!r} numbers the rows: it is the id, not a feature")
            return name
    if (own := find_names(table, asked, [*targets, *used])) is not None:
        guesses.append(f"column {own!r} names the rows: it is the id, not a feature; another one: --id COLUMN")
        return own
    tested = [] if asked is None else [name for name in asked.columns if name.lower() in _IDS]
    classes = {each for name in targets for each in canonical(table[name])}
    names = chain(tested, ("id", "row_number"), (f"row_number_{number}" for number in count(2)))
    name = next(name for name in names if name not in table and name not in classes)
    number_rows(table, name, 0)
    words = f"{path.name} has no id column: rows are numbered in a new column {name!r}"
    guesses.append(f"{words}; if a column names them, say so: --id COLUMN (in Python id_column)")
    return name


def row_numbers(table: TextTable, apart: Sequence[str]) -> list[str]:
    """The columns that number the rows: 0, 1, 2, … or 1, 2, 3, … from row to row, or an index by its name.

    Columns named like a time are not among them, as time passes so too; nor are a table's only features.
    """
    features = [name for name in table.columns if name not in apart]
    found = [name for name in features if _numbers_rows(table[name])]
    return found if len(found) < len(features) else [name for name in found if name.strip().lower() in _INDEX]


def number_rows(table: TextTable, name: str, after: int) -> None:
    """Insert a first column with row numbers, starting at `after` + 1."""
    table.insert(name, (str(number) for number in range(after + 1, after + len(table) + 1)))


def _numbers_rows(texts: Series) -> bool:
    name = str(texts.name).strip().lower()
    if len(texts) < _FEWEST or any(name == part or (len(part) > 1 and part in name) for part in _TIMES):
        return False
    if not all(re.fullmatch(r"\d+(\.0*)?", text.strip()) for text in texts.to_numpy(dtype=object)[:_FEWEST]):
        return name in _INDEX and canonical(texts).is_unique and bool((texts.str.strip() != "").all())
    values = numbers(texts).to_numpy()
    counted = values[0] in (0, 1) and bool((np.diff(values) == 1).all())
    return counted or (name in _INDEX and canonical(texts).is_unique)
