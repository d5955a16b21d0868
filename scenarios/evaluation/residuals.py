"""Slices of the rows by one feature whose share of the loss exceeds their share of the rows."""

import numpy as np
from pandas import DataFrame

from gome.scenarios.diagnostics.slicing import plain_slicing
from gome.scenarios.evidence import ResidualSlice, TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric

__all__ = ["differences", "residual_slices"]

_MOST_SLICES = 12
_FEWEST_ROWS = 10


def residual_slices(
    features: DataFrame, truth: Array, prediction: Array, brief: TaskBrief, metric: Metric
) -> tuple[ResidualSlice, ...]:
    """The slices with the largest excess of loss share over row share, at most twelve.

    `features` are the predicted rows with inferred types, without id and targets.
    """
    loss = metric.row_loss(truth, prediction)
    total = float(loss.sum())
    if not np.isfinite(total) or total <= 0:
        return ()
    difference = differences(truth, prediction, brief, metric)
    found: list[tuple[float, ResidualSlice]] = []
    for feature in features.columns:
        slicing = plain_slicing(features[feature])
        places, slices = slicing.codes + 1, len(slicing.values)
        counts = np.bincount(places, minlength=slices + 1)[1:]
        losses = np.bincount(places, loss, slices + 1)[1:]
        errors = None if difference is None else np.bincount(places, difference, slices + 1)[1:]
        for place, value in enumerate(slicing.values):
            count, share = int(counts[place]), float(losses[place]) / total
            excess = share - count / len(loss)
            if count < _FEWEST_ROWS or excess <= 0:
                continue
            each = ResidualSlice(
                feature=str(feature),
                value=value,
                rows=count,
                loss=round(float(losses[place]) / count, 6),
                share_of_loss=round(share, 4),
                bias=None if errors is None else round(float(errors[place]) / count, 6),
            )
            found.append((excess, each))
    found.sort(key=lambda pair: (-pair[0], pair[1].feature, pair[1].value))
    return tuple(each for _, each in found[:_MOST_SLICES])


def differences(truth: Array, prediction: Array, brief: TaskBrief, metric: Metric) -> Array | None:
    """Prediction − truth per row on the metric's scale, averaged over targets; None for classes."""
    if brief.task_type != "regression":
        return None
    if metric.log_scale:
        truth, prediction = np.log1p(truth), np.log1p(prediction)
    return np.asarray((prediction - truth).mean(axis=1))
