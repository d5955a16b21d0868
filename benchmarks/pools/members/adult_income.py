"""The pool of adult-income; `python -m benchmarks.pools adult-income` scores it again. Frozen.

The blends combine two kinds of boosting, on encoded features and on one-hot columns, whose errors differ on the
training folds.
"""

from typing import Any

import numpy as np
from pandas import DataFrame
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks.pools.classes import Classes, common_classes, extra_trees
from benchmarks.pools.coding import indicators, normal
from benchmarks.pools.decisions import last_class
from benchmarks.pools.pool import Solution

__all__ = ["POOL"]

_TASK = Classes("income", last_class, last_class)


def _featured(rows: DataFrame) -> DataFrame:
    """Net capital gain, marital status, and products of columns."""
    made = _without_weight(rows)
    made["capital"] = made["capital_gain"] - made["capital_loss"]
    made["log_gain"] = np.log1p(made["capital_gain"])
    made["married"] = made["marital_status"].str.startswith("Married").astype(int)
    made["hours_of_schooling"] = made["hours_per_week"] * made["education_num"]
    made["home_and_work"] = made["relationship"] + made["occupation"]
    return made


def _without_weight(rows: DataFrame) -> DataFrame:
    """Without the census weight, and without the education that also exists as a number."""
    return rows.drop(columns=["fnlwgt", "education"])


def _slow(seed: int) -> Any:
    return HistGradientBoostingClassifier(
        learning_rate=0.04, max_iter=500, max_leaf_nodes=15, max_features=0.4, l2_regularization=3.0, random_state=seed
    )


def _sampled(seed: int) -> Any:
    return GradientBoostingClassifier(
        learning_rate=0.08,
        n_estimators=350,
        max_depth=5,
        subsample=0.6,
        max_features=0.3,
        min_samples_leaf=20,
        random_state=seed,
    )


_SLOW = [_TASK.chances(_slow(seed), _featured) for seed in range(3)]
_SAMPLED = [_TASK.chances(_sampled(seed), _without_weight, indicators) for seed in range(3)]

POOL: dict[str, Solution] = common_classes(_TASK) | {
    "features-boosting": _TASK.decided(_SLOW[0]),
    "features-extra-trees": _TASK.fitted(extra_trees(), _featured),
    "features-logistic": _TASK.fitted(LogisticRegression(max_iter=400), _featured, normal),
    "bagged-boosting": _TASK.blend(*_SLOW),
    "blend-of-four": _TASK.blend(*_SLOW[:2], *_SAMPLED[:2]),
    "blend-of-six": _TASK.blend(*_SLOW, *_SAMPLED),
}
