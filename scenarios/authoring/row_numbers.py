"""Find ids and row numbers among the columns of a user's table: they name rows and are no features."""

import re
from collections.abc import Iterable, Sequence
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
_WHOLE = re.compile(r"\d+(\.0*)?")


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
    for name in row_numbers(table, [*targets, *used]):
        if asked is None or (name in asked and canonical(asked[name]).is_unique):
            guesses.append(f"column {name!r} numbers the rows: it is the id, not a feature")
            return name
    if (own := find_names(table, asked, [*targets, *used])) is not None:
        guesses.append(f"column {own!r} names the rows: it is the id, not a feature; another one: --id COLUMN")
        return own
    tested = [] if asked is None else [name for name in asked.columns if name.lower() in _IDS]
    wordy = [name for name in targets if not table.column(name).filled_numbers]
    classes = {each for name in wordy for each in canonical(table[name])}
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
    heads = {name: table.column(name).head(_FEWEST) for name in features}  # tells of most columns that they do not
    found = [name for name in features if _may_number(name, heads[name]) and _numbers_rows(table[name])]
    return found if len(found) < len(features) else [name for name in found if name.strip().lower() in _INDEX]


def number_rows(table: TextTable, name: str, after: int) -> None:
    """Insert a first column with row numbers, starting at `after` + 1."""
    table.insert(name, (str(number) for number in range(after + 1, after + len(table) + 1)))


def _may_number(name: str, head: Sequence[str]) -> bool:
    """Whether a column may number the rows, by its name and its first cells."""
    name = name.strip().lower()
    if len(head) < _FEWEST or any(name == part or (len(part) > 1 and part in name) for part in _TIMES):
        return False
    return name in _INDEX or _are_whole(head)


def _are_whole(texts: Iterable[str]) -> bool:
    return all(_WHOLE.fullmatch(text.strip()) for text in texts)


def _numbers_rows(texts: Series) -> bool:
    """Whether a column that may number the rows does."""
    name = str(texts.name).strip().lower()
    if not _are_whole(texts.iloc[:_FEWEST]):
        return canonical(texts).is_unique and bool((texts.str.strip() != "").all())
    values = numbers(texts).to_numpy()
    counted = values[0] in (0, 1) and bool((np.diff(values) == 1).all())
    return counted or (name in _INDEX and canonical(texts).is_unique)
