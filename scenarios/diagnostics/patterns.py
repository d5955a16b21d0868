"""Find columns along which a trial's errors differ, in bias or in scale."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gome.scenarios.diagnostics.judged_rows import Judged, Tally, figure, figure_or_none, tally
from gome.scenarios.diagnostics.record import Pattern, PatternPart
from gome.scenarios.diagnostics.slicing import Slicing
from gome.scenarios.metrics.formulas import Array

__all__ = ["patterns_of"]

_MOST_BY_BIAS = 4
_MOST_BY_SPREAD = 2
_MOST_PARTS = 6
_FEWEST_ROWS = 30
_LEAST_EXPLAINED = 0.01
_LEAST_SPREAD = 3.0
_SIGMAS = 4.0
_CUT = 0.005  # errors are winsorised at this quantile on each side, so that a single row makes no pattern


class _Found(NamedTuple):
    slicing: Slicing
    sums: Tally
    kept: Array
    explained: float
    spread: float
    target_spread: float


def patterns_of(rows: Judged, slices: Sequence[Slicing], *, shown: bool) -> tuple[Pattern, ...]:
    """At most four columns whose parts differ in bias, and two more whose parts differ in the size of errors.

    Empty where there is no signed error.
    """
    if rows.error is None:
        return ()
    cut = replace(rows, error=np.clip(rows.error, *np.quantile(rows.error, [_CUT, 1 - _CUT])), change=None)
    truths = replace(rows, error=_scaled(rows), change=None) if rows.scale in ("value", "log1p", "grade") else None
    found = [each for slicing in slices if (each := _look(cut, truths, slicing)) is not None]
    found.sort(key=lambda each: (-each.explained, each.slicing.feature))
    by_bias = [each for each in found if each.explained >= _LEAST_EXPLAINED][:_MOST_BY_BIAS]
    told = {each.slicing.feature for each in by_bias}
    rest = [each for each in found if each.slicing.feature not in told and each.spread >= _LEAST_SPREAD]
    rest.sort(key=lambda each: (-each.spread, each.slicing.feature))
    chosen = [(each, True) for each in by_bias] + [(each, False) for each in rest[:_MOST_BY_SPREAD]]
    return tuple(_pattern(each, len(rows), by_bias=by, shown=shown) for each, by in chosen)


def _scaled(rows: Judged) -> Array:
    """The truth on the scale of the error, averaged over targets, winsorised like the errors."""
    truth = np.asarray(rows.truth, dtype=float)
    truth = np.log1p(truth) if rows.scale == "log1p" else truth
    truth = np.nan_to_num(truth.mean(axis=1) if truth.ndim == 2 else truth)
    return np.asarray(np.clip(truth, *np.quantile(truth, [_CUT, 1 - _CUT])))


def _look(rows: Judged, truths: Judged | None, slicing: Slicing) -> _Found | None:
    """How much a slicing explains; None where fewer than two slices have enough rows."""
    sums = tally(rows, slicing.codes, len(slicing.values))
    kept = np.flatnonzero(sums.rows >= _FEWEST_ROWS)
    if len(kept) < 2 or sums.bias is None or sums.squared is None:
        return None
    counts, biases = sums.rows[kept], sums.bias[kept]
    explained = _explained(counts, biases, sums.squared[kept])
    spread = _ratio(np.sqrt(sums.squared[kept]))
    target_spread = float("nan")
    if truths is not None:
        of_truth = tally(truths, slicing.codes, len(slicing.values))
        if of_truth.bias is not None and of_truth.squared is not None:
            variance = of_truth.squared[kept] - np.square(of_truth.bias[kept])
            target_spread = _ratio(np.sqrt(np.maximum(variance, 0.0)))
    return _Found(slicing, sums, kept, explained, spread, target_spread)


def _explained(counts: Array, biases: Array, squared: Array) -> float:
    """Adjusted share of the variance between slices; 0 where it is not significant."""
    whole, slices = float(counts.sum()), len(counts)
    mean = float((counts * biases).sum() / whole)
    between = float((counts * np.square(biases - mean)).sum())
    total = float((counts * squared).sum() - whole * np.square(mean))
    if not np.isfinite(total) or total <= 0 or whole <= slices:
        return 0.0
    within = max(total - between, 1e-12 * total)
    ratio = (between / (slices - 1)) / (within / (whole - slices))
    if ratio < 1 + _SIGMAS * np.sqrt(2 / (slices - 1)):
        return 0.0
    return max(0.0, 1 - (1 - between / total) * (whole - 1) / (whole - slices))


def _ratio(sizes: Array) -> float:
    """Largest over smallest; NaN where the smallest is 0."""
    return float(sizes.max() / sizes.min()) if sizes.min() > 0 else float("nan")


def _pattern(found: _Found, whole: int, *, by_bias: bool, shown: bool) -> Pattern:
    slicing, sums = found.slicing, found.sums
    errors = np.sqrt(sums.squared) if sums.squared is not None else sums.rows * 0.0
    biases = sums.bias if sums.bias is not None else sums.rows * 0.0
    places = found.kept[np.argsort((biases if by_bias else errors)[found.kept], kind="stable")]
    if len(places) > _MOST_PARTS:
        places = np.concatenate([places[: _MOST_PARTS // 2], places[-_MOST_PARTS // 2 :]])
    if slicing.ordered:
        places = np.sort(places)
    names = slicing.values if shown else slicing.neutral
    return Pattern(
        feature=slicing.feature,
        ordered=slicing.ordered,
        explained=figure(found.explained, 3),
        spread=figure_or_none(found.spread, 3),
        target_spread=figure_or_none(found.target_spread, 3),
        judged=len(found.kept),
        parts=tuple(
            PatternPart(
                value=names[place],
                share_of_rows=figure(float(sums.rows[place]) / whole, 3),
                bias=figure(float(biases[place]), 3),
                error=figure(float(errors[place]), 3),
            )
            for place in places
        ),
    )
