"""A table of text in little more memory than its file: its columns are kept apart, as runs of bytes.

Whoever needs a column gets it as a series of Python texts, and lets it go before the next one.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import overload

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.text_column import TextColumn

__all__ = ["Table", "TextTable", "header_of", "quoted"]

_CELLS_AT_ONCE = 1 << 16
_QUOTED = re.compile(rb'[",\r\n]')


class TextTable:
    """A table of text. Rows are numbered from 0; nothing but `insert` changes a table."""

    def __init__(self, columns: Mapping[str, TextColumn], rows: int) -> None:
        self._columns = dict(columns)
        self._rows = rows

    @classmethod
    def of(cls, frame: DataFrame) -> "TextTable":
        """The table of a frame of texts."""
        return cls({str(name): TextColumn.of(frame[name].tolist()) for name in frame.columns}, len(frame))

    def __len__(self) -> int:
        return self._rows

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._columns)

    @property
    def index(self) -> pd.RangeIndex:
        """The numbers of the rows."""
        return pd.RangeIndex(self._rows)

    @overload
    def __getitem__(self, name: str) -> Series: ...
    @overload
    def __getitem__(self, name: list[str]) -> "TextTable": ...
    def __getitem__(self, name: str | list[str]) -> "Series | TextTable":
        """A column as Python texts, or the table of several columns. Raises KeyError."""
        if isinstance(name, str):
            return self._columns[name].series(name)
        return TextTable({each: self._columns[each] for each in name}, self._rows)

    def column(self, name: str) -> TextColumn:
        """A column as it is kept. Raises KeyError."""
        return self._columns[name]

    def without(self, names: Iterable[str]) -> "TextTable":
        """The table without the columns of these names."""
        gone = set(names)
        return TextTable({name: each for name, each in self._columns.items() if name not in gone}, self._rows)

    def renamed(self, names: Sequence[str]) -> "TextTable":
        """The table with these names of its columns, in their order."""
        return TextTable(dict(zip(names, self._columns.values(), strict=True)), self._rows)

    def replaced(self, columns: Mapping[str, Iterable[str] | TextColumn]) -> "TextTable":
        """The table with other cells in some columns, or with new columns at its end."""
        made = {name: each if isinstance(each, TextColumn) else TextColumn.of(each) for name, each in columns.items()}
        return TextTable(self._columns | made, self._rows)

    def insert(self, name: str, texts: Iterable[str]) -> None:
        """Put a new first column into this table."""
        self._columns = {name: TextColumn.of(texts)} | self._columns

    def take(self, rows: Array) -> "TextTable":
        """The rows at these positions, or those of a mask, numbered anew."""
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        return TextTable({name: column.take(at) for name, column in self._columns.items()}, len(at))

    def followed_by(self, other: "TextTable") -> "TextTable":
        """The rows of this table, then those of another one with the same columns."""
        both = {name: TextColumn.joined([column, other.column(name)]) for name, column in self._columns.items()}
        return TextTable(both, len(self) + len(other))

    def frame(self) -> DataFrame:
        """The table as a frame of Python texts: for small tables."""
        return DataFrame(
            {name: column.array() for name, column in self._columns.items()}, index=self.index, dtype=object
        )

    def duplicates(self) -> int:
        """The number of rows that are equal to an earlier one."""
        marks = [np.fromiter(map(hash, lines), np.int64, len(lines)) for lines in self.lines()]
        return len(self) - len(np.unique(np.concatenate(marks))) if marks else 0

    def lines(self) -> Iterator[list[bytes]]:
        """The rows as lines of CSV without their ends, in blocks."""
        width = len(self._columns)
        blocks = [quoted(column, max(1, _CELLS_AT_ONCE // max(1, width))) for column in self._columns.values()]
        for cells in zip(*blocks, strict=True):
            if width == 1:  # an empty line would be no row
                yield [cell or b'""' for cell in cells[0]]
            else:
                yield list(map(b",".join, zip(*cells, strict=True)))


Table = DataFrame | TextTable


def header_of(names: Iterable[str]) -> bytes:
    """Names of columns as a line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(names)
    return line.getvalue().encode()


def quoted(column: TextColumn, rows: int) -> Iterator[list[bytes]]:
    """The cells of a column as CSV has them, in blocks of so many rows; none of a column without cells."""
    if not column.rows:
        return iter(())
    blocks = column.blocks(rows)
    if column.inner is None and not any(sign in column.data for sign in (b'"', b",", b"\r")):
        return blocks
    return (
        [b'"' + cell.replace(b'"', b'""') + b'"' if _QUOTED.search(cell) else cell for cell in cells]
        for cells in blocks
    )
