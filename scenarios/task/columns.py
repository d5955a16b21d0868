"""One reading of a task's tables: each column is decided once, for the profile, the harness and all scripts.

    text as written ──► read_columns ──► the same tables with every cell in one plain form, the type of each column,
                                         and remarks on what was changed

In the plain form a gap is empty, a number is what a program writes, and the dates of a column are written alike.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from pandas import Series

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.cells import (
    GAPS,
    NO_NUMBERS,
    USUAL_GAPS,
    NumberStyle,
    at_first,
    cells_among,
    find_spellings,
    find_style,
    gap_remarks,
    multiplies,
    some_of,
    strange_cells,
)
from gome.scenarios.task.text_column import TextColumn
from gome.scenarios.task.text_table import TextTable
from gome.scenarios.task.typed_table import Dtype, to_floats
from gome.scenarios.task.written_dates import DateStyle, find_dates, read_dates

__all__ = ["ColumnKind", "Reading", "read_columns"]

ColumnKind = Literal["number", "text", "date"]

_LARGEST = 3e38  # beyond it, a number does not fit the 32 bits that many models compute with
_STRAY_SHARE, _STRAY_WORDS, _FEWEST_NUMBERS = 0.02, 5, 20
_FIRST = 200
_MOST_REMARKS = 30
_FRACTION = re.compile(rb"\.[0-9]*[1-9]")


@dataclass(frozen=True)
class Reading:
    """The tables in plain form, the dtype of each column (`int64`, `float64` or `str`), and remarks for people."""

    train: TextTable
    test: TextTable
    dtypes: dict[str, Dtype]
    remarks: tuple[str, ...]


class _Read(NamedTuple):
    """One column: its kind, its cells in both tables, remarks, and its dtype where it is known already."""

    kind: ColumnKind
    train: TextColumn
    test: TextColumn
    remarks: tuple[str, ...] = ()
    dtype: Dtype | None = None


class _Cells(NamedTuple):
    """The cells of one column in both tables as Python texts, and remarks."""

    kind: ColumnKind
    train: Array
    test: Array
    remarks: tuple[str, ...] = ()


def read_columns(
    train: TextTable,
    test: TextTable,
    verbatim: Mapping[str, ColumnKind],
    told: Mapping[str, ColumnKind],
    files: tuple[str, str] = ("train.csv", "test.csv"),
) -> Reading:
    """Decide each column from the training rows, and bring the cells of both tables to the plain form.

    Args:
        train: The training rows as text.
        test: The test rows as text. They may lack columns.
        verbatim: Columns that are checked elsewhere (ids, targets): their cells stay, classes and ids as text.
        told: Columns whose kind the user has decided.
        files: The names of the two files, for remarks. They count rows from 1.
    """
    columns: dict[str, _Read] = {}
    for name in train.columns:
        ours = train.column(name)
        theirs = test.column(name) if name in test else TextColumn(b"", 0)
        if name in verbatim:
            columns[name] = _Read(verbatim[name], ours, theirs)
        else:
            columns[name] = _read(name, ours, theirs, told.get(name), files)
    remarks = [f"column {name!r}: {'; '.join(read.remarks)}" for name, read in columns.items() if read.remarks]
    more = len(remarks) - _MOST_REMARKS
    remarks = [*remarks[:_MOST_REMARKS], f"{more} more columns likewise"] if more > 0 else remarks
    return Reading(
        TextTable({name: read.train for name, read in columns.items()}, len(train)),
        TextTable({name: columns[name].test for name in test.columns}, len(test)),
        {name: _dtype(read) for name, read in columns.items()},
        tuple(remarks),
    )


def _dtype(read: _Read) -> Dtype:
    """The narrowest dtype that holds the cells of both tables."""
    if read.kind != "number":
        return "str"
    if read.dtype is not None:
        return read.dtype
    values = np.concatenate([to_floats(read.train), to_floats(read.test)])
    with np.errstate(invalid="ignore"):
        whole = bool(np.all(np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) < 2**53)))
    return "int64" if whole and len(values) else "float64"


def _read(name: str, train: TextColumn, test: TextColumn, told: ColumnKind | None, files: tuple[str, str]) -> _Read:
    if told in (None, "number") and len(train) and train.plain_numbers and test.plain_numbers:
        fine = any(_FRACTION.search(each.data) or each.has_gap for each in (train, test))
        return _Read("number", train, test, dtype="float64" if fine else "int64")
    ours, theirs = train.array(), test.array()
    kind, *plain, remarks = _decided(name, ours, theirs, told, files)
    kept = [
        column if np.array_equal(cells, made) else TextColumn.of(made)
        for column, cells, made in zip((train, test), (ours, theirs), plain, strict=True)
    ]
    return _Read(kind, kept[0], kept[1], remarks)


def _decided(name: str, train: Array, test: Array, told: ColumnKind | None, files: tuple[str, str]) -> _Cells:
    if told == "number" or (told is None and (style := _number_style(train)) is not None):
        return _numbers(train, test, (_forced_style(train) if told else style) or NumberStyle(), files)
    dates = find_dates(train, name, files[0])
    if told == "date" or (told is None and dates is not None and dates.sure):
        return _Cells("date", *read_dates(train, test, dates.style if dates else DateStyle("year"), files))
    ours, theirs = _without(train), _without(test)
    if told:
        return _Cells("text", ours, theirs)
    found = find_spellings(ours, theirs)
    doubts = (dates.doubt,) if dates else _stray_texts(train, files[0])
    return _Cells("text", found.joined(ours), found.joined(theirs), (*doubts, *found.remarks))


def _stray_texts(train: Array, file: str) -> tuple[str, ...]:
    """A remark on a column of text most of whose cells are numbers."""
    numeric = int((~np.isnan(_floats(train))).sum())
    foreign = _foreign(train) if 2 * numeric > len(train) else []
    if not foreign:
        return ()
    words = f"text, though {numeric} of {len(train)} cells are numbers, because of {some_of(foreign)}"
    return (at_first(cells_among(train, foreign), file, words),)


def _floats(cells: Array) -> Array:
    """Numbers as a program writes them; NaN for all other cells."""
    return np.asarray(pd.to_numeric(np.asarray(cells, dtype=object), errors="coerce"), dtype=float)


def _foreign(cells: Array) -> list[str]:
    """The distinct cells that are neither a number nor a gap."""
    odd = cells[np.isnan(_floats(cells))]
    return [text for text in pd.unique(Series(odd, dtype=object)) if text.strip().lower() not in NO_NUMBERS]


def _filled(cells: Array) -> list[str]:
    """The distinct cells that are no gaps."""
    return [text for text in pd.unique(Series(cells, dtype=object)) if text.strip().lower() not in NO_NUMBERS]


def _number_style(train: Array) -> NumberStyle | None:
    """How the numbers of a column are written; None if it does not hold numbers."""
    floats = _floats(train)
    plain, foreign = ~np.isnan(floats), _foreign(train)
    if not foreign:
        words = {text.strip().lower() for text in pd.unique(Series(train, dtype=object))} if not plain.any() else set()
        return NumberStyle() if words <= GAPS else None
    if not plain.any() and find_style(foreign[:_FIRST]) is None:
        return None
    if style := _forced_style(train):
        return style
    filled = int((Series(train, dtype=object).str.strip() != "").sum())
    few = Series(train, dtype=object).isin(foreign).sum() <= max(1, _STRAY_SHARE * filled)
    several = len(np.unique(floats[plain])) > _FEWEST_NUMBERS
    return NumberStyle() if few and several and len(foreign) <= _STRAY_WORDS else None


def _forced_style(train: Array) -> NumberStyle | None:
    """The style of all cells that are no gaps; None if there is none."""
    foreign = _foreign(train)
    style = find_style(foreign) if foreign else NumberStyle()
    if style is None or style.decimal == ".":
        return style
    plain = pd.unique(Series(train[~np.isnan(_floats(train))], dtype=object))
    return find_style([*foreign, *plain])


def _numbers(train: Array, test: Array, style: NumberStyle, files: tuple[str, str]) -> _Cells:
    scales = _multiplied(train, test)
    style = style._replace(scales=style.scales or scales)
    remarks = [f"numbers; {words}"] if (words := style.spelled()) else []
    plain: list[Array] = []
    for cells, file in zip((train, test), files, strict=True):
        own = style
        foreign = _foreign(cells)
        if any(style.plain(text) is None for text in (foreign if style.decimal == "." else _filled(cells))):
            own = _forced_style(cells) or style  # with a comma, also where a program has written all cells with points
            own = own._replace(scales=style.scales or own.scales)
        if own != style and (words := own.spelled()):
            remarks.append(f"in {file} {words}")
        made, said = _plain_numbers(cells, own, file)
        remarks += said
        plain.append(made)
    return _Cells("number", plain[0], plain[1], tuple(remarks))


def _multiplied(*tables: Array) -> bool:
    """Whether some numbers have a unit that multiplies (`45k`), and others another one or none."""
    texts = [text for cells in tables for text in _foreign(cells)]
    if not any(map(multiplies, texts)):
        return False
    bare = any(bool((~np.isnan(_floats(cells))).any()) for cells in tables)
    style = find_style(texts)
    return bare or style is None or style.scales


def _plain_numbers(cells: Array, style: NumberStyle, file: str) -> tuple[Array, list[str]]:
    """The cells of one table as plain numbers, and remarks on those that are read as gaps."""
    floats = _floats(cells)
    odd, huge = np.isnan(floats), np.abs(floats) > _LARGEST
    rewritten = style.decimal == "," and not odd.all()
    if not odd.any() and not huge.any() and not rewritten:
        return cells, []
    at = np.arange(len(cells)) if rewritten else np.flatnonzero(odd)
    codes, texts = pd.factorize(Series(cells[at], dtype=object))
    found = [_plain_number(text, style) for text in texts]
    made = cells.copy()
    made[at] = np.array([each or "" for each in found], dtype=object)[codes] if len(texts) else ""
    made[huge] = ""
    gaps = {text for text, each in zip(texts, found, strict=True) if each is None}
    unusual = gaps - USUAL_GAPS
    words = {text for text in unusual if text.strip().lower() in NO_NUMBERS}
    remarks = gap_remarks(cells, words, file)
    remarks += strange_cells(cells, sorted(unusual - words), file, "number")
    if huge.any():
        remarks.append(at_first(huge, file, f"infinite or beyond {_LARGEST:.0e}, read as missing"))
    return made, remarks


def _plain_number(text: str, style: NumberStyle) -> str | None:
    if text.strip().lower() in NO_NUMBERS:
        return None
    plain = style.plain(text)
    if plain is None and style.decimal == "." and not np.isnan(value := _floats(np.array([text], dtype=object))[0]):
        return text.strip() if np.isfinite(value) else None
    return plain if plain is not None and abs(float(plain)) <= _LARGEST else None


def _without(cells: Array) -> Array:
    """The cells with every gap as an empty text."""
    codes, texts = pd.factorize(Series(cells, dtype=object))
    plain = np.array(["" if text.strip().lower() in GAPS else text for text in texts], dtype=object)
    return plain[codes] if len(texts) else cells
