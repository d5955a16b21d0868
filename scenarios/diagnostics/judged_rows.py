"""Loss, signed error and change against the best for each validation row of a trial.

Rows without a finite loss are excluded. Sums use shares of the total loss, which cannot overflow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from gome.scenarios.diagnostics.sliced_table import SlicedTable
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics import formulas
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric

__all__ = ["Case", "Judged", "Scale", "Tally", "figure", "figure_or_none", "judged", "kept", "tally", "words_of"]

Scale = Literal["value", "log1p", "probability", "decision", "grade", "loss"]

_HUGE = 1e300
_WORDS: dict[object, str] = {
    formulas.squared_loss: "squared error",
    formulas.squared_log_loss: "squared error of log(1 + x)",
    formulas.absolute_loss: "absolute error",
    formulas.wrong_loss: "1 where the class is wrong",
    formulas.log_rows: "minus the log of the probability of what is true",
}
_GRADES = "squared distance of predicted and true grade, in steps along the order of `classes`"
_STAND_IN = " (in place of the metric, which is no mean over rows)"


@dataclass(frozen=True)
class Case:
    """Input of a diagnosis: predictions for training rows, at the positions `at` in the task's `features`.

    `truth`, `prediction` and `best` belong to those rows, in the shapes of `formulas`. `best` is the prediction of the
    trace's best, None where unknown; `known` is the mask of the rows for which it is known. `trained` holds by number
    of a split the positions that it withheld and those trained on. At most `shown` rows may be shown, with 0 no cell.
    """

    features: SlicedTable
    at: Array
    trained: Mapping[int, tuple[Array, Array]]
    truth: Array
    prediction: Array
    brief: TaskBrief
    metric: Metric
    best: Array | None = None
    known: Array | None = None
    shown: int = 10

    @cached_property
    def split_of_row(self) -> Array:
        """For each row of `features` the number of the split that withheld it, −1 for none."""
        numbers = np.full(len(self.features.table), -1)
        for number, (withheld, _) in self.trained.items():
            numbers[withheld] = number
        return numbers


@dataclass(frozen=True)
class Judged:
    """Rows with a finite loss, arrays in the same order. `share` is of the total loss; `error` is signed, on `scale`.

    `change` is the loss minus that of the best, NaN for rows where it is unknown; None where it is unknown for all.
    """

    at: Array
    truth: Array
    prediction: Array
    best: Array | None
    loss: Array
    share: Array
    error: Array | None
    scale: Scale
    change: Array | None

    def __len__(self) -> int:
        return len(self.loss)


class Tally(NamedTuple):
    """Aggregates by slice: rows, share of the loss, mean error, mean change and its standard error, mean squared error.

    `share_error` is the standard error of the share over the rows of the slice.
    """

    rows: Array
    share: Array
    share_error: Array
    bias: Array | None
    change: Array | None
    change_error: Array | None
    squared: Array | None


def judged(case: Case) -> Judged | None:
    """Compute the losses of a case. Rows without a finite loss are dropped; returns None if none is left."""
    loss = np.asarray(case.metric.row_loss(case.truth, case.prediction), dtype=float)
    keep = np.isfinite(loss)
    if not keep.any():
        return None
    truth, prediction, loss = case.truth[keep], case.prediction[keep], loss[keep]
    weights = loss / (np.abs(loss).max() or 1.0)
    total = float(weights.sum())
    error, scale = _error(truth, prediction, case.brief, case.metric)
    best = None if case.best is None or case.known is None or not case.known[keep].any() else case.best[keep]
    change = None
    if best is not None and case.known is not None:
        of_best = np.asarray(case.metric.row_loss(truth, np.where(_wide(case.known[keep], best), best, prediction)))
        change = np.where(case.known[keep], loss - of_best, np.nan)
        change = np.where(np.isfinite(change), change, np.nan) if np.isfinite(change).any() else None
    share = weights / total if total > 0 else np.zeros(len(loss))
    return Judged(case.at[keep], truth, prediction, best, loss, share, error, scale, change)


def kept(rows: Judged, chosen: Array) -> Judged:
    """Select rows by a mask; shares are recomputed from the loss of the selected rows."""
    if chosen.all():
        return rows
    total = float(rows.share[chosen].sum())
    share = rows.share[chosen] / total if total > 0 else rows.share[chosen]
    best, error, change = (None if each is None else each[chosen] for each in (rows.best, rows.error, rows.change))
    of_each = (rows.at[chosen], rows.truth[chosen], rows.prediction[chosen])
    return Judged(*of_each, best, rows.loss[chosen], share, error, rows.scale, change)


def tally(rows: Judged, codes: Array, slices: int) -> Tally:
    """Aggregate rows by slice. `codes` has the slice number of each row, −1 for none."""
    places = codes.astype(np.int64) + 1

    def summed(weights: Array | None) -> Array:
        return np.asarray(np.bincount(places, weights, slices + 1)[1:])

    count = summed(None)
    bias = squared = change = change_error = None
    if rows.error is not None:
        bias, squared = summed(rows.error) / count, summed(np.square(rows.error)) / count
    if rows.change is not None:
        known = np.isfinite(rows.change)
        compared = summed(known.astype(float))
        differences = np.where(known, rows.change, 0.0)
        change = summed(differences) / compared
        variance = np.maximum(summed(np.square(differences)) / compared - np.square(change), 0.0)
        change_error = np.sqrt(variance / np.maximum(compared - 1, 1))
        change_error[compared < 2] = np.nan
    share = summed(rows.share)
    variance = summed(np.square(rows.share)) - np.square(share) / count
    return Tally(count, share, np.sqrt(np.maximum(variance, 0.0)), bias, change, change_error, squared)


def figure(value: float, digits: int = 4) -> float:
    """Round to `digits` significant digits, clipped to a finite range; 0 for NaN."""
    return figure_or_none(value, digits) or 0.0


def figure_or_none(value: float | None, digits: int = 4) -> float | None:
    """Round like `figure`; None for None and NaN."""
    if value is None or np.isnan(value):
        return None
    return float(f"{min(max(float(value), -_HUGE), _HUGE):.{digits}g}")


def words_of(metric: Metric) -> str:
    """Describe the loss of a row, and say where it only stands in for the metric."""
    loss = _GRADES if metric.ordinal else _WORDS.get(metric.row_loss, "loss of a row")
    return loss if metric.own_loss else loss + _STAND_IN


def _error(truth: Array, prediction: Array, brief: TaskBrief, metric: Metric) -> tuple[Array | None, Scale]:
    """Prediction − truth of each row, averaged over targets, and its scale; None for classes without an order."""
    if metric.ordinal:
        return np.asarray(prediction, dtype=float) - np.asarray(truth, dtype=float), "grade"
    if brief.task_type == "multiclass":
        return None, "loss"
    scale: Scale = "value" if brief.task_type == "regression" else "probability"
    if brief.task_type == "binary" and brief.prediction == "label":
        scale = "decision"
    if brief.task_type == "regression" and metric.log_scale:
        truth, prediction, scale = np.log1p(truth), np.log1p(prediction), "log1p"
    difference = np.asarray(prediction, dtype=float) - np.asarray(truth, dtype=float)
    difference = difference.mean(axis=1) if difference.ndim == 2 else difference
    return np.clip(np.nan_to_num(difference, posinf=_HUGE, neginf=-_HUGE), -_HUGE, _HUGE), scale


def _wide(mask: Array, like: Array) -> Array:
    return mask[:, None] if like.ndim == 2 else mask
