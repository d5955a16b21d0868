"""Compute scores from checked predictions, for one run and for all runs of a trial.

Predictions may be so large that the score overflows; that is reported as a defect, not raised.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gome.scenarios.evaluation.views import View, split_of, units_of
from gome.scenarios.evidence import DefectNote, Evaluation, SplitRule
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.task.splits import split_weights
from gome.scenarios.task.task import Task

__all__ = ["RowScore", "bundles", "merge", "overflow", "score_rows", "score_view"]

_BOOTSTRAPS = 50
_MOST_BUNDLES, _STRETCHES = 400, 25
"""Limits on the number of resampling units of a bootstrap: in general, and for stretches of time in a time split."""
_BOOTSTRAP = 4  # purpose in the seed; `splits` uses 1 and 2, `views` 3
_FIGURES = 6
_LARGEST_PREDICTION = 1e100


@dataclass(frozen=True, slots=True)
class RowScore:
    """The score of one run's withheld rows, its bootstrap scores and their spread. Everything empty: undefined."""

    score: float | None = None
    replicates: tuple[float | None, ...] = ()
    standard_error: float | None = None
    defects: tuple[DefectNote, ...] = ()


def score_rows(metric: Metric, truth: Array, prediction: Array, units: Array, seed: int) -> RowScore:
    """Score, standard error and replicates of one run's withheld rows.

    `units` are the resampling units of the rows (`bundles`) for the bootstrap of the standard error. No score if the
    rows do not define one (only one class); no error if all rows are one unit.
    """
    score = _score(metric, truth, prediction)
    if math.isinf(score):
        return RowScore(defects=(_OVERFLOW,))
    if math.isnan(score):
        return RowScore()
    several = len(np.unique(units)) > 1
    replicates = tuple(_replicates(metric, truth, prediction, units, seed)) if several else ()
    return RowScore(score, replicates, _spread(replicates))


def score_view(evaluation: Evaluation, task: Task, view: View, predictions: Array, seed: int) -> Evaluation:
    """The evaluation with what is computed from the view's withheld rows, which come first in `predictions`."""
    rows = len(view.withheld)
    units = bundles(units_of(task)[view.withheld], task.brief.split)
    found = score_rows(task.metric, task.truth[view.withheld], predictions[:rows], units, seed)
    if found.score is None:
        return evaluation.model_copy(update={"defects": found.defects})
    figures = {
        "score": found.score,
        "standard_error": found.standard_error,
        "replicates": (found.replicates,),
        "folds": (found.score,),
        "splits": (split_of(view.name) or 0,),
        "planned": 1,
        "fold_rows": ((rows, len(view.train)),),
        "weights": (1.0,),
    }
    return evaluation.model_copy(update=figures)


def overflow(prediction: Array) -> tuple[DefectNote, ...]:
    """A defect if a prediction is too large to compute means and scores."""
    large = prediction.dtype.kind == "f" and bool(np.abs(prediction).max() > _LARGEST_PREDICTION)
    return (_OVERFLOW,) if large else ()


def bundles(units: Array, rule: SplitRule) -> Array:
    """For each row its resampling unit in a bootstrap: its group, its stretch of time, or the row itself.

    Many units are merged into bundles: the spread stays the same, and large tables take less time.
    """
    _, unit = np.unique(units, return_inverse=True)
    count = int(unit.max()) + 1
    if rule.kind == "time" or (rule.kind == "holdout" and rule.column is not None):
        return np.asarray(unit * min(count, _STRETCHES) // count)
    return np.asarray(unit % _MOST_BUNDLES)


def merge(parts: Sequence[Evaluation], rule: SplitRule, planned: int) -> Evaluation:
    """Combine evaluations of one script on different splits into one, ordered by split. Each may be of several splits.

    A fold without a defined score is left out of the mean. If a part has defects, the result has those of the first.
    """
    defects = next((part.defects for part in parts if part.defects), ())
    if defects:
        return Evaluation(view="splits", defects=defects, planned=planned)
    scored = sorted((part for part in parts if part.folds), key=lambda part: part.splits)
    planned -= len(parts) - len(scored)
    if not scored:
        return Evaluation(view="splits", planned=planned)
    order = sorted((split, part, at) for part, each in enumerate(scored) for at, split in enumerate(each.splits))
    splits = tuple(split for split, _, _ in order)
    rows = tuple(scored[part].fold_rows[at] for _, part, at in order)
    folds = tuple(scored[part].folds[at] for _, part, at in order)
    weights = split_weights(rule, splits, [valid for valid, _ in rows])
    error = scored[0].standard_error
    if len(folds) > 1:
        error = float(np.std(folds, ddof=1) / math.sqrt(len(folds)))
    trained = all(len(part.train_folds) == len(part.splits) for part in scored)
    return Evaluation(
        view="splits",
        score=math.fsum(weight * fold for weight, fold in zip(weights, folds, strict=True)),
        splits=splits,
        planned=planned,
        folds=folds,
        fold_rows=rows,
        weights=weights,
        replicates=tuple(scored[part].replicates[at] for _, part, at in order),
        standard_error=error,
        verified=all(part.verified for part in scored),
        train_folds=tuple(scored[part].train_folds[at] for _, part, at in order) if trained else (),
        importance=scored[0].importance,
        claims=scored[0].claims,
    )


def _score(metric: Metric, truth: Array, prediction: Array) -> float:
    with np.errstate(all="ignore"):
        return metric.score(truth, prediction)


_OVERFLOW = DefectNote(code="overflow", message="submission.csv: predictions are so large that they have no score")


def _replicates(metric: Metric, truth: Array, prediction: Array, units: Array, seed: int) -> Iterator[float | None]:
    """Bootstrap scores over draws of resampling units with replacement.

    The draws depend only on `units` and `seed`, so those of two predictions for the same rows are paired.
    """
    members = np.split(np.argsort(units, kind="stable"), np.cumsum(np.bincount(units))[:-1])
    draw = np.random.default_rng([seed, _BOOTSTRAP])
    for _ in range(_BOOTSTRAPS):
        rows = np.concatenate([members[number] for number in draw.integers(len(members), size=len(members))])
        score = _score(metric, truth[rows], prediction[rows])
        yield float(f"{score:.{_FIGURES}g}") if math.isfinite(score) else None


def _spread(replicates: Sequence[float | None]) -> float | None:
    defined = [each for each in replicates if each is not None]
    return float(np.std(defined, ddof=1)) if len(defined) > 1 else None
