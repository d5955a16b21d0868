"""Canaries: labels exchanged in the debug sample, that only a script which looks at them can predict.

In every split half of the validation rows get each other's labels, at random. What a model predicts of them tells
nothing of these labels, unless it saw them: fitted on all rows, encoded by the target, copied. The test is exact
(`agreement`), since under an honest script every exchange was as likely.
"""

import math

import numpy as np
from pandas import DataFrame

from scenarios.agreement import agreement, as_columns, deal_labels
from scenarios.evidence import LeakNote, TaskBrief
from scenarios.formulas import Array
from scenarios.tables import positions

__all__ = ["exchange_labels", "followed_canaries"]

_SHARE = 0.5
_FEWEST = 24
_DEVIATIONS = 5.0
"""So many standard deviations above chance is a leak: a chance of 3e-7 for an honest script."""


def exchange_labels(
    train: DataFrame, folds: DataFrame, brief: TaskBrief, draw: np.random.Generator
) -> tuple[DataFrame, Array]:
    """The rows with some labels exchanged, never between splits; and True for the rows that took part."""
    changed = np.zeros(len(train), dtype=bool)
    valid = folds[folds["role"] == "valid"]
    for _, part in valid.groupby("split"):
        rows = positions(part[brief.id_column], train[brief.id_column])
        chosen = np.sort(draw.permutation(rows)[: round(_SHARE * len(rows))])
        train = deal_labels(train, chosen, brief, draw)
        changed[chosen] = True
    return train, changed


def followed_canaries(truth: Array, prediction: Array, splits: Array, brief: TaskBrief) -> tuple[LeakNote, ...]:
    """Whether predictions of canaries follow their exchanged labels; shapes as in `formulas`, canary rows alone."""
    if len(truth) < _FEWEST:
        return ()
    total, variance = 0.0, 0.0
    for split in np.unique(splits):
        here = splits == split
        found = agreement(*_sides(truth[here], prediction[here], brief))
        total += found.excess
        variance += found.variance
    if variance <= 0.0 or total / math.sqrt(variance) < _DEVIATIONS:
        return ()
    words = (
        f"in the sample run its out-of-fold predictions follow labels that had been exchanged at random "
        f"({total / math.sqrt(variance):.0f} standard deviations above chance): the models have seen the rows that "
        f"they are validated on; fit everything that learns from the target on a split's `train` rows alone"
    )
    return (LeakNote(code="saw-validation", severity="severe", message=words),)


def _sides(truth: Array, prediction: Array, brief: TaskBrief) -> tuple[Array, Array]:
    """Predictions and labels as matrices whose products say how well one suits the other: values by their ranks."""
    sides = as_columns(prediction, brief), as_columns(truth, brief)
    if brief.task_type == "regression" or truth.ndim == 2:
        return _ranked(sides[0]), _ranked(sides[1])
    return sides


def _ranked(values: Array) -> Array:
    """Each column's ranks, from −1 to 1, equal values sharing theirs."""
    ranks = DataFrame(values).rank().to_numpy()
    return 2.0 * (ranks - 0.5) / max(1, len(values)) - 1.0
