"""The parts of a trial's rows that diagnostics tell of: by truth, by prediction, by column, by rarity."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas import DataFrame

from scenarios.diagnostics_record import Part
from scenarios.formulas import Array
from scenarios.judged_rows import Case, Judged, Tally, figure, figure_or_none, tally
from scenarios.slicing import Slicing, number_slicing

__all__ = [
    "by_target",
    "by_value",
    "changed_parts",
    "dear_parts",
    "rare_parts",
]

_MOST_SLICES = 12
_MOST_OF_A_FEATURE = 4
_MOST_CHANGES = 6
_MOST_RARE = 8
_FEWEST_ROWS = 10
_BINS = 5
_LEAST_EXCESS = 0.005
_LEAST_ERRORS = 2.0
_RARE = ("not in training", "1 to 3 times in training", "4 to 10 times in training")
_ALL_UNSEEN = 0.98  # a column whose values hardly ever recur names rows


def _part(slicing: Slicing, sums: Tally, place: int, whole: int, *, shown: bool) -> Part:
    rows = int(sums.rows[place])
    return Part(
        feature=slicing.feature,
        value=(slicing.values if shown else slicing.neutral)[place],
        rows=rows,
        share_of_rows=figure(rows / whole, 3),
        share_of_loss=figure(float(sums.share[place]), 3),
        bias=None if sums.bias is None else figure_or_none(sums.bias[place]),
        change=None if sums.change is None else figure_or_none(sums.change[place]),
        change_error=None if sums.change_error is None else figure_or_none(sums.change_error[place], 2),
    )


def by_value(rows: Judged, values: Array, feature: str, *, shown: bool) -> tuple[Part, ...]:
    """Five parts of about as many rows each, in the order of `values` (truth or prediction); all targets' mean."""
    means = np.asarray(values.mean(axis=1) if values.ndim == 2 else values, dtype=float)
    slicing = number_slicing(feature, means, most_values=_BINS)
    sums = tally(rows, slicing.codes, len(slicing.values))
    places = [place for place in range(len(slicing.values)) if sums.rows[place]]
    return tuple(_part(slicing, sums, place, len(rows), shown=shown) for place in places)


def by_target(case: Case, rows: Judged) -> tuple[Part, ...]:
    """Where there are several targets: the share of the loss that each has."""
    if rows.truth.ndim != 2 or rows.truth.shape[1] < 2:
        return ()
    with np.errstate(all="ignore"):
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
    """The slices with the largest excess of their share of the loss over their share of the rows, a few a column."""
    ranked = []
    for slicing, sums in found:
        excess = sums.share - sums.rows / len(rows)
        kept = np.flatnonzero((sums.rows >= _FEWEST_ROWS) & (excess > 0))
        ranked += [(-float(excess[place]), slicing.feature, int(place), slicing, sums) for place in kept]
    ranked.sort(key=lambda each: each[:3])
    taken: dict[str, int] = {}
    parts: list[Part] = []
    for _, feature, place, slicing, sums in ranked:
        if len(parts) == _MOST_SLICES:
            break
        taken[feature] = taken.get(feature, 0) + 1
        if taken[feature] <= _MOST_OF_A_FEATURE:
            parts.append(_part(slicing, sums, place, len(rows), shown=shown))
    return tuple(parts)


def changed_parts(rows: Judged, found: Sequence[tuple[Slicing, Tally]], *, shown: bool) -> tuple[Part, ...]:
    """Slices whose loss differs most from that of the best, beyond chance: up to three of each direction, then others.

    With many slices some differ by two standard errors by chance alone, so what is beyond it grows with their number.
    """
    looked_at = sum(len(slicing.values) for slicing, _ in found)
    least = max(_LEAST_ERRORS, float(np.sqrt(2 * np.log(max(1, looked_at)))))
    ranked: list[tuple[float, str, int, Slicing, Tally]] = []
    for slicing, sums in found:
        if sums.change is None or sums.change_error is None:
            continue
        with np.errstate(all="ignore"):
            beyond = (sums.rows >= _FEWEST_ROWS) & (np.abs(sums.change) > least * sums.change_error)
        whole, kept = sums.change * sums.rows / len(rows), np.flatnonzero(beyond)
        ranked += [(float(whole[place]), slicing.feature, int(place), slicing, sums) for place in kept]
    ranked.sort(key=lambda each: (-abs(each[0]), each[1], each[2]))
    half = _MOST_CHANGES // 2
    better = [place for place, each in enumerate(ranked) if each[0] < 0]
    worse = [place for place, each in enumerate(ranked) if each[0] > 0]
    chosen = {*better[:half], *worse[:half]}
    for place in range(len(ranked)):
        if len(chosen) < _MOST_CHANGES:
            chosen.add(place)
    told = sorted((ranked[place] for place in chosen), key=lambda each: each[:3])
    return tuple(_part(slicing, sums, place, len(rows), shown=shown) for _, _, place, slicing, sums in told)


def rare_parts(case: Case, rows: Judged, columns: Sequence[str]) -> tuple[Part, ...]:
    """Of each category: the rows whose value the split's training rows had not, or a few times only."""
    found: list[tuple[float, Part]] = []
    splits = _split_of_row(case, rows)
    for name in columns:
        codes = _recurring(case.table, name)
        if codes is None:
            continue
        frequency = _frequency(case, rows, codes, splits)
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


def _recurring(table: DataFrame, name: str) -> Array | None:
    """The number of each row's value, −1 where it is missing; None for a column that is no category."""
    column = table[name]
    if pd.api.types.is_float_dtype(column) and not _whole(column.to_numpy(dtype=float)):
        return None
    codes, distinct = pd.factorize(column)
    return codes if 2 <= len(distinct) <= len(table) / 2 else None


def _whole(values: Array) -> bool:
    """Integers with gaps come as floats."""
    present = values[np.isfinite(values)]
    return bool((present == np.floor(present)).all())


def _split_of_row(case: Case, rows: Judged) -> Array:
    splits = np.full(len(case.table), -1)
    for number, (withheld, _) in enumerate(case.trained):
        splits[withheld] = number
    return np.asarray(splits[rows.at])


def _frequency(case: Case, rows: Judged, codes: Array, splits: Array) -> Array:
    """How often the split's training rows have the value of each row; −1 where that is not known."""
    own = codes[rows.at]
    frequency = np.full(len(rows), -1)
    width = int(codes.max()) + 1
    for number, (_, train) in enumerate(case.trained):
        counts = np.bincount(codes[train] + 1, minlength=width + 1)
        mine = (splits == number) & (own >= 0)
        frequency[mine] = counts[own[mine] + 1]
    return frequency
