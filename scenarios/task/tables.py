"""Strict reading of CSV files as text: a row whose number of fields differs from the header is an error.

Text is kept as written, so that a subset of a file has the same digits as the file. Rows count from 1, below the
header.
"""

import codecs
import csv
import io
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import methodcaller
from pathlib import Path

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.errors import TaskError
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.portable.ids import canonical
from gome.scenarios.task.cells import GAPS
from gome.scenarios.task.text_column import TextColumn
from gome.scenarios.task.text_table import Table, TextTable, header_of, quoted
from gome.scenarios.task.typed_table import to_floats

__all__ = [
    "Damaged",
    "canonical",
    "check_utf8",
    "infer_types",
    "numbers",
    "numbers_of",
    "parse_table",
    "read_table",
    "read_texts",
    "repeated",
    "write_columns",
    "write_table",
]

_LONGEST_FIELD = 1 << 24
_BLOCK = 1 << 20  # bytes that are read at once
_FEW_ROWS, _COLUMNS_AT_ONCE = 10_000, 256
_ENDS = methodcaller("endswith", b"\n")


class Damaged(TaskError):
    """A table cannot be read. The message is without its path; `row` is the first bad row, None for the whole file."""

    def __init__(self, message: str, row: int | None = None) -> None:
        self.row = row
        super().__init__(message)


def read_table(path: Path, most_bytes: int | None = None) -> DataFrame:
    """As `read_texts`, for small tables: a frame of Python texts."""
    return read_texts(path, most_bytes).frame()


def read_texts(path: Path, most_bytes: int | None = None) -> TextTable:
    """Read all columns as text; missing fields are empty. Raises Damaged, also if larger than `most_bytes`."""
    try:
        found = path.stat()
        if stat.S_ISFIFO(found.st_mode):
            raise Damaged("a pipe, which would be waited for")
        if most_bytes is not None and found.st_size > most_bytes:
            raise Damaged(f"larger than {most_bytes:,} bytes")
        content = path.read_bytes()
        check_utf8(content)
    except OSError as error:
        raise Damaged(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Damaged(f"not UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    return parse_table(content.removeprefix(codecs.BOM_UTF8))


def check_utf8(content: bytes) -> None:
    """Raises UnicodeDecodeError where the bytes are not UTF-8. Makes no text of them all, which may take four times."""
    if content.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for begin in range(0, len(content), _BLOCK):
            decoder.decode(content[begin : begin + _BLOCK], final=begin + _BLOCK >= len(content))
    except UnicodeDecodeError:
        content.decode("utf-8")  # says the place in the whole


def parse_table(content: bytes, delimiter: str = ",") -> TextTable:
    """The columns of CSV in UTF-8, as text. Raises Damaged."""
    csv.field_size_limit(_LONGEST_FIELD)
    source = _Lines(content)
    header = _header(csv.reader(source, strict=True, delimiter=delimiter))
    parts = _Parts(len(header))
    while source.at < len(content):
        begin, end = source.at, content.find(b"\n", source.at + _BLOCK) + 1 or len(content)
        if source.plain and parts.add(content[begin:end], delimiter.encode()):
            source.at = end
        else:
            parts.add_rows(list(_rows(source, end, delimiter, len(header), parts.rows)))
    return TextTable(dict(zip(header, parts.columns(), strict=True)), parts.rows)


class _Lines:
    """The lines of a text with their ends, from the place `at`, where the next one begins.

    `plain`: no line ends with a carriage return alone, which the csv module knows too.
    """

    def __init__(self, content: bytes) -> None:
        self.plain = content.count(b"\r") == content.count(b"\r\n")
        self.at = 0
        self._content = content
        self._all = None if self.plain else io.StringIO(content.decode(), newline="")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._all is not None:
            line = next(self._all)
            self.at += len(line.encode())
            return line
        if self.at == len(self._content):
            raise StopIteration
        begin, self.at = self.at, self._content.find(b"\n", self.at) + 1 or len(self._content)
        return self._content[begin : self.at].decode()


class _Parts:
    """The columns of a table as they grow."""

    def __init__(self, width: int) -> None:
        self.rows = 0
        self._data = [bytearray() for _ in range(width)]
        self._inner: dict[int, list[Array]] = {}

    def add(self, block: bytes, delimiter: bytes) -> bool:
        """Add lines without quotes, which need no csv module. False where they have some, or another width."""
        if not self._data or b'"' in block or len(block) > _LONGEST_FIELD:
            return False
        block = block.replace(b"\r\n", b"\n")
        block = block if block.endswith(b"\n") else block + b"\n"
        if block.startswith(b"\n") or b"\n\n" in block:
            return False
        width, rows = len(self._data), block.count(b"\n")
        cells = block.replace(b"\n", b"\n" + delimiter).split(delimiter)
        cells.pop()
        last = cells[width - 1 :: width]
        if len(cells) != rows * width or sum(map(_ENDS, last)) != rows:
            return False
        for place, data in enumerate(self._data[:-1]):
            data += b"\n".join(cells[place::width])
            data += b"\n"
        self._data[-1] += b"".join(last)
        self.rows += rows
        return True

    def add_rows(self, rows: list[list[str]]) -> None:
        """Add rows of cells."""
        for place, cells in enumerate(zip(*rows, strict=True)):
            column = TextColumn.of(list(cells))
            if column.inner is not None:
                self._inner.setdefault(place, []).append(column.inner + len(self._data[place]))
            self._data[place] += column.data
        self.rows += len(rows)

    def columns(self) -> Iterator[TextColumn]:
        """The columns. Their parts are let go."""
        for place in range(len(self._data)):
            data, self._data[place] = bytes(self._data[place]), bytearray()
            inner = self._inner.pop(place, None)
            yield TextColumn(data, self.rows, None if inner is None else np.concatenate(inner))


def write_table(path: Path, table: Table) -> None:
    """Write a table of text. The same table always gives the same bytes."""
    if isinstance(table, DataFrame):
        table.to_csv(path, index=False, lineterminator="\n")
        return
    write_columns(path, ((name, table.column(name)) for name in table.columns), len(table))


def write_columns(path: Path, columns: Iterable[tuple[str, TextColumn]], rows: int) -> None:
    """As `write_table`, of columns with so many rows.

    Where rows are few, as of tables with thousands of columns, a column is let go before the next one is made.
    """
    if rows > _FEW_ROWS:
        table = TextTable(dict(columns), rows)
        _write(path, table.columns, table.lines())
        return
    names: list[str] = []
    parts: list[list[bytes]] = [[] for _ in range(rows)]  # of each row, its cells in joined groups
    left = iter(columns)
    while group := dict(islice(left, _COLUMNS_AT_ONCE)):
        names += group
        cells = [next(quoted(column, rows), []) for column in group.values()]
        for row, joined in zip(parts, map(b",".join, zip(*cells, strict=True)), strict=True):
            row.append(joined)
    _write(path, names, ([b",".join(row) or b'""'] for row in parts))  # an empty line would be no row


def _write(path: Path, names: Iterable[str], blocks: Iterable[list[bytes]]) -> None:
    with path.open("wb") as file:
        file.write(header_of(names))
        for lines in blocks:
            file.write(b"\n".join(lines) + b"\n")


def numbers(texts: Series) -> Series:
    """Convert text to floats; NaN if it is not a number. `inf` counts as a number."""
    return pd.to_numeric(texts.str.strip(), errors="coerce").astype(float)


def numbers_of(table: Table, name: str) -> Series:
    """As `numbers`, of a column: a long one whose cells are plain numbers is read at once."""
    if isinstance(table, TextTable) and table.column(name).filled_numbers:
        return Series(to_floats(table.column(name)), name=name)
    return numbers(table[name])


def infer_types(raw: DataFrame) -> DataFrame:
    """Convert each column to numbers if possible (missing values NaN), else keep text (missing values None)."""
    return DataFrame({name: _typed(raw[name]) for name in raw.columns}, index=raw.index)


def _typed(texts: Series) -> Series:
    missing = texts.str.strip().str.lower().isin(GAPS)
    values = pd.to_numeric(texts.where(~missing, None), errors="coerce")
    if not values[~missing].isna().any():
        whole = not missing.any() and bool((values == np.floor(values)).all()) and bool((values.abs() < 2**53).all())
        return values.astype("int64") if whole and len(values) else values.astype(float)
    return texts.where(~missing, None)


def repeated(names: Sequence[str]) -> str | None:
    """The first name that occurs twice."""
    counts = Counter(names)
    return next((name for name in names if counts[name] > 1), None)


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        header = next(reader)
    except StopIteration:
        raise Damaged("empty: not even a header") from None
    except csv.Error as error:
        raise Damaged(f"not CSV: {error}") from error
    if (twice := repeated(header)) is not None:
        raise Damaged(f"two columns are called {twice!r}")
    return header


def _rows(source: _Lines, end: int, delimiter: str, width: int, number: int) -> Iterator[list[str]]:
    """The rows that begin before the place `end`. `number` rows came before them."""
    reader = csv.reader(source, strict=True, delimiter=delimiter)
    while source.at < end:
        number += 1
        try:
            row = next(reader)
        except csv.Error as error:
            raise Damaged(f"row {number} is not CSV: {error}", number) from error
        if not row:
            number -= 1
            continue
        if len(row) != width:
            raise Damaged(f"row {number} has {len(row)} fields where the header has {width}", number)
        yield row
