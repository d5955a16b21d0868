"""The formulas of the metrics.

Shapes of `truth` and `prediction`:
 - values, and probabilities of binary targets: both (rows, columns), float;
 - labels: both (rows,), class numbers;
 - probabilities of several classes: truth (rows,), class numbers; prediction (rows, classes), float.

An undefined score (only one class, no variance) is NaN.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Array",
    "Formula",
    "absolute_loss",
    "accuracy",
    "auc",
    "balanced_accuracy",
    "f1",
    "log_loss",
    "log_rows",
    "macro_f1",
    "mae",
    "map_at",
    "qwk",
    "r2",
    "rmse",
    "rmsle",
    "smape",
    "spearman",
    "squared_log_loss",
    "squared_loss",
    "wrong_loss",
]

Array = NDArray[Any]
Formula = Callable[[Array, Array], float]

_TINY = float(np.finfo(float).eps)  # scikit-learn, and so MLE-bench, clips probabilities here


def squared_loss(truth: Array, prediction: Array) -> Array:
    """Squared error of each row, summed over columns."""
    return _sum(np.square(prediction - truth))


def squared_log_loss(truth: Array, prediction: Array) -> Array:
    """Squared error of log(1 + x) of each row."""
    return squared_loss(np.log1p(truth), np.log1p(prediction))


def absolute_loss(truth: Array, prediction: Array) -> Array:
    """Absolute error of each row, summed over columns."""
    return _sum(np.abs(prediction - truth))


def wrong_loss(truth: Array, prediction: Array) -> Array:
    """For each row 1 if the label is wrong, else 0."""
    return np.not_equal(truth, prediction).astype(float)


def log_rows(truth: Array, prediction: Array) -> Array:
    """Negative log of the probability of each row's true class; class probabilities are normalised to sum 1."""
    if prediction.ndim == 2 and truth.ndim == 1:
        total = np.maximum(prediction.sum(axis=1), _TINY)
        given = prediction[np.arange(len(truth)), truth.astype(int)] / total
    else:
        given = np.where(truth > 0.5, prediction, 1.0 - prediction)
    return _sum(-np.log(np.clip(given, _TINY, 1.0)))


def rmse(truth: Array, prediction: Array) -> float:
    """Root mean squared error, averaged over columns (with several columns also called MCRMSE)."""
    return float(np.sqrt(np.square(prediction - truth).mean(axis=0)).mean())


def rmsle(truth: Array, prediction: Array) -> float:
    """RMSE of log(1 + x)."""
    return rmse(np.log1p(truth), np.log1p(prediction))


def mae(truth: Array, prediction: Array) -> float:
    """Mean absolute error."""
    return float(np.abs(prediction - truth).mean())


def r2(truth: Array, prediction: Array) -> float:
    """Coefficient of determination, averaged over columns."""
    variance = np.square(truth - truth.mean(axis=0)).sum(axis=0)
    if not np.all(variance > 0):
        return float("nan")
    return float((1.0 - np.square(prediction - truth).sum(axis=0) / variance).mean())


def smape(truth: Array, prediction: Array) -> float:
    """Symmetric mean absolute percentage error, from 0 to 200; 0 for a row where both values are zero."""
    size = np.abs(truth) + np.abs(prediction)
    return float((200.0 * np.abs(prediction - truth) / np.where(size > 0, size, 1.0)).mean())


def spearman(truth: Array, prediction: Array) -> float:
    """Rank correlation, averaged over columns; 0 for a column with constant predictions."""
    return _over_columns(_spearman, truth, prediction)


def auc(truth: Array, prediction: Array) -> float:
    """Area under the ROC curve, averaged over binary columns, or over classes one against the rest."""
    if prediction.ndim == 2 and truth.ndim == 1:
        truth = truth[:, None] == np.arange(prediction.shape[1])
    return _over_columns(_auc, truth, prediction)


def log_loss(truth: Array, prediction: Array) -> float:
    """Mean of `log_rows`, averaged over binary columns."""
    columns = truth.shape[1] if truth.ndim == 2 else 1
    return float(log_rows(truth, prediction).mean() / columns)


def accuracy(truth: Array, prediction: Array) -> float:
    """Share of correct labels; equals micro F1 since each row has one label."""
    return float((truth == prediction).mean())


def balanced_accuracy(truth: Array, prediction: Array) -> float:
    """Mean recall over the classes in `truth`."""
    return float(np.mean([(prediction[truth == one] == one).mean() for one in np.unique(truth)]))


def f1(truth: Array, prediction: Array) -> float:
    """F1 of class 1, the last of two classes."""
    return _f1_of(1, truth, prediction)


def macro_f1(truth: Array, prediction: Array) -> float:
    """Mean F1 over the classes in `truth` or `prediction`."""
    return float(np.mean([_f1_of(one, truth, prediction) for one in np.union1d(truth, prediction)]))


def qwk(truth: Array, prediction: Array) -> float:
    """Cohen's kappa with quadratic weights; class numbers are the ranks."""
    truth, prediction = truth.astype(int), prediction.astype(int)
    classes = int(max(truth.max(), prediction.max())) + 1
    observed = np.zeros((classes, classes))
    np.add.at(observed, (truth, prediction), 1.0)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / len(truth)
    weights = np.square(np.subtract.outer(np.arange(classes), np.arange(classes)))
    rng = float((weights * expected).sum())
    return 1.0 - float((weights * observed).sum()) / rng if rng > 0 else float("nan")


def map_at(k: int) -> Formula:
    """Mean average precision of the k most probable classes; with one true class per row, the mean of 1/rank."""

    def score(truth: Array, prediction: Array) -> float:
        best = np.argsort(-prediction, axis=1, kind="stable")[:, :k]
        hits = best == truth[:, None]
        return float((hits / np.arange(1, best.shape[1] + 1)).sum(axis=1).mean())

    return score


def _sum(losses: Array) -> Array:
    return losses.sum(axis=1) if losses.ndim == 2 else losses


def _over_columns(formula: Formula, truth: Array, prediction: Array) -> float:
    if prediction.ndim == 1:
        return formula(truth, prediction)
    return float(np.mean([formula(truth[:, column], prediction[:, column]) for column in range(prediction.shape[1])]))


def _ranks(values: Array) -> Array:
    """Ranks from 1; ties get their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[inverse]


def _auc(truth: Array, prediction: Array) -> float:
    positive = truth.astype(bool)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return float("nan")
    return float((_ranks(prediction)[positive].sum() - ones * (ones + 1) / 2.0) / (ones * zeros))


def _spearman(truth: Array, prediction: Array) -> float:
    left, right = _ranks(truth), _ranks(prediction)
    if left.std() == 0:
        return float("nan")
    if right.std() == 0:
        return 0.0
    return float(np.corrcoef(left, right)[0, 1])


def _f1_of(one: Any, truth: Array, prediction: Array) -> float:
    right = float(((truth == one) & (prediction == one)).sum())
    total = float((truth == one).sum() + (prediction == one).sum())
    return 2.0 * right / total if total else 0.0
