"""The dummy: what a constant prediction scores, so that a score can be read against it."""

import math
from collections.abc import Sequence

import numpy as np

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.splits import Split, split_weights
from gome.scenarios.task.task import Task

__all__ = ["dummy_score"]


def dummy_score(task: Task, splits: Sequence[Split]) -> float:
    """The mean over the splits, weighed as a script's, of each split's own constant: mean or median, class shares."""
    scores = []
    for split in splits:
        truth = task.truth[split.valid]
        scores.append(task.metric.score(truth, _constant(task, task.truth[split.train], len(truth))))
    weights = np.array(split_weights(task.brief.split, range(len(splits)), [len(split.valid) for split in splits]))
    defined = ~np.isnan(scores)
    return float(np.average(np.array(scores)[defined], weights=weights[defined])) if defined.any() else math.nan


def _constant(task: Task, truth: Array, rows: int) -> Array:
    """What `truth` is best guessed by, repeated, in the shape of a prediction."""
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
