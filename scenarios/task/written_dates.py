"""Columns of dates, also as people write them: 31.12.2024, 12/31/2024 9:05 pm, 2024/1/31, 31 Dec 2024, 31. Dez. 2024.

A column may mix these forms and ISO 8601. Which part is the day follows from all its dates.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from pandas import Series

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.cells import (
    at_first,
    cells_among,
    gap_remarks,
    in_utc,
    is_gap,
    may_be_iso,
    offset_of,
    shape_of,
    some_of,
    strange_cells,
)

__all__ = ["DateOrder", "DateStyle", "Dates", "find_dates", "read_dates"]

DateOrder = Literal["day", "month", "year", "unknown"]

_MONTHS = (
    *("jan ene gen", "feb fev", "mar mrt maa mrz", "apr avr abr", "may mai mei maj mag", "jun juin giu"),
    *("jul juil lug", "aug aou ago", "sep set", "oct okt ott out", "nov", "dec dez dic des"),
)
"""How the names of months begin in English and other languages of Europe, without accents."""
_MONTH = r"(?P<word>[^\W\d_]{3,10})\.?"
_TIME = (
    r"(?:[T ,]{1,3}(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,9})?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
)
_NUMERIC = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<sign>[./-])(?P<other>\d{{1,2}})(?P=sign)(?P<year>\d{{4}}|\d{{2}}){_TIME}"
)
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})(?P<sign>[./-])(?P<other>\d{{1,2}})(?P=sign)(?P<first>\d{{1,2}}){_TIME}")
_NAMED = (
    re.compile(rf"(?P<first>\d{{1,2}})[ .-]{{1,2}}{_MONTH}[ ,-]{{1,2}}(?P<year>\d{{4}}){_TIME}"),
    re.compile(rf"{_MONTH} (?P<first>\d{{1,2}}),? (?P<year>\d{{4}}){_TIME}"),
)
_GLANCE = 20
"""Cells of a column by which it is decided whether the others are looked at."""
_STRAY_SHARE, _STRAY_WORDS, _FEWEST_DATES = 0.02, 5, 20
"""Cells that are no dates are read as missing up to this share and number of texts, among more than so many dates."""
_FIRST_OF_CENTURY = 70
"""Years of two digits from this on are of the last century."""


class DateStyle(NamedTuple):
    """How the dates of a column are written: the part with which those of numbers alone begin.

    With points it is always the day. `order` is `unknown` where each date could begin with the day or with the month;
    they are then read month first. It is `year` where no date begins with either.
    """

    order: DateOrder

    def iso(self, text: str) -> str | None:
        """The date in ISO 8601, with a time where it has one; None if the text is no date of this style.

        Not every form of ISO 8601 is of a style: those that are not are told by `in_utc`.
        """
        found = _found(text.strip())
        if found is None:
            return None
        parts = found.groupdict()
        first, year = int(parts["first"]), int(parts["year"])
        if parts.get("word"):
            day, month = first, _month(parts["word"])
        elif found.re is _YEAR_FIRST or found["sign"] == "." or self.order == "day":
            day, month = first, int(parts["other"])
        elif self.order == "year":
            return None  # nothing has told what comes first
        else:
            day, month = int(parts["other"]), first
        if len(parts["year"]) == 2:
            year += 1900 if year >= _FIRST_OF_CENTURY else 2000
        try:
            moment = datetime(year, month, day, *_clock(parts))
        except ValueError:
            return None
        return moment.isoformat() if parts["hour"] else moment.date().isoformat()

    def spelled(self) -> str:
        """How they are read, in words; empty where nothing had to be decided."""
        words = {"day": "day first", "month": "month first", "unknown": "month first, as nothing tells it from the day"}
        return f"{words[self.order]}; in these files as year-month-day" if self.order in words else ""


class Dates(NamedTuple):
    """What the cells of a column tell of dates: how they are written, and why they are not read as such unasked."""

    style: DateStyle
    doubt: str = ""

    @property
    def sure(self) -> bool:
        """Whether the column is one of dates though nobody said so."""
        return not self.doubt


def find_dates(cells: Array, name: str = "", file: str = "train.csv") -> Dates | None:
    """What the cells of a column of text tell of dates; None where it does not look like a column of dates.

    Args:
        cells: The cells of the training rows. Gaps are passed over.
        name: The column's name, for the doubt.
        file: The name of the file, for the doubt.
    """
    glance = list(islice((text for text in cells if not is_gap(text)), _GLANCE))
    if 2 * sum(_found(text.strip()) is not None or may_be_iso(text) for text in glance) <= len(glance):
        return None  # so most columns need no look at all their cells
    counts = Series(cells, dtype=object).value_counts(sort=False)
    counts = counts[[not is_gap(text) for text in counts.index]]
    texts = list(counts.index)
    style, agree = _style(texts)
    strange = _strange(texts, style)
    dated, foreign = int(counts.drop(strange).sum()), int(counts[strange].sum())
    told = f"`columns: {{{name}: date}}` in task.yaml reads"
    if not agree:
        words = f"some of its dates begin with the day and some with the month; {told} them {style.order} first"
        return Dates(style, f"text, as {words}, and those that cannot be as missing")
    if dated <= foreign:
        return None
    few = foreign <= max(1, _STRAY_SHARE * (dated + foreign)) and len(strange) <= _STRAY_WORDS
    if strange and not (few and len(texts) - len(strange) > _FEWEST_DATES):
        words = f"text, though {dated} of {len(cells)} cells are dates, because of {some_of(strange)}"
        return Dates(style, f"{at_first(cells_among(cells, strange), file, words)}; {told} these as missing")
    if style.order == "unknown":
        return Dates(style, f"text, as its dates may begin with the day or the month; {told} them month first")
    return Dates(style)


def _style(texts: Sequence[str]) -> tuple[DateStyle, bool]:
    """The style of most of the texts, and whether all dates among them agree on whether the day comes first."""
    found = [each for text in texts if (each := _found(text.strip())) is not None and each.re is _NUMERIC]
    unpointed = [(int(each["first"]), int(each["other"])) for each in found if each["sign"] != "."]
    days = sum(first > 12 >= other for first, other in unpointed)
    months = sum(other > 12 >= first for first, other in unpointed)
    pointed = len(unpointed) < len(found)
    if not days and not months:
        return DateStyle("day" if pointed else "unknown" if unpointed else "year"), True
    return DateStyle("day" if days >= months else "month"), not (months and (days or pointed))


def _strange(texts: Sequence[str], style: DateStyle) -> list[str]:
    """Those of the texts that are no dates."""
    others = [text for text in texts if style.iso(text) is None]
    return [
        text
        for text, time in zip(others, in_utc(others), strict=True)
        if time is None or not may_be_iso(text)  # `in_utc` also takes a year alone
    ]


def read_dates(
    train: Array, test: Array, style: DateStyle, files: tuple[str, str]
) -> tuple[Array, Array, tuple[str, ...]]:
    """The dates of a column in both tables, all written alike and gaps empty, and remarks on what was done.

    Args:
        train: The cells of the training rows.
        test: The cells of the test rows.
        style: How they are written, where not in ISO 8601.
        files: The names of the two files, for remarks.
    """
    codes, texts = pd.factorize(Series(np.concatenate([train, test]), dtype=object))
    written = [text for text in texts if not is_gap(text)]
    iso = {text: style.iso(text) or text for text in written}
    good = {text: time for text, time in zip(written, in_utc(list(iso.values())), strict=True) if time is not None}
    offsets = {offset_of(iso[text]) for text in good}
    alike = len(offsets) <= 1 and len({shape_of(iso[text]) for text in good}) <= 1
    plain = np.array([(iso[text] if alike else good[text]) if text in good else "" for text in texts], dtype=object)
    cells = plain[codes] if len(texts) else codes.astype(object)
    remarks = _said(list(good), style, changed=any(iso[text][:10] != text.strip()[:10] for text in good))
    remarks += [f"dates with {len(offsets)} offsets, all in UTC"] if len(offsets) > 1 else []
    for part, file in zip((train, test), files, strict=True):
        remarks += gap_remarks(part, [text for text in texts if is_gap(text)], file)
        strange = [text for text in written if text not in good and cells_among(part, [text]).any()]
        remarks += strange_cells(part, strange, file, "date")
    return cells[: len(train)], cells[len(train) :], tuple(remarks)


def _said(dates: Sequence[str], style: DateStyle, *, changed: bool) -> list[str]:
    """A remark on the forms in which these dates are written; none where they stand in one form of ISO 8601."""
    forms = len({_form(text.strip()) for text in dates})
    if forms <= 1 and not changed:
        return []
    words = [f"dates in {forms} forms" if forms > 1 else "dates", style.spelled()]
    return ["; ".join(filter(None, words))]


def _form(text: str) -> tuple[object, ...]:
    """How a date is written: two that are written alike have the same form."""
    found = _found(text)
    if found is None:  # ISO 8601: with an offset, or without a day
        return (_YEAR_FIRST.pattern, "-", len(text) > len("2024-01-31"))
    parts = found.groupdict()
    return ("word" if parts.get("word") else found.re.pattern, parts.get("sign"), parts["hour"] is not None)


def _found(text: str) -> re.Match[str] | None:
    for pattern in (_NUMERIC, _YEAR_FIRST, *_NAMED):
        found = pattern.fullmatch(text)
        if found is not None:
            return found
    return None


def _month(word: str) -> int:
    """The number of a month's name; 0, which no date has, for other words."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", word.lower()) if each.isalpha())
    return next((at for at, names in enumerate(_MONTHS, start=1) if bare.startswith(tuple(names.split()))), 0)


def _clock(parts: dict[str, str | None]) -> tuple[int, int, int]:
    """Hour, minute and second; midnight where there is no time. Raises ValueError for one that no clock has."""
    hour, half = int(parts["hour"] or 0), (parts["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"no clock has {hour} {half}m")
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour, int(parts["minute"] or 0), int(parts["second"] or 0)
