"""The metrics by name: direction, type of prediction, and loss per row."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gome import plugins
from gome.errors import TaskError
from gome.scenarios.evidence import Direction
from gome.scenarios.metrics import formulas
from gome.scenarios.metrics.formulas import Array, Formula
from gome.scenarios.reading.problems import closest

__all__ = ["METRICS", "Metric", "TaskType", "metric_named"]

TaskType = Literal["regression", "binary", "multiclass"]
Prediction = Literal["value", "label", "probability"]
RowLoss = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Metric:
    """One metric. See `formulas` for the shapes of truth and prediction.

    `row_loss` is the loss of each row: the metric's own if it is a mean over rows, else (`own_loss` False) the usual
    loss for this type of prediction. `log_scale`: errors are differences of log(1 + x). `centre` is the best constant
    prediction. `minimum` is the lowest valid prediction. `ordinal`: the classes are grades in ascending order, and an
    error counts by its distance.
    """

    name: str
    title: str
    direction: Direction
    prediction: Prediction
    task_types: tuple[TaskType, ...]
    formula: Formula
    row_loss: RowLoss
    own_loss: bool = True
    log_scale: bool = False
    centre: Literal["mean", "median"] = "mean"
    minimum: float | None = None
    ordinal: bool = False

    def score(self, truth: Array, prediction: Array) -> float:
        """The metric's value; NaN if the rows do not define one."""
        return self.formula(truth, prediction)


_VALUE: tuple[TaskType, ...] = ("regression",)
_BINARY: tuple[TaskType, ...] = ("binary",)
_MULTICLASS: tuple[TaskType, ...] = ("multiclass",)
_CLASSES: tuple[TaskType, ...] = ("binary", "multiclass")
_SQUARED, _WRONG, _LOG = formulas.squared_loss, formulas.wrong_loss, formulas.log_rows

_LIST = (
    Metric("rmse", "root mean squared error", "minimize", "value", _VALUE, formulas.rmse, _SQUARED),
    Metric("mcrmse", "mean column-wise RMSE", "minimize", "value", _VALUE, formulas.rmse, _SQUARED),
    Metric(
        "rmsle",
        "root mean squared logarithmic error",
        "minimize",
        "value",
        _VALUE,
        formulas.rmsle,
        formulas.squared_log_loss,
        log_scale=True,
        minimum=0.0,
    ),
    Metric(
        "mae",
        "mean absolute error",
        "minimize",
        "value",
        _VALUE,
        formulas.mae,
        formulas.absolute_loss,
        centre="median",
    ),
    Metric(
        "smape",
        "symmetric mean absolute percentage error",
        "minimize",
        "value",
        _VALUE,
        formulas.smape,
        formulas.absolute_loss,
        own_loss=False,
        centre="median",
    ),
    Metric("r2", "coefficient of determination", "maximize", "value", _VALUE, formulas.r2, _SQUARED),
    Metric("spearman", "rank correlation", "maximize", "value", _VALUE, formulas.spearman, _SQUARED, own_loss=False),
    Metric("auc", "area under the ROC curve", "maximize", "probability", _CLASSES, formulas.auc, _LOG, own_loss=False),
    Metric(
        "columnwise-auc",
        "mean column-wise area under the ROC curve",
        "maximize",
        "probability",
        _BINARY,
        formulas.auc,
        _LOG,
        own_loss=False,
    ),
    Metric("log-loss", "logarithmic loss", "minimize", "probability", _CLASSES, formulas.log_loss, _LOG),
    Metric("accuracy", "accuracy", "maximize", "label", _CLASSES, formulas.accuracy, _WRONG),
    Metric(
        "balanced-accuracy",
        "balanced accuracy",
        "maximize",
        "label",
        _CLASSES,
        formulas.balanced_accuracy,
        _WRONG,
        own_loss=False,
    ),
    Metric("f1", "F1 of the last class", "maximize", "label", _BINARY, formulas.f1, _WRONG, own_loss=False),
    Metric("macro-f1", "macro-averaged F1", "maximize", "label", _CLASSES, formulas.macro_f1, _WRONG, own_loss=False),
    Metric("micro-f1", "micro-averaged F1", "maximize", "label", _CLASSES, formulas.accuracy, _WRONG),
    Metric(
        "qwk",
        "quadratic weighted kappa",
        "maximize",
        "label",
        _CLASSES,
        formulas.qwk,
        _SQUARED,
        own_loss=False,
        ordinal=True,
    ),
)

METRICS = {metric.name: metric for metric in _LIST}
"""All metrics except `map@K`, which exists for every K."""

_ALIASES = {
    "logloss": "log-loss",
    "roc-auc": "auc",
    "quadratic-weighted-kappa": "qwk",
    "f1-macro": "macro-f1",
    "f1-micro": "micro-f1",
}
_MAP = re.compile(r"map@([1-9]\d?)")


def metric_named(name: str) -> Metric:
    """Look up a metric; case is ignored, and `_` equals `-`. Raises TaskError for an unknown name."""
    plain = name.strip().lower().replace("_", "-")
    plain = _ALIASES.get(plain, plain)
    if plain in METRICS:
        return METRICS[plain]
    if match := _MAP.fullmatch(plain):
        k = int(match[1])
        title = f"mean average precision of the {k} most probable classes"
        formula = formulas.map_at(k)
        return Metric(plain, title, "maximize", "probability", _MULTICLASS, formula, _LOG, own_loss=False)
    if name in plugins.names("gome.metrics"):
        metric: Metric = plugins.load("gome.metrics", name)
        return metric
    known = [*METRICS, "map@K", *plugins.names("gome.metrics")]
    hint = closest(plain, [*METRICS, *_ALIASES, "map@5", *plugins.names("gome.metrics")])
    remedy = f"did you mean {_ALIASES.get(hint, hint)}?" if hint else f"known metrics: {', '.join(known)}"
    raise TaskError(f"unknown metric {name!r}: {remedy}")
