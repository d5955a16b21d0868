"""Reference solutions for regression that suit any table.

Settings were chosen before any test was used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas import DataFrame
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from benchmarks.pools.coding import Codes, Features, as_is, coded, filled, indicators, numbers, parts
from benchmarks.pools.pool import Solution, remembered
from gome.scenarios.metrics.formulas import Array

__all__ = ["Values", "common_values", "featured_values"]


@dataclass(frozen=True)
class Values:
    """The numeric target. Models are fitted to `forward(target)`; `back` is the inverse."""

    target: str
    forward: Callable[[Any], Any] = np.asarray
    back: Callable[[Any], Any] = np.asarray

    def fitted(self, model: Any, features: Features = as_is, codes: Codes = coded) -> Solution:
        """A model's predictions, cached."""

        def solve(train: DataFrame, test: DataFrame) -> Array:
            x, x_test = parts(train, test, self.target, features, codes)
            return np.asarray(self.back(model.fit(x, self.forward(train[self.target])).predict(x_test)))

        return remembered(solve)

    def plain(self, model: Any) -> Solution:
        """Predictions of a model fitted to the untransformed target."""
        return Values(self.target).fitted(model)

    def blend(self, *solutions: Solution) -> Solution:
        """The mean of several solutions, on the scale of `forward`."""

        def solve(train: DataFrame, test: DataFrame) -> Array:
            return np.asarray(self.back(np.mean([self.forward(one(train, test)) for one in solutions], axis=0)))

        return solve


def common_values(task: Values) -> dict[str, Solution]:
    """Fourteen solutions: two dummies, three simple models, five with default settings, four tuned."""
    target = task.target
    return {
        "dummy-mean": lambda train, test: np.full(len(test), train[target].mean()),
        "dummy-median": lambda train, test: np.full(len(test), train[target].median()),
        "ridge-on-numbers": task.fitted(Ridge(), codes=numbers),
        "ridge-one-hot": task.fitted(RidgeCV(np.logspace(-1, 4, 16)), codes=indicators),
        "nearest-neighbours": task.fitted(make_pipeline(StandardScaler(), KNeighborsRegressor(10)), codes=filled),
        "default-tree": task.fitted(DecisionTreeRegressor(random_state=0)),
        "default-forest": task.fitted(RandomForestRegressor(random_state=0)),
        "default-extra-trees": task.fitted(ExtraTreesRegressor(random_state=0)),
        "default-boosting": task.fitted(HistGradientBoostingRegressor(random_state=0)),
        "default-boosting-of-values": task.plain(HistGradientBoostingRegressor(random_state=0)),
        "tuned-boosting": task.fitted(_boosted(0)),
        "tuned-extra-trees": task.fitted(_extra_trees()),
        "tuned-gradient-boosting": task.fitted(_gradient(), codes=filled),
        "tuned-support-vectors": task.fitted(SVR(C=1.0, epsilon=0.05), codes=indicators),
    }


def featured_values(task: Values, made: Features) -> dict[str, Solution]:
    """Six solutions with the task's own features: three models, three ensembles."""
    boosted = [task.fitted(_boosted(seed), made) for seed in range(4)]
    extra = task.fitted(_extra_trees(), made)
    ridge = task.fitted(RidgeCV(np.logspace(-1, 4, 16)), made, indicators)
    gradient = task.fitted(_gradient(), made, filled)
    return {
        "features-boosting": boosted[0],
        "features-extra-trees": extra,
        "features-ridge": ridge,
        "bagged-boosting": task.blend(*boosted),
        "blend-of-trees": task.blend(boosted[0], extra, gradient),
        "blend-of-trees-and-lines": task.blend(boosted[0], gradient, extra, ridge),
    }


def _boosted(seed: int) -> Any:
    return HistGradientBoostingRegressor(
        learning_rate=0.04, max_iter=400, max_leaf_nodes=12, max_features=0.4, l2_regularization=3.0, random_state=seed
    )


def _extra_trees() -> Any:
    return ExtraTreesRegressor(400, min_samples_leaf=2, max_features=0.5, random_state=0)


def _gradient() -> Any:
    return GradientBoostingRegressor(
        learning_rate=0.04, n_estimators=500, max_depth=4, subsample=0.6, max_features=0.2, random_state=0
    )
