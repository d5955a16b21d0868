"""One reading of a task's tables: each column is decided once, for the profile, the harness and all scripts.

    text as written ──► read_columns ──► the same tables with every cell in one plain form, the type of each column,
                                         and remarks on what was changed

In the plain form a gap is empty, a number is what a program writes, and the dates of a column are written alike.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.cells import (
    GAPS,
    NO_NUMBERS,
    USUAL_GAPS,
    NumberStyle,
    find_spellings,
    find_style,
    hold_dates,
    in_utc,
    offset_of,
    shape_of,
)
from gome.scenarios.task.written_dates import DateStyle, dates_in

__all__ = ["ColumnKind", "Reading", "read_columns", "typed"]

ColumnKind = Literal["number", "text", "date"]
Dtype = Literal["int64", "float64", "str"]

_LARGEST = 3e38  # beyond it, a number does not fit the 32 bits that many models compute with
_STRAY_SHARE, _STRAY_WORDS, _FEWEST_NUMBERS = 0.02, 5, 20
_FIRST = 200
_MOST_REMARKS = 30
_LONGEST = 33  # of a number as programs write it, with the end of its line
_FRACTION = re.compile(r"\.[0-9]*[1-9]")
_PROGRAMS = re.compile(r"(?:(?:-?[0-9]{1,15}(?:\.[0-9]{1,15})?)?\n)*+")
"""Lines of numbers as programs write them, or of nothing: whatever the column, there is nothing to decide."""


@dataclass(frozen=True)
class Reading:
    """The tables in plain form, the dtype of each column (`int64`, `float64` or `str`), and remarks for people."""

    train: DataFrame
    test: DataFrame
    dtypes: dict[str, Dtype]
    remarks: tuple[str, ...]


class _Read(NamedTuple):
    """One column: its kind, its cells in both tables, remarks, and its dtype where it is known already."""

    kind: ColumnKind
    train: Array
    test: Array
    remarks: tuple[str, ...] = ()
    dtype: Dtype | None = None


def read_columns(
    train: DataFrame,
    test: DataFrame,
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
    for name in map(str, train.columns):
        ours = train[name].to_numpy(dtype=object)
        theirs = test[name].to_numpy(dtype=object) if name in test else np.empty(0, dtype=object)
        if name in verbatim:
            columns[name] = _Read(verbatim[name], ours, theirs)
        else:
            columns[name] = _read(ours, theirs, told.get(name), files)
    remarks = [f"column {name!r}: {'; '.join(read.remarks)}" for name, read in columns.items() if read.remarks]
    more = len(remarks) - _MOST_REMARKS
    remarks = [*remarks[:_MOST_REMARKS], f"{more} more columns likewise"] if more > 0 else remarks
    return Reading(
        DataFrame({name: read.train for name, read in columns.items()}, dtype=object),
        DataFrame({name: columns[name].test for name in map(str, test.columns)}, dtype=object),
        {name: _dtype(read) for name, read in columns.items()},
        tuple(remarks),
    )


def typed(table: DataFrame, dtypes: Mapping[str, Dtype]) -> DataFrame:
    """The columns of a table in plain form as numbers (gaps NaN) or text (gaps None)."""
    return DataFrame({name: _typed(table[name], dtypes[str(name)]) for name in table.columns}, index=table.index)


def _typed(texts: Series, dtype: Dtype) -> Series | Array:
    if dtype == "str":
        return texts.where(texts != "", None)
    values = pd.to_numeric(texts.to_numpy(dtype=object), errors="coerce")
    return np.asarray(values).astype("int64" if dtype == "int64" else float)


def _dtype(read: _Read) -> Dtype:
    """The narrowest dtype that holds the cells of both tables."""
    if read.kind != "number":
        return "str"
    if read.dtype is not None:
        return read.dtype
    values = np.concatenate([_floats(read.train), _floats(read.test)])
    with np.errstate(invalid="ignore"):
        whole = bool(np.all(np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) < 2**53)))
    return "int64" if whole and len(values) else "float64"


def _read(train: Array, test: Array, told: ColumnKind | None, files: tuple[str, str]) -> _Read:
    if told in (None, "number") and len(train) and (texts := _of_programs(train, test)) is not None:
        whole = _FRACTION.search(texts) is None and "\n\n" not in f"\n{texts}"
        return _Read("number", train, test, dtype="int64" if whole else "float64")
    if told == "number" or (told is None and (style := _number_style(train)) is not None):
        return _numbers(train, test, (_forced_style(train) if told else style) or NumberStyle(), files)
    dates = dates_in(train)
    if told == "date" or (told is None and (hold_dates(train) or (dates is not None and dates.order != "unknown"))):
        return _dates(train, test, dates, files)
    ours, theirs = _without(train), _without(test)
    if told:
        return _Read("text", ours, theirs)
    found = find_spellings(ours, theirs)
    return _Read("text", found.joined(ours), found.joined(theirs), (*_doubts(train, dates, files[0]), *found.remarks))


def _doubts(train: Array, dates: DateStyle | None, file: str) -> tuple[str, ...]:
    """A remark on a column of text most of whose cells are numbers, or all are dates that can be read in two ways."""
    if dates is not None:
        return ("text, as its dates may begin with the day or the month; kind `date` reads them month first",)
    numeric = int((~np.isnan(_floats(train))).sum())
    foreign = _foreign(train) if 2 * numeric > len(train) else []
    if not foreign:
        return ()
    words = ", ".join(repr(text)[:20] for text in foreign[:3]) + (", …" if len(foreign) > 3 else "")
    return (
        _at(
            _among(train, foreign),
            file,
            f"text, though {numeric} of {len(train)} cells are numbers, because of {words}",
        ),
    )


def _of_programs(train: Array, test: Array) -> str | None:
    """The cells of both tables as lines, if all are numbers as programs write them, or empty; else None."""
    texts = []
    for cells in (train, test):
        lines = "\n".join([*cells, ""])
        if len(lines) > len(cells) * _LONGEST or _PROGRAMS.fullmatch(lines) is None or lines.count("\n") != len(cells):
            return None
        texts.append(lines)
    return "".join(texts)


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


def _numbers(train: Array, test: Array, style: NumberStyle, files: tuple[str, str]) -> _Read:
    remarks = [f"numbers; {words}"] if (words := style.spelled()) else []
    plain: list[Array] = []
    for cells, file in zip((train, test), files, strict=True):
        own = style
        foreign = _foreign(cells)
        if any(style.plain(text) is None for text in (foreign if style.decimal == "." else _filled(cells))):
            own = _forced_style(cells) or style  # with a comma, also where a program has written all cells with points
        if own != style and (words := own.spelled()):
            remarks.append(f"in {file} {words}")
        made, said = _plain_numbers(cells, own, file)
        remarks += said
        plain.append(made)
    return _Read("number", plain[0], plain[1], tuple(remarks))


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
    remarks = []
    if words:
        spelled = ", ".join(repr(word)[:20] for word in sorted(words)[:3])
        remarks.append(_at(_among(cells, words), file, f"gaps written as {spelled}"))
    remarks += _strange(cells, sorted(unusual - words), file, "number")
    if huge.any():
        remarks.append(_at(huge, file, f"infinite or beyond {_LARGEST:.0e}, read as missing"))
    return made, remarks


def _plain_number(text: str, style: NumberStyle) -> str | None:
    if text.strip().lower() in NO_NUMBERS:
        return None
    plain = style.plain(text)
    if plain is None and style.decimal == "." and not np.isnan(value := _floats(np.array([text], dtype=object))[0]):
        return text.strip() if np.isfinite(value) else None
    return plain if plain is not None and abs(float(plain)) <= _LARGEST else None


def _strange(cells: Array, texts: list[str], file: str, kind: ColumnKind) -> list[str]:
    """A remark on cells that are no `kind`, if there are any: examples, and the number of cells."""
    if not texts:
        return []
    shown = ", ".join(repr(text[:30]) for text in texts[:3]) + (", …" if len(texts) > 3 else "")
    verb = f"are no {kind}s" if len(texts) > 1 else f"is not a {kind}"
    return [_at(_among(cells, texts), file, f"{shown} {verb}, read as missing")]


def _among(cells: Array, texts: Iterable[str]) -> Array:
    """Which cells are one of the texts. NumPy's own would ignore NUL at their ends."""
    return np.asarray(Series(cells, dtype=object).isin(list(texts)))


def _at(which: Array, file: str, words: str) -> str:
    """A remark with the place of the first of the cells and their number."""
    rows = np.flatnonzero(which)
    more = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{words} ({file}, row {int(rows[0]) + 1}{more})"


def _dates(train: Array, test: Array, style: DateStyle | None, files: tuple[str, str]) -> _Read:
    codes, texts = pd.factorize(Series(np.concatenate([train, test]), dtype=object))
    written = [text for text in texts if text.strip().lower() not in NO_NUMBERS]
    iso = {text: (style.iso(text) or text) if style else text for text in written}
    good = {text: time for text, time in zip(written, in_utc(list(iso.values())), strict=True) if time is not None}
    offsets = {offset_of(iso[text]) for text in good}
    alike = len(offsets) <= 1 and len({shape_of(iso[text]) for text in good}) <= 1
    plain = np.array([(iso[text] if alike else good[text]) if text in good else "" for text in texts], dtype=object)
    cells = plain[codes] if len(texts) else codes.astype(object)
    remarks = [f"dates with {len(offsets)} offsets, all in UTC"] if len(offsets) > 1 else []
    remarks += [f"dates; {words}"] if style and (words := style.spelled()) else []
    for part, file in zip((train, test), files, strict=True):
        strange = [text for text in written if text not in good and _among(part, [text]).any()]
        remarks += _strange(part, strange, file, "date")
    return _Read("date", cells[: len(train)], cells[len(train) :], tuple(remarks))


def _without(cells: Array) -> Array:
    """The cells with every gap as an empty text."""
    codes, texts = pd.factorize(Series(cells, dtype=object))
    plain = np.array(["" if text.strip().lower() in GAPS else text for text in texts], dtype=object)
    return plain[codes] if len(texts) else cells
