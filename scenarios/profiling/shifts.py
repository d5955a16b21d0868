"""Find columns whose distribution differs between training and test, one column at a time."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import pandas as pd
from pandas import Series

from gome.scenarios.diagnostics.slicing import days_of, number_name, read_off
from gome.scenarios.evidence import Shift
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.cells import hold_dates

__all__ = ["find_shifts"]

_MOST = 5
_LEAST = 0.1
_MOST_ROWS = 20_000
_MOST_CATEGORIES = 50
_LEAST_OF_KS = 2.0  # in units of sqrt(1/n + 1/m); false alarm rate: one in two thousand columns
_LEAST_OF_TV = 3.0  # in units of the expected distance of two equal distributions
_ONLY_NAMES = 0.5  # a category with more distinct values than this share of rows is like an id
_LONGEST_VALUE = 40


def find_shifts(columns: Iterable[tuple[str, Series, Series]]) -> tuple[Shift, ...]:
    """The largest significant shifts, at most five. `columns` are (name, training values, test values)."""
    found: dict[str, Shift] = {}
    for name, train, test in columns:
        if not len(train) or not len(test):
            continue
        for each in _shifts(name, _some(train), _some(test)):
            if name not in found or each.distance > found[name].distance:
                found[name] = each
    ranked = sorted(found.values(), key=lambda each: (-each.distance, each.feature))
    return tuple(ranked[:_MOST])


def _some(column: Series) -> Series:
    """A deterministic sample of at most 20 000 rows."""
    if len(column) <= _MOST_ROWS:
        return column
    return column.iloc[_drawn(len(column))]


@lru_cache(2)
def _drawn(rows: int) -> Array:
    """The positions of the sample: the same in each column of a table."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:_MOST_ROWS])


def _shifts(name: str, train: Series, test: Series) -> Iterator[Shift]:
    empty = [each.isna().to_numpy() for each in (train, test)]
    shares = float(empty[0].mean()), float(empty[1].mean())
    gaps = abs(shares[0] - shares[1])
    if gaps >= _LEAST and gaps > _LEAST_OF_KS * _unit(len(train), len(test)):
        rounded = (round(share, 4) for share in shares)
        yield Shift(feature=name, measure="missing", distance=round(gaps, 4), train=next(rounded), test=next(rounded))
    if all(pd.api.types.is_numeric_dtype(each) for each in (train, test)):  # gaps are no finite numbers
        yield from _of_numbers(name, train.to_numpy(dtype=float), test.to_numpy(dtype=float))
        return
    train, test = train.dropna(), test.dropna()
    if not len(train) or not len(test):
        return
    if hold_dates(train) and hold_dates(test):
        yield from _of_numbers(name, days_of(train), days_of(test), means=False)
    else:
        yield from _of_words(name, train.astype(str), test.astype(str))


def _of_words(name: str, train: Series, test: Series) -> Iterator[Shift]:
    if train.nunique() <= _ONLY_NAMES * len(train) or train.nunique() <= _MOST_CATEGORIES:
        yield from _of_categories(name, train, test)
        return
    ours, theirs = read_off(train), read_off(test)
    if ours is None or theirs is None:
        return
    counts = np.concatenate([each["numbers"].to_numpy() for each in (ours, theirs)])
    for part, label in (("words", f"{name} (words)"), ("first", number_name(name, "first", counts))):
        values = (each[part].dropna().to_numpy() for each in (ours, theirs))
        for shift in _of_numbers(name, next(values), next(values)):
            yield shift.model_copy(update={"feature": label})


def _of_numbers(name: str, train: Array, test: Array, *, means: bool = True) -> Iterator[Shift]:
    """The two-sample Kolmogorov-Smirnov distance."""
    train, test = np.sort(train[np.isfinite(train)]), np.sort(test[np.isfinite(test)])
    if not len(train) or not len(test):
        return
    both = np.concatenate([train, test])
    below = (np.searchsorted(each, both, side="right") / len(each) for each in (train, test))
    distance = float(np.abs(next(below) - next(below)).max())
    if distance < _LEAST or distance <= _LEAST_OF_KS * _unit(len(train), len(test)):
        return
    with np.errstate(all="ignore"):
        levels = [float(f"{each.mean():.5g}") if means and np.isfinite(each.mean()) else None for each in (train, test)]
    yield Shift(feature=name, measure="ks", distance=round(distance, 4), train=levels[0], test=levels[1])


def _of_categories(name: str, train: Series, test: Series) -> Iterator[Shift]:
    """Total variation distance over the most frequent categories, with all others merged into one."""
    codes, distinct = pd.factorize(pd.concat([train, test], ignore_index=True))
    order = np.argsort(-np.bincount(codes), kind="stable")
    places = np.full(len(distinct), min(len(distinct), _MOST_CATEGORIES))
    places[order[:_MOST_CATEGORIES]] = np.arange(min(len(distinct), _MOST_CATEGORIES))
    counts = [np.bincount(places[part], minlength=_MOST_CATEGORIES + 1) for part in np.split(codes, [len(train)])]
    ours, theirs = (each / each.sum() for each in counts)
    pooled = (counts[0] + counts[1]) / (len(train) + len(test))
    rng = float(np.sqrt(2 / np.pi * pooled * (1 - pooled)).sum() / 2 * _unit(len(train), len(test)))
    distance = float(np.abs(ours - theirs).sum() / 2)
    if distance < _LEAST or distance <= _LEAST_OF_TV * rng:
        return
    most = int(np.abs(ours - theirs)[: min(len(distinct), _MOST_CATEGORIES)].argmax())
    value = str(distinct[order[most]])[:_LONGEST_VALUE]
    shares = round(float(ours[most]), 4), round(float(theirs[most]), 4)
    distance = round(distance, 4)
    yield Shift(feature=name, measure="tv", distance=distance, train=shares[0], test=shares[1], value=value)


def _unit(ours: int, theirs: int) -> float:
    return float(np.sqrt(1 / ours + 1 / theirs))
