"""The formulas of the metrics, on arrays.

`truth` and `prediction` are floats of shape (rows, columns) for values and for probabilities of yes-or-no targets;
class numbers of shape (rows,) for labels; for probabilities of several classes, truth is class numbers of shape
(rows,) and prediction is of shape (rows, classes). A score that the rows do not define (one class only, no variance)
is NaN.
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

_TINY = float(np.finfo(float).eps)  # what scikit-learn cuts probabilities at, and so MLE-bench


def squared_loss(truth: Array, prediction: Array) -> Array:
    """Squared error of each row, summed over columns."""
    return _sum(np.square(prediction - truth))


def squared_log_loss(truth: Array, prediction: Array) -> Array:
    """Squared error of each row on the scale of log(1 + x)."""
    return squared_loss(np.log1p(truth), np.log1p(prediction))


def absolute_loss(truth: Array, prediction: Array) -> Array:
    """Absolute error of each row, summed over columns."""
    return _sum(np.abs(prediction - truth))


def wrong_loss(truth: Array, prediction: Array) -> Array:
    """1 where the label is wrong, else 0."""
    return np.not_equal(truth, prediction).astype(float)


def log_rows(truth: Array, prediction: Array) -> Array:
    """Minus the log of the probability that a row gave to what was true; class probabilities are made to sum to 1."""
    if prediction.ndim == 2 and truth.ndim == 1:
        total = np.maximum(prediction.sum(axis=1), _TINY)
        given = prediction[np.arange(len(truth)), truth.astype(int)] / total
    else:
        given = np.where(truth > 0.5, prediction, 1.0 - prediction)
    return _sum(-np.log(np.clip(given, _TINY, 1.0)))


def rmse(truth: Array, prediction: Array) -> float:
    """Root of the mean squared error; the mean over columns (then also called MCRMSE)."""
    return float(np.sqrt(np.square(prediction - truth).mean(axis=0)).mean())


def rmsle(truth: Array, prediction: Array) -> float:
    """RMSE of log(1 + x)."""
    return rmse(np.log1p(truth), np.log1p(prediction))


def mae(truth: Array, prediction: Array) -> float:
    """Mean absolute error."""
    return float(np.abs(prediction - truth).mean())


def r2(truth: Array, prediction: Array) -> float:
    """Share of the variance explained, the mean over columns."""
    variance = np.square(truth - truth.mean(axis=0)).sum(axis=0)
    if not np.all(variance > 0):
        return float("nan")
    return float((1.0 - np.square(prediction - truth).sum(axis=0) / variance).mean())


def smape(truth: Array, prediction: Array) -> float:
    """Symmetric mean absolute percentage error, from 0 to 200; a row with both zero has none."""
    size = np.abs(truth) + np.abs(prediction)
    return float((200.0 * np.abs(prediction - truth) / np.where(size > 0, size, 1.0)).mean())


def spearman(truth: Array, prediction: Array) -> float:
    """Correlation of ranks, the mean over columns; 0 for a column of predictions that is constant."""
    return _over_columns(_spearman, truth, prediction)


def auc(truth: Array, prediction: Array) -> float:
    """Area under the ROC curve: of yes-or-no columns the mean, of several classes the mean of each against the rest."""
    if prediction.ndim == 2 and truth.ndim == 1:
        truth = truth[:, None] == np.arange(prediction.shape[1])
    return _over_columns(_auc, truth, prediction)


def log_loss(truth: Array, prediction: Array) -> float:
    """Mean of `log_rows`; the mean over yes-or-no columns."""
    columns = truth.shape[1] if truth.ndim == 2 else 1
    return float(log_rows(truth, prediction).mean() / columns)


def accuracy(truth: Array, prediction: Array) -> float:
    """Share of right labels (micro F1, where each row has one label)."""
    return float((truth == prediction).mean())


def balanced_accuracy(truth: Array, prediction: Array) -> float:
    """Mean recall over the classes that occur."""
    return float(np.mean([(prediction[truth == one] == one).mean() for one in np.unique(truth)]))


def f1(truth: Array, prediction: Array) -> float:
    """F1 of the last of two classes (class 1)."""
    return _f1_of(1, truth, prediction)


def macro_f1(truth: Array, prediction: Array) -> float:
    """Mean F1 over the classes that occur in truth or prediction."""
    return float(np.mean([_f1_of(one, truth, prediction) for one in np.union1d(truth, prediction)]))


def qwk(truth: Array, prediction: Array) -> float:
    """Cohen's kappa with quadratic weights; the order of the classes is their rank."""
    truth, prediction = truth.astype(int), prediction.astype(int)
    classes = int(max(truth.max(), prediction.max())) + 1
    observed = np.zeros((classes, classes))
    np.add.at(observed, (truth, prediction), 1.0)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / len(truth)
    weights = np.square(np.subtract.outer(np.arange(classes), np.arange(classes)))
    rng = float((weights * expected).sum())
    return 1.0 - float((weights * observed).sum()) / rng if rng > 0 else float("nan")


def map_at(k: int) -> Formula:
    """Mean average precision of the k most probable classes, where one class is right: the mean of 1/rank."""

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
    """Ranks from 1, the mean rank for ties."""
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
