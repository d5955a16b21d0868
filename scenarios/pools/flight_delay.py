"""The pool of flight-delay; `python -m scenarios.pools flight-delay` scores it anew. Frozen.

Delays are mostly chance, so trees are kept small: their leaves hold ten flights and more.
"""

from typing import Any

import pandas as pd
from pandas import DataFrame
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from scenarios.pools.classes import Classes, common_classes
from scenarios.pools.coding import normal
from scenarios.pools.decisions import last_class
from scenarios.pools.pool import Solution

__all__ = ["POOL"]

_TASK = Classes("late", last_class, last_class)


def _featured(rows: DataFrame) -> DataFrame:
    """The day's weather as a whole, what queues before a flight, how long the plane has flown that day."""
    made = rows.drop(columns=["date", "tailnum", "flight", "plane_model"])
    made["weekday"] = pd.to_datetime(rows["date"]).dt.dayofweek
    day = rows.groupby(["date", "origin"])
    for name in ("precip", "visib", "wind_speed", "pressure", "humid"):
        made[f"{name}_of_day"] = day[name].transform("mean")
    made["queue"] = rows.groupby(["date", "origin", "hour"])["flight"].transform("size")
    made["leg"] = rows.groupby(["date", "tailnum"])["sched_dep_time"].rank()
    made["age"] = 2013 - rows["plane_built"]
    made["airline_at"] = rows["carrier"] + rows["origin"]
    return made


def _slow(seed: int) -> Any:
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=200,
        max_leaf_nodes=15,
        min_samples_leaf=50,
        max_features=0.3,
        l2_regularization=10.0,
        random_state=seed,
    )


def _extra_trees() -> Any:
    return ExtraTreesClassifier(150, min_samples_leaf=10, max_features=0.5, random_state=0)


_BOOSTED = [_TASK.chances(_slow(seed), _featured) for seed in range(5)]
_EXTRA = _TASK.chances(_extra_trees(), _featured)
_LINES = _TASK.chances(LogisticRegression(C=0.1, max_iter=200), _featured, normal)

POOL: dict[str, Solution] = common_classes(_TASK) | {
    "tuned-forest": _TASK.fitted(
        RandomForestClassifier(100, min_samples_leaf=20, max_features=0.3, max_samples=0.3, random_state=0)
    ),
    "tuned-extra-trees": _TASK.fitted(_extra_trees()),
    "features-boosting": _TASK.decided(_BOOSTED[0]),
    "features-extra-trees": _TASK.decided(_EXTRA),
    "features-logistic": _TASK.decided(_LINES),
    "bagged-boosting": _TASK.blend(*_BOOSTED),
    "blend-of-trees": _TASK.blend(*_BOOSTED, _EXTRA, _EXTRA),
    "blend-of-all": _TASK.blend(*_BOOSTED, _EXTRA, _LINES),
}
