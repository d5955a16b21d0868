"""Detect signs that the data leak the target: predictions that copy it, or a score too good to be true.

A script has no labels of the rows that it is scored on, so a leak is not its fault, but its score may not hold for
other rows. A score is too good if its distance to the ideal is far below that of the leaderboard's best. Where the task
is split by time, the leaderboard rests on a later time than any training row, which may be harder: then farther below.
"""

import numpy as np

from gome.scenarios.evidence import LeakNote
from gome.scenarios.figures import plain
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.tables import numbers, read_table
from gome.scenarios.task.task import Task

__all__ = ["find_leaks"]

_COPIED_SHARE = 0.98
_EQUAL = 1e-6
"""Predictions equal a target within this part of its standard deviation."""
_FEWEST_VALUES = 20
_UNEXPLAINED = 1e-4
_OF_THE_BEST, _OF_A_LATER_TIME = 0.6, 0.3


def find_leaks(task: Task, truth: Array, prediction: Array, score: float | None) -> tuple[LeakNote, ...]:
    """Signs of a leak in out-of-fold predictions. `truth` and `prediction` have the shapes of `formulas`."""
    copied = _copied(task, truth, prediction)
    if copied:
        return copied
    return _too_good(task, score) if score is not None else ()


def _copied(task: Task, truth: Array, prediction: Array) -> tuple[LeakNote, ...]:
    if task.brief.task_type == "regression":
        if len(np.unique(truth)) < _FEWEST_VALUES:
            return ()
        near = _EQUAL * truth.std(axis=0)  # not relative to the values, which may lie far from zero
        same = float((np.abs(prediction - truth) <= near).mean())
        if same >= _COPIED_SHARE:
            words = f"{same:.0%} of the out-of-fold predictions equal the target: look for a column that copies it"
            return (LeakNote(code="target-copied", message=words),)
        with np.errstate(all="ignore"):
            unexplained = np.square(prediction - truth).sum(axis=0) / np.square(truth - truth.mean(axis=0)).sum(axis=0)
        if np.all(unexplained < _UNEXPLAINED):
            words = (
                f"only {float(unexplained.max()):.1g} of the target's variance is not predicted: look for a copy of it"
            )
            return (LeakNote(code="near-copy", message=words),)
        return ()
    if task.brief.prediction == "probability" and truth.ndim == 2:
        right = bool(np.all((prediction > 0.5) == (truth > 0.5)))
    else:
        right = bool(np.all((prediction.argmax(axis=1) if prediction.ndim == 2 else prediction) == truth))
    if right:
        words = f"all {len(truth)} out-of-fold predictions are right: look for the target among the features"
        return (LeakNote(code="perfect", message=words),)
    return ()


def _too_good(task: Task, score: float) -> tuple[LeakNote, ...]:
    """Whether a score is much nearer to the ideal than the leaderboard's best. The ideal of every metric is 0 or 1."""
    if task.leaderboard is None:
        return ()
    ideal = 0.0 if task.brief.direction == "minimize" else 1.0
    least = float(np.abs(numbers(read_table(task.leaderboard)["score"]) - ideal).min())
    left = abs(score - ideal)
    if left >= (_OF_A_LATER_TIME if task.brief.split.kind == "time" else _OF_THE_BEST) * least:
        return ()
    found = f"an out-of-fold {task.brief.metric} of {plain(score, 5)} is too good"
    words = f"{found}: the leaderboard's best is {plain(least, 5)} from the ideal"
    return (LeakNote(code="too-good", message=words),)
