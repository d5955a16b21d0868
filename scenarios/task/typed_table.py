"""Columns in plain form (`columns`) as numbers or text."""

import io
from collections.abc import Mapping
from typing import Literal, overload

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.text_column import TextColumn
from gome.scenarios.task.text_table import TextTable

__all__ = ["Dtype", "TypedTable", "to_floats", "typed"]

Dtype = Literal["int64", "float64", "str"]

_MANY = 10_000  # rows from which on it pays to call the reader of CSV for one column


class TypedTable:
    """A table in plain form whose columns are numbers (gaps NaN) or text (gaps None), made when they are asked for."""

    def __init__(self, table: TextTable, dtypes: Mapping[str, Dtype]) -> None:
        self._table = table
        self._dtypes = dtypes

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self._table.columns

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    @overload
    def __getitem__(self, name: str) -> Series: ...
    @overload
    def __getitem__(self, name: list[str]) -> "TypedTable": ...
    def __getitem__(self, name: str | list[str]) -> "Series | TypedTable":
        """A column, or the table of several columns. Raises KeyError."""
        if not isinstance(name, str):
            return TypedTable(self._table[name], self._dtypes)
        column = self._table.column(name)
        if self._dtypes[name] == "str":
            return Series(_shared(column), name=name, dtype=object)
        return Series(to_floats(column).astype(self._dtypes[name]), name=name)

    def is_number(self, name: str) -> bool:
        """Whether a column holds numbers."""
        return self._dtypes[name] != "str"

    def take(self, rows: Array) -> "TypedTable":
        """The rows at these positions, or those of a mask, numbered anew."""
        return TypedTable(self._table.take(rows), self._dtypes)

    def frame(self) -> DataFrame:
        """All columns as a frame: of a long table each by itself, as joined they would be there twice for a while."""
        wide = len(self) < _MANY and len(self) < len(self.columns)
        known = self._numbers() if wide else {}
        columns = {name: known[name] if name in known else self[name] for name in self.columns}
        return DataFrame(columns, index=self._table.index, copy=len(self) < _MANY)

    def _numbers(self) -> dict[str, Array]:
        """The columns of plain numbers, read at once: of ten thousand columns, each alone takes long."""
        plain = [name for name in self.columns if self.is_number(name) and self._table.column(name).plain_numbers]
        both = TextColumn.joined([self._table.column(name) for name in plain])
        read = to_floats(both).reshape(len(plain), len(self))
        return {name: row.astype(self._dtypes[name], copy=False) for name, row in zip(plain, read, strict=True)}


def typed(table: TextTable, dtypes: Mapping[str, Dtype]) -> DataFrame:
    """The columns of a table in plain form as numbers (gaps NaN) or text (gaps None)."""
    return TypedTable(table, dtypes).frame()


def to_floats(column: TextColumn) -> Array:
    """Numbers as a program writes them; NaN for all other cells."""
    if column.rows < _MANY or not column.plain_numbers:
        return np.asarray(pd.to_numeric(column.array(), errors="coerce"), dtype=float)
    # The same parser as that of `to_numeric`, without a Python text for each number.
    read = pd.read_csv(
        io.BytesIO(column.data), header=None, names=["a"], dtype=float, skip_blank_lines=False, na_values=[""]
    )
    return read["a"].to_numpy()


def _shared(column: TextColumn) -> list[str | None]:
    """The cells as texts, None for gaps; equal ones are one object."""
    known: dict[str, str | None] = {"": None}
    return [known.setdefault(text, text) for text in column.texts()]
