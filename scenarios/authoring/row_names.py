"""Find a column that names the rows of a user's table: order numbers, customer ids, UUIDs.

A column of numbers, dates or free text is a feature, however many distinct values it has, unless its name says id.
"""

import re
from collections.abc import Sequence

import pandas as pd
from pandas import Series

from gome.scenarios.task.cells import NO_NUMBERS, hold_dates
from gome.scenarios.task.columns import read_columns
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.text_column import TextColumn
from gome.scenarios.task.text_table import TextTable

__all__ = ["find_names"]

_NAMED = re.compile(r"(?i:(?:^|.*[\W_])(?:id|ids|uid|uuid|guid))|.*[a-z](?:Id|ID|Uuid|UUID|Guid|GUID)")
_WHOLE = re.compile(r"\d{1,18}")
_CODE = re.compile(r"(?=.*\d)[A-Za-z0-9]+(?:[-_#][A-Za-z0-9]+)*")
_LETTER = re.compile(r"[A-Fa-f]")
_HEXADECIMAL = re.compile(r"[0-9a-f-]{16,}|[0-9A-F-]{16,}")
_FEWEST = 20
_KINDS = 5
"""Most beginnings of the codes of one column, such as SO in SO-240002."""


def find_names(table: TextTable, asked: TextTable | None, apart: Sequence[str]) -> str | None:
    """The first column that names rows, and says nothing else of them; None if there is none.

    Each row has a value of its own in it, in both tables together. It is called an id and is no fraction, date or text
    of several words; or it has codes alone that begin alike (`SO-240002`), or UUIDs. The only feature of a table is
    never taken.

    Args:
        table: The training rows as text.
        asked: The test rows, if there are any.
        apart: Columns with another meaning.
    """
    features = [name for name in table.columns if name not in apart]
    if len(features) < 2 or len(table) < _FEWEST:
        return None
    candidates = [name for name in features if asked is None or name in asked]
    named = [name for name in candidates if _NAMED.fullmatch(name.strip())]
    for name in (*named, *(name for name in candidates if name not in named)):
        called = name in named
        head = [text.strip() for text in table.column(name).head(_FEWEST)]  # most columns need no look at all cells
        if len(set(head)) < len(head) or not _are_codes(head, called=called):
            continue
        parts = [table[name]] if asked is None else [table[name], asked[name]]
        texts = pd.concat(parts, ignore_index=True).str.strip()
        if _names_rows(texts, called=called):
            return name
    return None


def _names_rows(texts: Series, *, called: bool) -> bool:
    """Whether these texts name rows; `called`: the column is called an id."""
    if texts.str.lower().isin(NO_NUMBERS).any() or not canonical(texts).is_unique:
        return False
    return _are_codes(texts.tolist(), called=called) and not _have_value(texts, called=called)


def _are_codes(texts: Sequence[str], *, called: bool) -> bool:
    if called and all(_WHOLE.fullmatch(text) or (_CODE.fullmatch(text) is not None) for text in texts):
        return True
    if all(_HEXADECIMAL.fullmatch(text) for text in texts) and len(set(map(len, texts))) == 1:
        return any(_LETTER.search(text) for text in texts)
    if not all(_CODE.fullmatch(text) and not text[0].isdigit() for text in texts):
        return False
    return len({re.sub(r"\d+", "0", text) for text in texts}) <= _KINDS


def _have_value(texts: Series, *, called: bool) -> bool:
    """Whether the texts are dates, or numbers with units; whole numbers are names where the column is called an id."""
    if hold_dates(texts):
        return True
    if called and all(_WHOLE.fullmatch(text) for text in texts):
        return False
    table = TextTable({"": TextColumn.of(texts)}, len(texts))
    return read_columns(table, table[[]], {}, {}).dtypes[""] != "str"
