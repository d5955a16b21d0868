"""What one cell of a table means: a gap, a number as people write it, a date; and remarks that name cells.

All functions work on the distinct texts of a column, so that large tables cost little.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas import Series

from gome.scenarios.metrics.formulas import Array

__all__ = [
    "GAPS",
    "MISSING",
    "NO_NUMBERS",
    "USUAL_GAPS",
    "NumberStyle",
    "Spellings",
    "at_first",
    "cells_among",
    "find_spellings",
    "find_style",
    "gap_remarks",
    "hold_dates",
    "in_utc",
    "is_gap",
    "may_be_iso",
    "multiplies",
    "offset_of",
    "shape_of",
    "some_of",
    "strange_cells",
]

USUAL_GAPS = frozenset({"", "NA", "NaN", "nan", "N/A", "n/a", "NULL", "null", "None", "<NA>"})
"""Gaps as written by programs; they need no mention."""

MISSING = frozenset({"", "na", "nan", "n/a", "null", "none", "<na>"})
"""Missing targets, stripped and in lower case. Any other text may be a class."""

GAPS = MISSING | {"#n/a", "#na", "-nan", "1.#ind", "1.#qnan"}
"""Gaps in a column of text, stripped and in lower case."""

_SIGNS = ("?", "-", "--", "---", ".", "..", "...", "*", "–", "—", "#")
_WORDS = (
    *("nil", "n.a.", "n.a", "missing", "unknown", "undefined", "not available", "blank", "(blank)", "empty", "tbd"),
    *("nat", "n.d.", "n/d", "no data", "none given", "not given", "not applicable", "not recorded", "k.a.", "s/d"),
)
_OF_SPREADSHEETS = ("#value!", "#ref!", "#div/0!", "#num!", "#name?", "#null!", "-1.#ind", "-1.#qnan", "(null)", "\\n")
NO_NUMBERS = GAPS | {*_SIGNS, *_WORDS, *_OF_SPREADSHEETS}
"""Gaps in a column of numbers, stripped and in lower case."""

_SPACES = " \u00a0\u2009\u202f"
_CURRENCY = r"[A-Z]{0,2}[$€£¥₹₽₩₺฿]|USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|CZK|Rs\.?|kr\.?|zł"
_AMOUNT = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+\u2212]?)[{_SPACES}]*(?P<before>{_CURRENCY})?[{_SPACES}]*(?P<inner>[-+\u2212]?)"
    rf"(?P<digits>\d[\d.,'’{_SPACES}]*|\.\d+)(?P<power>[eE][-+]?\d+[{_SPACES}]*)?(?P<after>(?<=[\d.,{_SPACES}])"
    rf"(?:{_CURRENCY}|[%‰°µ'\"]|[^\W\d_¼-¾⅐-⅞]{{1,6}}[²³]?(?:/[^\W\d_]{{1,3}}[²³]?)?|°[CF]|µ[a-z]{{1,2}}))?(?(open)\))"
)
_FACTORS = {
    **dict.fromkeys(("k", "K", "tsd", "Tsd", "TEUR", "tkm", "Tkm"), 1000),
    **dict.fromkeys(("M", "mio", "Mio", "mln", "million"), 10**6),
    **dict.fromkeys(("bn", "mrd", "Mrd", "billion"), 10**9),
}
"""What multiplies a number. Where all numbers of a column have the same one it is a unit, and removed like others."""
_PLAIN = re.compile(r"\d+(\.\d*)?|\.\d+")
_POINT = re.compile(rf"[1-9]\d{{0,2}}([,'’{_SPACES}]\d{{3}})+(\.\d*)?")
_COMMA = re.compile(rf"[1-9]\d{{0,2}}([.'’{_SPACES}]\d{{3}})+(,\d*)?|\d+,\d+")
_OFFSET = re.compile(r"(?:T|\s|:)\d{2}(?::?\d{2})?(?:\.\d+)?\s*(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})$")
_DATED = re.compile(r"\d{4}-\d{2}(-\d{2}([T ].*)?)?")
_FIRST = 200
"""Distinct texts of a column by which it is decided whether it holds dates."""


class NumberStyle(NamedTuple):
    """How the numbers of a column are written: the decimal sign, and the units that are removed.

    `scales`: a unit such as `k` or `Mio` multiplies, as other numbers have another or none.
    """

    decimal: str = "."
    units: tuple[str, ...] = ()
    grouped: bool = False
    scales: bool = False

    def plain(self, text: str) -> str | None:
        """The number as a program writes it; None if the text is no number of this style."""
        found = _AMOUNT.fullmatch(text.strip())
        if found is None or not set(_units(found)) <= set(self.units):
            return None
        digits = found["digits"].strip()
        grouped = _POINT if self.decimal == "." else _COMMA
        if not _PLAIN.fullmatch(digits) or (self.decimal == "," and "." in digits):
            if not grouped.fullmatch(digits):
                return None
            digits = re.sub(r"[^\d,]" if self.decimal == "," else r"[^\d.]", "", digits).replace(",", ".")
        minus = (found["sign"] in ("-", "\u2212")) != (found["inner"] in ("-", "\u2212")) or bool(found["open"])
        number = f"{'-' if minus else ''}{digits}{(found['power'] or '').strip(_SPACES)}"
        factor = _FACTORS.get(found["after"], 1) if self.scales else 1
        return number if factor == 1 else f"{(Decimal(number) * factor).normalize():f}"

    def spelled(self) -> str:
        """What is removed or replaced, in words; empty for plain numbers."""
        factors = {unit: _FACTORS[unit] for unit in self.units if unit in _FACTORS and self.scales}
        words = [f"{unit!r}" for unit in self.units if unit not in factors]
        words += ["signs between thousands"] if self.grouped else []
        removed = f"{', '.join(words)} removed" if words else ""
        scaled = [f"{unit!r} taken as {factor:,}" for unit, factor in factors.items()]
        return "; ".join(part for part in (removed, *scaled, "comma as decimal sign" * (self.decimal == ",")) if part)


def find_style(texts: Iterable[str], *, comma_first: bool = False) -> NumberStyle | None:
    """The style in which all texts are numbers; None if there is none.

    A column has at most one unit before and one after its numbers, beside those that multiply. Where `3,750` alone
    cannot tell thousands from decimals, thousands are meant, with `comma_first` decimals.
    """
    amounts = [_AMOUNT.fullmatch(text.strip()) for text in texts]
    if not amounts or any(found is None for found in amounts):
        return None
    known = [found for found in amounts if found is not None]
    before, after = ({found[side] for found in known if found[side]} for side in ("before", "after"))
    if len(before) > 1 or len(after - _FACTORS.keys()) > 1:
        return None
    scales = len(after) > 1 and bool(after & _FACTORS.keys())
    units = tuple(sorted({unit for found in known for unit in _units(found)}))
    digits = {found["digits"].strip() for found in known}
    if all(_PLAIN.fullmatch(each) for each in digits) and not comma_first:
        return NumberStyle(".", units, scales=scales)
    for decimal in (",", ".") if comma_first else (".", ","):
        style = NumberStyle(decimal, units, scales=scales)
        if all(style.plain(text) is not None for text in texts):
            sign = "," if decimal == "." else "."
            grouped = any(sign in each or re.search(rf"[{_SPACES}'’]", each) for each in digits)
            return style._replace(grouped=bool(grouped))
    return None


def multiplies(text: str) -> bool:
    """Whether a number has a unit after it that multiplies it, such as `45k`."""
    found = _AMOUNT.fullmatch(text.strip())
    return found is not None and found["after"] in _FACTORS


def hold_dates(cells: pd.Series | Array) -> bool:
    """Whether the cells of a column are dates of ISO 8601, such as 2024-01 or 2024-01-31, with or without a time.

    Its first distinct texts decide. Gaps are passed over, but a column of nothing else holds no dates; nor does one of
    numbers.
    """
    cells = pd.Series(cells)
    if pd.api.types.is_numeric_dtype(cells):
        return False
    filled = cells.dropna()
    if not filled.head(_FIRST).map(may_be_iso).all():  # so most columns need no look at all their cells
        return False
    first = [text for text in map(str, pd.unique(filled)) if not is_gap(text)][:_FIRST]
    return bool(first) and all(map(may_be_iso, first)) and None not in in_utc(first)


def may_be_iso(cell: object) -> bool:
    """Whether a cell has the form of a date of ISO 8601, or is a gap."""
    return is_gap(str(cell)) or _DATED.fullmatch(str(cell).strip()) is not None


def is_gap(text: str) -> bool:
    """Whether a cell of a column of numbers or dates is a gap, in any of its spellings."""
    return text.strip().lower() in NO_NUMBERS


def offset_of(text: str) -> str:
    """The offset from UTC that a date ends with; empty if it has none."""
    found = _OFFSET.search(text.strip())
    return found[1] if found else ""


def shape_of(text: str) -> str:
    """A date with its digits replaced, so that dates written alike have one shape."""
    return re.sub(r"\.\d+", ".0", re.sub(r"\d+", "0", text.strip().removesuffix(offset_of(text))))


def in_utc(texts: list[str]) -> list[str | None]:
    """Dates in UTC without an offset, all written alike; None where a text is no date of the years 1 to 9999.

    No offset counts as UTC.
    """
    times = pd.to_datetime(pd.Series(texts, dtype=object).str.strip(), format="ISO8601", errors="coerce", utc=True)
    times = times.where(times.dt.year.between(1, 9999))
    fine = bool((times.dt.microsecond.fillna(0) != 0).any())
    form = "%m-%dT%H:%M:%S.%f" if fine else "%m-%dT%H:%M:%S"
    return [None if pd.isna(time) else f"{time.year:04}-{time.strftime(form)}" for time in times]


def _units(found: re.Match[str]) -> list[str]:
    return [found[side] for side in ("before", "after") if found[side]]


@dataclass(frozen=True)
class Spellings:
    """How the values of a category are written: `joins` maps those with blanks at their ends to those without.

    `remarks` say what was joined, and what looks like one value but was left: letters that differ by case alone, and
    signs that stand for a gap among numbers.
    """

    joins: dict[str, str]
    remarks: tuple[str, ...] = ()

    def joined(self, cells: Array) -> Array:
        """The cells with the values joined."""
        if not self.joins:
            return cells
        return np.array([self.joins.get(text, text) for text in cells], dtype=object)


def find_spellings(train: Array, test: Array) -> Spellings:
    """The spellings of a column of text in both tables; none for texts whose values do not come again."""
    distinct = pd.unique(Series(train, dtype=object))
    if 2 * len(distinct) > len(train):
        return Spellings({})
    written = sorted({*distinct, *pd.unique(Series(test, dtype=object))} - {""})
    joins = {text: text.strip() for text in written if text != text.strip()}
    values = sorted({text.strip() for text in written})
    cases: dict[str, list[str]] = defaultdict(list)
    for text in values:
        cases[text.casefold()].append(text)
    remarks = [f"blanks at the ends of values removed, as of {some_of(joins)}"] if joins else []
    if alike := [text for texts in cases.values() if len(texts) > 1 for text in texts]:
        counts = f"{len(values)} values, {len(cases)} without regard to case"
        remarks.append(f"{some_of(alike)} differ by case alone and are left as they are: {counts}")
    if signs := [text for text in values if text.lower() in _SIGNS]:
        remarks.append(f"{some_of(signs)} left as a value, though in a column of numbers it is a gap")
    return Spellings(joins, tuple(remarks))


def some_of(texts: Iterable[str]) -> str:
    """The first three of the texts, quoted."""
    shown = list(texts)
    return ", ".join(repr(text[:30]) for text in shown[:3]) + (", …" if len(shown) > 3 else "")


def gap_remarks(cells: Array, texts: Iterable[str], file: str) -> list[str]:
    """A remark on those of the texts that are unusual gaps, if the cells have some."""
    signs = sorted(set(texts) - USUAL_GAPS)
    which = cells_among(cells, signs)
    return [at_first(which, file, f"gaps written as {some_of(signs)}")] if which.any() else []


def strange_cells(cells: Array, texts: list[str], file: str, kind: str) -> list[str]:
    """A remark on cells that are no `kind`, if there are any: examples, and the number of cells."""
    if not texts:
        return []
    verb = f"are no {kind}s" if len(texts) > 1 else f"is not a {kind}"
    return [at_first(cells_among(cells, texts), file, f"{some_of(texts)} {verb}, read as missing")]


def cells_among(cells: Array, texts: Iterable[str]) -> Array:
    """Which cells are one of the texts. NumPy's own would ignore NUL at their ends."""
    return np.asarray(Series(cells, dtype=object).isin(list(texts)))


def at_first(which: Array, file: str, words: str) -> str:
    """A remark with the place of the first of the cells and their number."""
    rows = np.flatnonzero(which)
    more = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{words} ({file}, row {int(rows[0]) + 1}{more})"
