"""The pool of flavia-leaves; `python -m benchmarks.pools flavia-leaves` scores it again. Frozen.

All columns are numeric, so one-hot columns change nothing; a linear discriminant replaces default-logistic.
"""

import numpy as np
from pandas import DataFrame
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from benchmarks.pools.classes import Classes, boosted, common_classes, extra_trees
from benchmarks.pools.coding import indicators
from benchmarks.pools.decisions import probabilities
from benchmarks.pools.pool import Solution

__all__ = ["POOL"]

_TASK = Classes("species", probabilities, probabilities)


def _featured(rows: DataFrame) -> DataFrame:
    """Logarithms of sizes, and ratios of colours and lengths."""
    made = rows.copy()
    for name in ("area", "perimeter", "diameter", "physiological_length", "physiological_width", "compactness"):
        made[f"log_{name}"] = np.log(made[name].clip(lower=1e-9))
    made["green_of_red"] = made["mean_green_val"] / made["mean_red_val"].clip(lower=1)
    made["blue_of_green"] = made["mean_blue_val"] / made["mean_green_val"].clip(lower=1)
    made["length_of_width"] = made["physiological_length"] / made["physiological_width"].clip(lower=1)
    return made


_BOOSTED = [_TASK.chances(boosted(seed), _featured) for seed in range(3)]
_EXTRA = _TASK.chances(extra_trees(), _featured)
_LINES = _TASK.chances(LogisticRegression(C=10.0, max_iter=500), _featured, indicators)
_DISCRIMINANT = _TASK.chances(LinearDiscriminantAnalysis(), _featured, indicators)

_COMMON = common_classes(_TASK)
del _COMMON["default-logistic"]

POOL: dict[str, Solution] = _COMMON | {
    "default-discriminant": _TASK.fitted(LinearDiscriminantAnalysis(), codes=indicators),
    "features-boosting": _TASK.decided(_BOOSTED[0]),
    "features-extra-trees": _TASK.decided(_EXTRA),
    "features-logistic": _TASK.decided(_LINES),
    "bagged-boosting": _TASK.blend(*_BOOSTED),
    "blend-of-boosting-and-lines": _TASK.blend(*_BOOSTED, _LINES, _LINES, _LINES),
    "blend-of-all": _TASK.blend(*_BOOSTED, _LINES, _LINES, _DISCRIMINANT, _EXTRA),
}
