"""Errors by part of the rows: by truth, by prediction, by slice of a column, by rarity of a value."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gome.scenarios.diagnostics.judged_rows import Case, Judged, Tally, figure, figure_or_none, tally
from gome.scenarios.diagnostics.record import Part
from gome.scenarios.diagnostics.slicing import Slicing, days_of, number_slicing
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.cells import hold_dates

__all__ = ["by_target", "by_value", "changed_parts", "dear_parts", "dear_units", "rare_parts"]

_MOST_SLICES = 12
_MOST_OF_A_FEATURE = 4
_MOST_CHANGES = 6
_MOST_RARE = 8
_MOST_UNITS = 4
_FEWEST_OF_A_UNIT = 5
_FEWEST_ROWS = 10
_BINS = 5
_LEAST_EXCESS = 0.005
_LEAST_ERRORS = 2.0
_LEAST_SHARE_ERRORS = 1.5
_RARE = ("not in training", "1 to 3 times in training", "4 to 10 times in training")
_ALIKE = 0.85
_ALL_UNSEEN = 0.98  # a column whose values hardly ever recur names rows


def _part(slicing: Slicing, sums: Tally, place: int, whole: int, *, shown: bool) -> Part:
    rows = int(sums.rows[place])
    return Part(
        feature=slicing.feature,
        value=(slicing.values if shown else slicing.neutral)[place],
        rows=rows,
        share_of_rows=figure(rows / whole, 3),
        share_of_loss=figure(float(sums.share[place]), 3),
        bias=None if sums.bias is None else figure_or_none(sums.bias[place], 3),
        change=None if sums.change is None else figure_or_none(sums.change[place], 3),
        change_error=None if sums.change_error is None else figure_or_none(sums.change_error[place], 2),
    )


def by_value(rows: Judged, values: Array, feature: str, *, shown: bool) -> tuple[Part, ...]:
    """Five parts of similar size, in the order of `values` (truth or prediction, averaged over targets)."""
    means = np.asarray(values.mean(axis=1) if values.ndim == 2 else values, dtype=float)
    slicing = number_slicing(feature, means, most_values=_BINS)
    sums = tally(rows, slicing.codes, len(slicing.values))
    places = [place for place in range(len(slicing.values)) if sums.rows[place]]
    return tuple(_part(slicing, sums, place, len(rows), shown=shown) for place in places)


def by_target(case: Case, rows: Judged) -> tuple[Part, ...]:
    """Share of the loss of each target; empty for a single target."""
    if rows.truth.ndim != 2 or rows.truth.shape[1] < 2:
        return ()
    columns = [slice(place, place + 1) for place in range(rows.truth.shape[1])]
    losses = [case.metric.row_loss(rows.truth[:, each], rows.prediction[:, each]) for each in columns]
    means = np.nan_to_num([float(np.mean(each)) for each in losses])
    shares = means / (means.sum() or 1.0)
    named = zip(case.brief.targets, shares, strict=False)
    return tuple(
        Part(feature=name, value="all", rows=len(rows), share_of_rows=1.0, share_of_loss=figure(float(share), 3))
        for name, share in named
    )


def dear_parts(rows: Judged, found: Sequence[tuple[Slicing, Tally]], *, shown: bool) -> tuple[Part, ...]:
    """At most twelve slices whose share of the loss most exceeds their share of the rows, at most four per column.

    Slices that owe the excess to one or two rows are left out; the list of worst rows shows those.
    """
    ranked: list[_Ranked] = []
    for slicing, sums in found:
        excess = sums.share - sums.rows / len(rows)
        least = np.maximum(_LEAST_EXCESS, _LEAST_SHARE_ERRORS * sums.share_error)
        kept = np.flatnonzero((sums.rows >= _FEWEST_ROWS) & (excess > least))
        ranked += [_Ranked(float(excess[place]), slicing, sums, int(place)) for place in kept]
    chosen = _first(ranked, _MOST_SLICES)
    return tuple(_part(each.slicing, each.sums, each.place, len(rows), shown=shown) for each in chosen)


def dear_units(case: Case, rows: Judged, *, shown: bool) -> tuple[Part, ...]:
    """Where a task is split by groups or time: single values of that column, or days, with most more loss than rows.

    Empty where a value has fewer than five rows on average: the worst rows then say as much.
    """
    rule = case.brief.split
    if rule.kind not in ("group", "time") or rule.column is None:
        return ()
    column = case.features.table[rule.column].iloc[rows.at]
    if hold_dates(column):
        column = pd.Series(np.floor(days_of(column)).astype("datetime64[D]").astype(str))
    codes, values = pd.factorize(column)
    numeric = pd.api.types.is_numeric_dtype(column)
    names = tuple(f"{each:g}" if numeric else str(each) for each in values)
    if len(names) * _FEWEST_OF_A_UNIT > len(rows):
        return ()
    neutral = tuple(f"unit no. {place + 1}" for place in range(len(names)))
    slicing = Slicing(rule.column, codes, names, neutral, ordered=False)
    sums = tally(rows, codes, len(names))
    excess = sums.share - sums.rows / len(rows)
    places = np.argsort(-excess, kind="stable")[:_MOST_UNITS]
    return tuple(_part(slicing, sums, int(place), len(rows), shown=shown) for place in places if excess[place] > 0)


def changed_parts(rows: Judged, found: Sequence[tuple[Slicing, Tally]], *, shown: bool) -> tuple[Part, ...]:
    """Slices whose change against the best is significant and differs from the change of all rows.

    Returns up to three slices that improved more and up to three that worsened more than all rows together. The
    threshold in standard errors grows with the number of slices, to allow for multiple comparisons.
    """
    if rows.change is None or not np.isfinite(rows.change).any():
        return ()
    mean = float(np.nanmean(rows.change))
    looked_at = sum(len(slicing.values) for slicing, _ in found)
    least = max(_LEAST_ERRORS, float(np.sqrt(2 * np.log(max(1, looked_at)))))
    ranked: list[_Ranked] = []
    for slicing, sums in found:
        if sums.change is None or sums.change_error is None:
            continue
        other, noise = sums.change - mean, least * sums.change_error
        beyond = (sums.rows >= _FEWEST_ROWS) & (np.abs(sums.change) > noise) & (np.abs(other) > noise)
        whole = other * sums.rows / len(rows)
        ranked += [_Ranked(float(whole[place]), slicing, sums, int(place)) for place in np.flatnonzero(beyond)]
    better = _first([each._replace(weight=-each.weight) for each in ranked if each.weight < 0], _MOST_CHANGES // 2)
    worse = _first([each for each in ranked if each.weight > 0], _MOST_CHANGES // 2)
    return tuple(_part(each.slicing, each.sums, each.place, len(rows), shown=shown) for each in (*better, *worse))


class _Ranked(NamedTuple):
    """A slice with its ranking weight."""

    weight: float
    slicing: Slicing
    sums: Tally
    place: int


def _first(ranked: Sequence[_Ranked], most: int) -> list[_Ranked]:
    """Those with the largest weights, a few per column, without near-duplicates of earlier ones."""
    chosen: list[_Ranked] = []
    taken: dict[str, int] = {}
    for each in sorted(ranked, key=lambda each: (-each.weight, each.slicing.feature, each.place)):
        if len(chosen) == most:
            break
        feature = each.slicing.feature
        if taken.get(feature, 0) < _MOST_OF_A_FEATURE and not any(_alike(each, other) for other in chosen):
            taken[feature] = taken.get(feature, 0) + 1
            chosen.append(each)
    return chosen


def _alike(one: _Ranked, other: _Ranked) -> bool:
    """Whether two slices share at least 85 % of their rows."""
    sizes = one.sums.rows[one.place], other.sums.rows[other.place]
    if min(sizes) < _ALIKE * max(sizes):
        return False
    both = np.count_nonzero((one.slicing.codes == one.place) & (other.slicing.codes == other.place))
    return bool(both > _ALIKE * max(sizes))


def rare_parts(case: Case, rows: Judged) -> tuple[Part, ...]:
    """For each categorical column: rows whose value the split's training rows lack or have at most ten times."""
    found: list[tuple[float, Part]] = []
    splits = case.split_of_row
    for name, codes in case.features.categories.items():
        frequency = _frequency(case, rows, codes, splits[rows.at])
        groups = np.select([frequency < 0, frequency == 0, frequency <= 3, frequency <= 10], [-1, 0, 1, 2], -1)
        slicing = Slicing(name, groups, _RARE, _RARE, ordered=True)
        sums = tally(rows, groups, len(_RARE))
        if sums.rows[0] > _ALL_UNSEEN * len(rows):
            continue
        for place in range(len(_RARE)):
            part = _part(slicing, sums, place, len(rows), shown=True)
            excess = part.share_of_loss - part.share_of_rows
            if part.rows >= _FEWEST_ROWS and excess >= _LEAST_EXCESS:
                found.append((excess, part))
    found.sort(key=lambda each: (-each[0], each[1].feature, each[1].value))
    return tuple(part for _, part in found[:_MOST_RARE])


def _frequency(case: Case, rows: Judged, codes: Array, splits: Array) -> Array:
    """How often the split's training rows have the value of each row; −1 where unknown."""
    own = codes[rows.at]
    frequency = np.full(len(rows), -1)
    width = int(codes.max()) + 1
    for number, (_, train) in case.trained.items():
        counts = np.bincount(codes[train] + 1, minlength=width + 1)
        mine = (splits == number) & (own >= 0)
        frequency[mine] = counts[own[mine] + 1]
    return frequency
