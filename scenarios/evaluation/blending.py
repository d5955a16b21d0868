"""Average several predictions in the way that suits the metric, and convert predictions to and from tables."""

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas import Series

from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.portable.averaging import Scale, ScaleName, predictions_frame, scale_named, weighted_mean
from gome.scenarios.task.encoding import encode_predictions, prediction_columns

__all__ = ["blend", "predictions_table", "read_predictions", "scale_name", "scale_of"]

_BY_RANK = frozenset({"auc", "columnwise-auc", "spearman"})
_IN_ORDER = frozenset({"qwk"})


def scale_name(brief: TaskBrief, metric: Metric) -> ScaleName:
    """How predictions for a metric are averaged.

    Labels: votes; for `qwk` class numbers, whose mean is rounded. Rank metrics: relative ranks, so that predictions on
    different scales have equal weight. Metrics with `log_scale`: log(1 + x). Otherwise the predictions themselves.
    """
    if brief.prediction == "label":
        return "grades" if metric.name in _IN_ORDER else "votes"
    if metric.name in _BY_RANK and brief.task_type != "multiclass":
        return "ranks"
    return "log" if metric.log_scale else "plain"


def scale_of(brief: TaskBrief, metric: Metric) -> Scale:
    """The scale on which predictions are averaged (`scale_name`)."""
    return scale_named(scale_name(brief, metric), len(brief.classes))


def blend(
    predictions: Sequence[Array], brief: TaskBrief, metric: Metric, weights: Sequence[float] | None = None
) -> Array:
    """Blend predictions of the same shape into one by a mean on their scale (`scale_of`); equal weights by default."""
    return weighted_mean(predictions, scale_of(brief, metric), weights)


def predictions_table(ids: Series, predictions: Array, brief: TaskBrief) -> str:
    """A submission as CSV text. The same predictions always give the same text."""
    labels = brief.classes if brief.prediction == "label" else ()
    table = predictions_frame(ids, predictions, brief.id_column, brief.submission_columns, labels)
    return str(table.to_csv(index=False, lineterminator="\n"))


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
