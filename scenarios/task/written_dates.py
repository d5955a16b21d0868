"""Columns of dates, also as people write them: 31.12.2024, 12/31/2024 9:05 pm, 2024/1/31, 31 Dec 2024.

Which part is the day follows from all dates of a column. Those of ISO 8601 are told by `cells.hold_dates`.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from pandas import Series

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.cells import cells_among, in_utc, is_gap, offset_of, shape_of, strange_cells

__all__ = ["DateOrder", "DateStyle", "dates_in", "find_dates", "read_dates"]

DateOrder = Literal["day", "month", "year", "unknown"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<word>[A-Za-z]{3,9})\.?"
_TIME = (
    r"(?:[T ,]{1,3}(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,9})?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
)
_NUMERIC = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<sign>[./-])(?P<other>\d{{1,2}})(?P=sign)(?P<year>\d{{4}}|\d{{2}}){_TIME}"
)
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})(?P<sign>[./-])(?P<first>\d{{1,2}})(?P=sign)(?P<other>\d{{1,2}}){_TIME}")
_NAMED = (
    re.compile(rf"(?P<first>\d{{1,2}})[ .-]{{1,2}}{_MONTH}[ ,-]{{1,2}}(?P<year>\d{{4}}){_TIME}"),
    re.compile(rf"{_MONTH} (?P<first>\d{{1,2}}),? (?P<year>\d{{4}}){_TIME}"),
)
_FIRST = 200
"""Distinct texts of a column by which it is decided."""
_FIRST_OF_CENTURY = 70
"""Years of two digits from this on are of the last century."""


class DateStyle(NamedTuple):
    """How the dates of a column are written: the part with which those of numbers alone begin.

    `order` is `unknown` where each date could begin with the day or with the month; they are then read month first.
    """

    order: DateOrder

    def iso(self, text: str) -> str | None:
        """The date in ISO 8601, with a time where it has one; None if the text is no date of this style."""
        text = text.strip()
        found = _found(text)
        if found is None:
            return None
        parts = found.groupdict()
        first, year = int(parts["first"]), int(parts["year"])
        if parts.get("word"):
            day, month = first, _month(parts["word"])
        else:
            other = int(parts["other"])
            day, month = (first, other) if self.order == "day" else (other, first)
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
        return words.get(self.order, "")


def find_dates(texts: Iterable[str]) -> DateStyle | None:
    """The style in which all texts are dates; None if there is none, or if there are no texts."""
    found = [_found(text.strip()) for text in texts]
    if not found or any(each is None for each in found):
        return None
    numeric = [each for each in found if each is not None and each.re is _NUMERIC]
    order: DateOrder = "year"
    if numeric:
        days_first = all(int(each["other"]) <= 12 for each in numeric)
        months_first = all(int(each["first"]) <= 12 for each in numeric)
        pointed = all(each["sign"] == "." for each in numeric)
        if not days_first and not months_first:
            return None
        order = "day" if pointed or not months_first else "month" if not days_first else "unknown"
    style = DateStyle(order)
    return style if all(style.iso(text) is not None for text in texts) else None


def dates_in(cells: Array) -> DateStyle | None:
    """The style of a column of texts, gaps apart; its first distinct texts decide."""
    first = next((text for text in cells if not is_gap(text)), "")
    if find_dates([first]) is None:  # so most columns need no look at all their cells
        return None
    return find_dates([text for text in pd.unique(Series(cells, dtype=object)) if not is_gap(text)][:_FIRST])


def read_dates(
    train: Array, test: Array, style: DateStyle | None, files: tuple[str, str]
) -> tuple[Array, Array, tuple[str, ...]]:
    """The dates of a column in both tables, all written alike and gaps empty, and remarks on what was done.

    Args:
        train: The cells of the training rows.
        test: The cells of the test rows.
        style: How they are written; None: in ISO 8601.
        files: The names of the two files, for remarks.
    """
    codes, texts = pd.factorize(Series(np.concatenate([train, test]), dtype=object))
    written = [text for text in texts if not is_gap(text)]
    iso = {text: (style.iso(text) or text) if style else text for text in written}
    good = {text: time for text, time in zip(written, in_utc(list(iso.values())), strict=True) if time is not None}
    offsets = {offset_of(iso[text]) for text in good}
    alike = len(offsets) <= 1 and len({shape_of(iso[text]) for text in good}) <= 1
    plain = np.array([(iso[text] if alike else good[text]) if text in good else "" for text in texts], dtype=object)
    cells = plain[codes] if len(texts) else codes.astype(object)
    remarks = [f"dates with {len(offsets)} offsets, all in UTC"] if len(offsets) > 1 else []
    remarks += [f"dates; {words}"] if style and (words := style.spelled()) else []
    for part, file in zip((train, test), files, strict=True):
        strange = [text for text in written if text not in good and cells_among(part, [text]).any()]
        remarks += strange_cells(part, strange, file, "date")
    return cells[: len(train)], cells[len(train) :], tuple(remarks)


def _found(text: str) -> re.Match[str] | None:
    for pattern in (_NUMERIC, _YEAR_FIRST, *_NAMED):
        found = pattern.fullmatch(text)
        if found is not None:
            return found
    return None


def _month(word: str) -> int:
    """The number of an English month's name; 0, which no date has, for other words."""
    short = word.lower()[:3]
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


def _clock(parts: dict[str, str | None]) -> tuple[int, int, int]:
    """Hour, minute and second; midnight where there is no time. Raises ValueError for one that no clock has."""
    hour, half = int(parts["hour"] or 0), (parts["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"no clock has {hour} {half}m")
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour, int(parts["minute"] or 0), int(parts["second"] or 0)
