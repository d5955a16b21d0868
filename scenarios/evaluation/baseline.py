"""The dummy score: the score of a constant prediction, as a reference for other scores."""

import math
from collections.abc import Sequence

import numpy as np

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.splits import Split, split_weights
from gome.scenarios.task.task import Task

__all__ = ["dummy_score"]


def dummy_score(task: Task, splits: Sequence[Split]) -> float:
    """The mean score over the splits, weighted as for scripts, of constants fitted to each split's training rows.

    The constant is the mean or median, the most frequent class, or the class shares. NaN if no split has a score.
    """
    scores = []
    for split in splits:
        truth = task.truth[split.valid]
        scores.append(task.metric.score(truth, _constant(task, task.truth[split.train], len(truth))))
    weights = np.array(split_weights(task.brief.split, range(len(splits)), [len(split.valid) for split in splits]))
    defined = ~np.isnan(scores)
    return float(np.average(np.array(scores)[defined], weights=weights[defined])) if defined.any() else math.nan


def _constant(task: Task, truth: Array, rows: int) -> Array:
    """The best constant prediction for `truth`, repeated for `rows` rows."""
    brief, metric = task.brief, task.metric
    if brief.task_type == "regression":
        scaled = np.log1p(truth) if metric.log_scale else truth
        middle = np.median(scaled, axis=0) if metric.centre == "median" else scaled.mean(axis=0)
        return np.tile(np.expm1(middle) if metric.log_scale else middle, (rows, 1))
    if truth.ndim == 2:
        return np.tile(truth.mean(axis=0), (rows, 1))
    counts = np.bincount(truth, minlength=len(brief.classes))
    if brief.prediction == "label":
        return np.full(rows, counts.argmax())
    return np.tile(counts / counts.sum(), (rows, 1))
