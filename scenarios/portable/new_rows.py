"""Rows that a finished solution has not seen, fitted to the columns of the task's test."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, Self, TypeVar, overload

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.portable.ids import canonical

__all__ = ["Rows", "as_text", "fit_rows", "next_number", "unambiguous"]

_SHOWN = 8
_LARGEST_ID = 10**15
_GROUPED = r"[-+]?\d{1,3}\.\d{3}"


class Rows(Protocol):
    """What is needed of a table of text, whose rows are numbered from 0 (`text_table.TextTable`)."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""

    def __len__(self) -> int: ...

    def __contains__(self, name: object) -> bool: ...

    @overload
    def __getitem__(self, name: str) -> Series: ...
    @overload
    def __getitem__(self, name: list[str]) -> Self: ...

    def renamed(self, names: Sequence[str]) -> Self:
        """The table with these names of its columns."""

    def replaced(self, columns: Mapping[str, Iterable[str]]) -> Self:
        """The table with other cells in some columns, or with new columns."""


_Rows = TypeVar("_Rows", bound=Rows)


def fit_rows(table: _Rows, train_ids: Series, columns: Sequence[str]) -> tuple[_Rows, list[str]]:
    """The new rows with the given columns, and notes on what was done for it.

    Args:
        table: The new rows as text.
        train_ids: The ids of the training rows; the name of the series is that of the id column.
        columns: The columns of the task's test, ids included. A name that differs in case alone is taken as meant.

    Raises:
        ValueError: There are no rows, a column is missing, an id is empty or a duplicate.
    """
    if not len(table):
        raise ValueError("there are no rows to predict")
    key, notes = str(train_ids.name), []
    renamed = _other_case(table.columns, columns)
    notes += [f"column {old!r} is taken as {new!r}" for old, new in renamed.items()]
    table = table.renamed([renamed.get(name, name) for name in table.columns])
    if key not in table:
        first = next_number(train_ids)
        table = table.replaced({key: (str(number) for number in range(first, first + len(table)))})
        notes.append(f"no column {key!r}: rows are numbered from {first}")
    if absent := [name for name in columns if name not in table]:
        raise ValueError(f"no column {_listed(absent)}, which the solution was trained on")
    if extra := [name for name in table.columns if name not in columns]:
        notes.append(f"ignored: column {_listed(extra)}")
    ids = canonical(table[key]).to_numpy()
    for bad, words in ((ids == "", "is empty"), (Series(ids).duplicated().to_numpy(), "is a duplicate")):
        if bad.any():
            row = int(bad.argmax())
            raise ValueError(f"column {key!r}, row {row + 1}: id {ids[row]!r} {words}")
    return table[list(columns)], notes


def next_number(train_ids: Series) -> int:
    """The number of the first row without an id: the one after the training rows, as in a task of numbered rows."""
    values = pd.to_numeric(canonical(train_ids), errors="coerce").to_numpy(dtype=float)
    whole = len(values) > 0 and bool(np.all((values >= 0) & (values < _LARGEST_ID) & (values == np.floor(values))))
    return int(values.max()) + 1 if whole else len(train_ids) + 1


def as_text(rows: DataFrame) -> DataFrame:
    """A table of a program as text: gaps are empty, and its numbers cannot be mistaken for others."""
    table = rows.set_axis([str(name) for name in rows.columns], axis="columns")
    text = pd.read_csv(io.StringIO(table.to_csv(index=False)), dtype=str, keep_default_na=False)
    fractions = [name for name in table.columns if pd.api.types.is_float_dtype(table[name])]
    return text.assign(**{name: unambiguous(text[name]) for name in fractions})


def unambiguous(texts: Series) -> Series:
    """Numbers as a program writes them, none of which can be mistaken for thousands: `1.250` becomes `1.2500`."""
    return texts.where(~texts.str.fullmatch(_GROUPED), texts + "0")


def _other_case(names: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Name → the column that it is, where the two differ in case alone and no other name does."""
    lower = [name.strip().casefold() for name in names]
    wanted = [name.strip().casefold() for name in columns]
    return {
        name: columns[wanted.index(low)]
        for name, low in zip(names, lower, strict=True)
        if name not in columns and lower.count(low) == 1 and wanted.count(low) == 1
    }


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:_SHOWN])) + (", …" if len(names) > _SHOWN else "")
