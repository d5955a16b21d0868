"""Average several predictions in the way that suits the metric, and convert predictions to and from tables."""

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.task.encoding import encode_predictions, prediction_columns

__all__ = ["Scale", "blend", "predictions_table", "read_predictions", "scale_of"]

_BY_RANK = frozenset({"auc", "columnwise-auc", "spearman"})
_IN_ORDER = frozenset({"qwk"})
_FIRST = 1e-9
"""How much less a vote weighs than the one before it, relative to it: among tied classes, the first vote decides."""


class Scale(NamedTuple):
    """Where predictions are averaged: `into` converts them, and `out` converts their mean back."""

    into: Callable[[Array], Array]
    out: Callable[[Array], Array]


def scale_of(brief: TaskBrief, metric: Metric) -> Scale:
    """How predictions for a metric are averaged.

    Labels: votes; for `qwk` class numbers, whose mean is rounded. Rank metrics: relative ranks, so that predictions on
    different scales have equal weight. Metrics with `log_scale`: log(1 + x). Otherwise the predictions themselves.
    """
    if brief.prediction == "label":
        if metric.name in _IN_ORDER:
            return Scale(_unchanged, _nearest_class)
        return Scale(partial(_votes, len(brief.classes)), _most_votes)
    if metric.name in _BY_RANK and brief.task_type != "multiclass":
        return Scale(_ranks, _unchanged)
    return Scale(np.log1p, np.expm1) if metric.log_scale else Scale(_unchanged, _unchanged)


def blend(
    predictions: Sequence[Array], brief: TaskBrief, metric: Metric, weights: Sequence[float] | None = None
) -> Array:
    """Blend predictions of the same shape into one by a mean on their scale (`scale_of`); equal weights by default."""
    scale = scale_of(brief, metric)
    shares = np.ones(len(predictions)) if weights is None else np.asarray(weights, dtype=float)
    if scale.out is _most_votes:
        shares = shares * (1 - _FIRST * np.arange(len(shares)))
    mean = np.average(np.stack([scale.into(each) for each in predictions]), axis=0, weights=shares)
    return np.asarray(scale.out(mean))


def _unchanged(values: Array) -> Array:
    return values


def _ranks(values: Array) -> Array:
    return DataFrame(values).rank(pct=True).to_numpy()


def _nearest_class(mean: Array) -> Array:
    return np.asarray(np.floor(mean + 0.5), dtype=int)


def _votes(classes: int, labels: Array) -> Array:
    return np.asarray(labels[..., None] == np.arange(classes), dtype=float)


def _most_votes(votes: Array) -> Array:
    return np.asarray(votes.argmax(axis=-1))


def predictions_table(ids: Series, predictions: Array, brief: TaskBrief) -> str:
    """A submission as CSV text. The same predictions always give the same text."""
    table = DataFrame({brief.id_column: ids.to_numpy()})
    if brief.prediction == "label":
        table[prediction_columns(brief)[0]] = [brief.classes[number] for number in predictions]
    else:
        for place, name in enumerate(prediction_columns(brief)):
            table[name] = [repr(float(value)) for value in predictions[:, place]]
    return str(table[list(brief.submission_columns)].to_csv(index=False, lineterminator="\n"))


def read_predictions(text: str, ids: Series, brief: TaskBrief) -> tuple[Array, Array] | None:
    """Read a table of `predictions_table`. Returns the predictions for `ids`, and a mask of the ids found in it.

    Ids not found get zeros. None if the text is not such a table.
    """
    try:
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    except (ValueError, pd.errors.ParserError):
        return None
    if not {brief.id_column, *prediction_columns(brief)} <= set(table.columns):
        return None
    table = table.drop_duplicates(brief.id_column)
    places = pd.Index(table[brief.id_column]).get_indexer(ids.to_numpy())
    found = encode_predictions(table, brief)
    values = np.zeros((len(ids), *found.shape[1:]), found.dtype)
    values[places >= 0] = found[places[places >= 0]]
    return values, places >= 0
