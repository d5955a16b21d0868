"""Code lines with which a script computes its task's metric on its own predictions, for progress and decisions.

In a script, `y` are values or class numbers; `predictions` are values, or have one column per class.
"""

import re

from gome.agents.backends.expert.situation import metric_key
from gome.scenarios.evidence import TaskBrief

__all__ = ["score_lines"]

_VALUES = {
    "rmse": ("return float(np.sqrt(np.mean((y - predictions) ** 2)))",),
    "rmsle": ("return float(np.sqrt(np.mean((np.log1p(y) - np.log1p(predictions.clip(0))) ** 2)))",),
    "mae": ("return float(np.mean(np.abs(y - predictions)))",),
    "smape": (
        "total = np.abs(y) + np.abs(predictions)",
        "return float(200 * np.mean(np.abs(y - predictions) / np.where(total > 0, total, 1)))",
    ),
    "r2": ("return float(r2_score(y, predictions))",),
    "spearman": ("return float(spearmanr(y, predictions).statistic)",),
}
_LABELS = {
    "accuracy": ("return float(np.mean(y == predictions.argmax(axis=1)))",),
    "balancedaccuracy": ("return float(balanced_accuracy_score(y, predictions.argmax(axis=1)))",),
    "f1": ("return float(f1_score(y, predictions.argmax(axis=1), zero_division=0))",),
    "macrof1": ('return float(f1_score(y, predictions.argmax(axis=1), average="macro", zero_division=0))',),
    "qwk": (
        "decided = predictions.argmax(axis=1)",
        'return float(cohen_kappa_score(y, decided, weights="quadratic", labels=range(len(CLASSES))))',
    ),
}
_PROBABILITIES = {
    "auc": ("return float(np.mean([roc_auc_score(y == k, predictions[:, k]) for k in np.unique(y)]))",),
    "logloss": (
        "shares = predictions / predictions.sum(axis=1, keepdims=True)",
        "return float(log_loss(y, shares.clip(1e-15, 1 - 1e-15), labels=range(len(CLASSES))))",
    ),
}
_SAME = {
    "mcrmse": "rmse",
    "microf1": "accuracy",
    "columnwiseauc": "auc",
    "rocauc": "auc",
    "f1macro": "macrof1",
    "f1micro": "accuracy",
    "quadraticweightedkappa": "qwk",
}


def score_lines(task: TaskBrief) -> tuple[str, ...]:
    """The body of `score(y, predictions)`; for a metric without a formula here, that of a related metric."""
    key = metric_key(task.metric)
    key = _SAME.get(key, key)
    if len(task.targets) > 1 and task.prediction == "probability":
        return ("return float(np.mean([roc_auc_score(*pair) for pair in zip(y.T, predictions.T, strict=True)]))",)
    if task.prediction == "value":
        return _VALUES.get(key, _VALUES["rmse"])
    if task.prediction == "label":
        return _LABELS.get(key, _LABELS["accuracy"])
    if found := re.fullmatch(r"map(\d+)", key):
        return (
            f"best = np.argsort(-predictions, axis=1)[:, :{found.group(1)}]",
            "return float(((best == y[:, None]) / np.arange(1, best.shape[1] + 1)).sum(axis=1).mean())",
        )
    return _PROBABILITIES.get(key, _PROBABILITIES["logloss"])
