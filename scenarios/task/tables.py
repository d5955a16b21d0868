"""Strict reading of CSV files as text: a row whose number of fields differs from the header is an error.

Text is kept as written, so that a subset of a file has the same digits as the file. Rows count from 1, below the
header.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.errors import TaskError
from gome.scenarios.portable.ids import canonical
from gome.scenarios.task.cells import GAPS

__all__ = ["Damaged", "canonical", "infer_types", "numbers", "parse_table", "read_table", "repeated", "write_table"]

_LONGEST_FIELD = 1 << 24


class Damaged(TaskError):
    """A table cannot be read. The message is without its path; `row` is the first bad row, None for the whole file."""

    def __init__(self, message: str, row: int | None = None) -> None:
        self.row = row
        super().__init__(message)


def read_table(path: Path, most_bytes: int | None = None) -> DataFrame:
    """Read all columns as text; missing fields are empty. Raises Damaged, also if larger than `most_bytes`."""
    try:
        if most_bytes is not None and path.stat().st_size > most_bytes:
            raise Damaged(f"larger than {most_bytes:,} bytes")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Damaged(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Damaged(f"not UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    return parse_table(text)


def parse_table(text: str, delimiter: str = ",") -> DataFrame:
    """The columns of CSV text, as text. Raises Damaged."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(_lines(text), strict=True, delimiter=delimiter)
    header = _header(reader)
    rows = list(_rows(reader, len(header)))
    columns = zip(*rows, strict=True) if rows else ((),) * len(header)
    return DataFrame(dict(zip(header, map(list, columns), strict=True)), dtype=object)


def _lines(text: str) -> Iterator[str]:
    """The lines of a text with their ends. A `StringIO` would take four bytes a character."""
    if text.count("\r") != text.count("\r\n"):  # some lines end with "\r" alone
        yield from io.StringIO(text, newline="")
        return
    begin = 0
    while end := text.find("\n", begin) + 1:
        yield text[begin:end]
        begin = end
    if begin < len(text):
        yield text[begin:]


def write_table(path: Path, frame: DataFrame) -> None:
    """Write a table of text. The same table always gives the same bytes."""
    frame.to_csv(path, index=False, lineterminator="\n")


def numbers(texts: Series) -> Series:
    """Convert text to floats; NaN if it is not a number. `inf` counts as a number."""
    return pd.to_numeric(texts.str.strip(), errors="coerce").astype(float)


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


def _rows(reader: Iterator[list[str]], width: int) -> Iterator[list[str]]:
    number = 0
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Damaged(f"row {number} is not CSV: {error}", number) from error
        if not row:
            number -= 1
            continue
        if len(row) != width:
            raise Damaged(f"row {number} has {len(row)} fields where the header has {width}", number)
        yield row
