"""Slices of rows by one column: values, ranges, parts of dates, and features read off a text.

A slicing assigns each row the number of its slice, so that sums over all slices take one pass. Each slice has two
names: one with the value or range, and a neutral one that reveals no cell.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.figures import plain
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.cells import hold_dates

__all__ = ["MISSING", "Slicing", "days_of", "number_name", "number_slicing", "plain_slicing", "read_off", "slicings"]

MISSING = "missing"
_BINS = 5
_MOST_VALUES = 20
_LONGEST_NAME = 40
_GLANCE = 2000
_READ = 400  # characters of a text that are searched for numbers
_LEAST_WITH_NUMBER = 0.05
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Slicing(NamedTuple):
    """The slices of a column. `codes` has the slice number of each row, −1 for none.

    `neutral` are the names that reveal no cell. Where `ordered`, slices are in rising order, with missing values last.
    """

    feature: str
    codes: Array
    values: tuple[str, ...]
    neutral: tuple[str, ...]
    ordered: bool


def slicings(column: Series) -> Iterator[Slicing]:
    """All slicings of a column with more than one slice: values or ranges, parts of dates, features of texts."""
    name = str(column.name)
    if pd.api.types.is_numeric_dtype(column):
        found = [plain_slicing(column)]
    elif hold_dates(column):
        found = list(_of_dates(column))
    else:
        found = [plain_slicing(column), *_of_texts(column)]
    for each in found:
        if len(each.values) > 1 and len(np.unique(each.codes)) > 1:
            yield each._replace(feature=each.feature or name)


def plain_slicing(column: Series) -> Slicing:
    """Slice a column by its values (the 20 most frequent of a category) or into ranges of similar size."""
    if pd.api.types.is_numeric_dtype(column):
        return number_slicing(str(column.name), column.to_numpy(dtype=float, na_value=np.nan))
    codes, distinct = pd.factorize(column)
    names = Series([str(each)[:_LONGEST_NAME] for each in distinct], dtype=object)
    merged, names_left = pd.factorize(names)  # truncated names of long values may coincide
    codes = np.where(codes < 0, -1, merged[codes]) if len(merged) else codes
    counts = np.bincount(codes[codes >= 0], minlength=len(names_left))
    common = np.argsort(-counts, kind="stable")[:_MOST_VALUES]
    places = np.full(len(names_left) + 1, -1)
    places[common] = np.arange(len(common))
    values = [str(names_left[place]) for place in common]
    neutral = [f"category no. {place + 1} by frequency" for place in range(len(common))]
    return _with_missing(str(column.name), places[codes], values, neutral, codes < 0, ordered=False)


def number_slicing(feature: str, values: Array, most_values: int = _MOST_VALUES) -> Slicing:
    """Slice numbers by value where there are at most `most_values`, else into about five ranges of similar size."""
    missing = np.isnan(values)
    finite = values[np.isfinite(values)]
    distinct = _few(finite, most_values) if len(finite) else finite
    if distinct is not None:
        codes = np.searchsorted(distinct, values) if len(distinct) else np.full(len(values), -1)
        codes = np.where(np.isfinite(values), codes, -1)
        names = [f"{value:g}" for value in distinct]
    else:
        codes, names = _ranges(values, finite)
    return _with_missing(feature, codes, names, _places(len(names)), missing, ordered=True)


def _ranges(values: Array, finite: Array) -> tuple[Array, list[str]]:
    """Ranges between quantiles. A value more frequent than a range's share of the rows is a slice of its own."""
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, _BINS + 1)))
    if len(edges) == _BINS + 1:
        codes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, _BINS - 1)
        return codes, [f"{plain(low, 6)} to {plain(high, 6)}" for low, high in pairwise(edges)]
    distinct, counts = np.unique(finite, return_counts=True)
    heavy = distinct[counts > len(finite) / _BINS]
    rest = np.quantile(finite[~np.isin(finite, heavy)], np.linspace(0, 1, _BINS + 1))
    edges = np.unique(np.concatenate([rest, heavy, np.nextafter(heavy, np.inf)]))
    places = np.clip(np.searchsorted(edges, distinct, side="right") - 1, 0, len(edges) - 2)
    first = np.flatnonzero(np.diff(places, prepend=-1))  # of the distinct values in each range
    lows, highs = distinct[first], distinct[[*(first[1:] - 1), len(distinct) - 1]]
    codes = np.clip(np.searchsorted(lows, values, side="right") - 1, 0, len(lows) - 1)
    return codes, [
        plain(low, 6) if low == high else f"{plain(low, 6)} to {plain(high, 6)}"
        for low, high in zip(lows, highs, strict=True)
    ]


def _few(values: Array, most: int) -> Array | None:
    """The distinct values in rising order; None where there are more than `most`."""
    if len(np.unique(values[:_GLANCE])) > most:
        return None
    distinct = np.unique(values)
    return distinct if len(distinct) <= most else None


def _places(count: int) -> list[str]:
    ends = {0: ", lowest", count - 1: ", highest"} if count > 1 else {}
    return [f"part {place + 1} of {count}{ends.get(place, '')}" for place in range(count)]


def _with_missing(
    feature: str, codes: Array, values: Sequence[str], neutral: Sequence[str], missing: Array, *, ordered: bool
) -> Slicing:
    values, neutral = tuple(values), tuple(neutral)
    if missing.any():
        codes = np.where(missing, len(values), codes)
        values, neutral = (*values, MISSING), (*neutral, MISSING)
    return Slicing(feature, np.asarray(codes), values, neutral, ordered)


def _of_dates(column: Series) -> Iterator[Slicing]:
    name = str(column.name)
    times = _times(column)
    by_time = number_slicing(name, days_of(column), most_values=_BINS)
    yield by_time._replace(values=tuple(_spell(value) for value in by_time.values))
    parts: tuple[tuple[str, Series, Callable[[int], str]], ...] = (
        ("month", times.dt.month, str),
        ("weekday", times.dt.day_of_week, lambda day: _DAYS[day % 7]),
        ("hour", times.dt.hour, str),
    )
    for part, numbers, spelled in parts:
        found = number_slicing(f"{name} ({part})", numbers.to_numpy(dtype=float, na_value=np.nan), most_values=24)
        values = [spelled(int(float(value))) if value != MISSING else value for value in found.values]
        yield found._replace(values=tuple(values))


def _times(column: Series) -> Series:
    """Parse a column of dates; each distinct text is parsed once."""
    codes, distinct = pd.factorize(column)
    words = Series([str(each).strip() for each in distinct], dtype=object)
    known = pd.to_datetime(words, format="ISO8601", errors="coerce", utc=True)
    return known.reindex(codes).set_axis(column.index)


def days_of(column: Series) -> Array:
    """Days since 1970 of a column of dates; NaN where the value is missing or no date."""
    times = _times(column)
    seconds = times.dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    return np.where(times.isna().to_numpy(), np.nan, seconds / 86400.0)


def _spell(value: str) -> str:
    """Format a slice name of days since 1970, or a range of them, as dates."""
    if value == MISSING:
        return value
    return " to ".join(str(np.datetime64(int(np.floor(float(end))), "D")) for end in value.split(" to "))


def _of_texts(column: Series) -> Iterator[Slicing]:
    """Slicings of a text column by word count, by whether it holds a digit, and by the numbers in it."""
    name = str(column.name)
    missing = column.isna().to_numpy()
    read = read_off(column)
    if read is None:
        return
    yield number_slicing(f"{name} (words)", read["words"].to_numpy())
    count = read["numbers"].to_numpy()
    codes = np.where(missing, -1, (count > 0).astype(int))
    yield Slicing(f"{name} (holds a digit)", codes, ("no", "yes"), ("no", "yes"), ordered=False)
    for which, least in (("first", 0), ("last", 1)):
        if (count > least).mean() >= _LEAST_WITH_NUMBER:
            numbers = read[which].to_numpy()
            found = number_slicing(number_name(name, which, count), numbers)
            yield _without_missing(found)


def number_name(name: str, which: str, counts: Array) -> str:
    """What the first or last number in a column's texts is called; `counts` are the numbers in each text."""
    return f"{which} number in {name}" if (counts > 1).any() else f"number in {name}"


def read_off(column: Series) -> DataFrame | None:
    """Features of each row's text: word count, count of numbers, first and last number (NaN where missing).

    Returns None for a column with at most 20 distinct values, which are slices themselves. Only the first 400
    characters are searched for numbers.
    """
    codes, distinct = pd.factorize(column)
    if len(distinct) <= _MOST_VALUES:
        return None
    texts = [str(each) for each in distinct]
    found = [_NUMBER.findall(text[:_READ]) for text in texts]
    table = DataFrame(
        {
            "words": np.array([len(text.split()) for text in texts], dtype=float),
            "numbers": np.array([len(each) for each in found], dtype=float),
            "first": np.array([_number(each[0]) if each else np.nan for each in found]),
            "last": np.array([_number(each[-1]) if each else np.nan for each in found]),
        }
    )
    return table.reindex(codes).set_axis(column.index)


def _number(text: str) -> float:
    """Parse 12, 1.5, 1,200 or 1.200.000: a single separator not followed by three digits is a decimal point."""
    if text.isdecimal():
        return float(text)
    parts = text.replace(",", ".").split(".")
    decimal = len(parts) == 2 and (len(parts[1]) != 3 or "." in text)
    return float(f"{parts[0]}.{parts[1]}" if decimal else "".join(parts))


def _without_missing(found: Slicing) -> Slicing:
    """Drop the slice of the rows without a number; the slicing `holds a digit` covers them."""
    if MISSING not in found.values:
        return found
    codes = np.where(found.codes == len(found.values) - 1, -1, found.codes)
    return found._replace(codes=codes, values=found.values[:-1], neutral=found.neutral[:-1])
