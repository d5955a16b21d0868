"""Average several predictions in the way that suits the metric, and convert predictions to and from tables."""

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.task.encoding import encode_predictions, prediction_columns

__all__ = ["blend", "predictions_table", "read_predictions"]

_BY_RANK = frozenset({"auc", "columnwise-auc", "spearman"})
_IN_ORDER = frozenset({"qwk"})


def blend(predictions: Sequence[Array], brief: TaskBrief, metric: Metric) -> Array:
    """Blend predictions of the same shape into one, with equal weights.

    Labels: majority vote, a tie goes to the first prediction with one of the tied classes; for `qwk` the rounded mean
    of the class numbers. Rank metrics: mean of relative ranks, so that predictions on different scales have equal
    weight. Otherwise the mean, on the scale of log(1 + x) for metrics with `log_scale`.
    """
    stacked = np.stack(predictions)
    if brief.prediction == "label":
        return _ordered(stacked) if metric.name in _IN_ORDER else _voted(stacked)
    if metric.name in _BY_RANK and brief.task_type != "multiclass":
        stacked = np.stack([DataFrame(each).rank(pct=True).to_numpy() for each in stacked])
    mean: Array = np.log1p(stacked).mean(axis=0) if metric.log_scale else stacked.mean(axis=0)
    return np.asarray(np.expm1(mean)) if metric.log_scale else mean


def _ordered(stacked: Array) -> Array:
    return np.asarray(np.floor(stacked.mean(axis=0) + 0.5), dtype=int)


def _voted(stacked: Array) -> Array:
    votes = np.stack([(stacked == number).sum(axis=0) for number in range(int(stacked.max()) + 1)])
    winning = votes == votes.max(axis=0)
    first = np.stack([np.take_along_axis(winning, each[None], axis=0)[0] for each in stacked]).argmax(axis=0)
    return np.asarray(np.take_along_axis(stacked, first[None], axis=0)[0])


def predictions_table(ids: Series, predictions: Array, brief: TaskBrief) -> str:
    """A submission as CSV text. The same predictions always give the same text."""
    table = DataFrame({brief.id_column: ids.to_numpy()})
    if brief.prediction == "label":
        table[prediction_columns(brief)[0]] = [brief.classes[number] for number in predictions]
    else:
        for place, name in enumerate(prediction_columns(brief)):
            table[name] = [repr(float(value)) for value in predictions[:, place]]
    return str(table[list(brief.submission_columns)].to_csv(index=False, lineterminator="\n"))


def read_predictions(text: str, ids: Series, like: Array, brief: TaskBrief) -> tuple[Array, Array] | None:
    """Read a table of `predictions_table`. Returns the predictions for `ids`, and a mask of the ids found in it.

    Ids not found get zeros; shape and type are those of `like`. None if the text is not such a table.
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
    if found.shape[1:] != like.shape[1:]:
        return None
    values = np.zeros_like(like)
    values[places >= 0] = found[places[places >= 0]]
    return values, places >= 0
