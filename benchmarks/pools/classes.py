"""Reference solutions for classification that suit any table.

Classes are numbered in sorted order. Settings were chosen before any test was used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas import DataFrame
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from benchmarks.pools.coding import Codes, Features, as_is, coded, filled, indicators, normal, numbers, parts
from benchmarks.pools.pool import Solution, remembered
from gome.scenarios.metrics.formulas import Array

__all__ = ["Classes", "Decide", "boosted", "common_classes", "dummies", "extra_trees", "featured_classes"]

Decide = Callable[[Array, Array], Array]
"""Converts class probabilities (rows, classes) and the training rows' class numbers to predictions (`decisions`)."""


@dataclass(frozen=True)
class Classes:
    """The classes of one column, and how probabilities are converted to predictions.

    `decide` is used by most solutions, `aware`, which is aware of the metric, by those with features or several models.
    With `shuffled`, models are fitted on rows in a fixed random order.
    """

    target: str
    decide: Decide
    aware: Decide
    shuffled: bool = False

    def numbered(self, train: DataFrame) -> Array:
        """The training rows' class numbers."""
        return np.unique(train[self.target].astype(str), return_inverse=True)[1]

    def chances(self, model: Any, features: Features = as_is, codes: Codes = coded) -> Solution:
        """A model's probabilities of all classes, cached."""

        def solve(train: DataFrame, test: DataFrame) -> Array:
            x, x_test = parts(train, test, self.target, features, codes)
            classes = self.numbered(train)
            order = np.random.default_rng(0).permutation(len(x)) if self.shuffled else slice(None)
            model.fit(x[order], classes[order])
            found = np.zeros((len(test), classes.max() + 1))
            found[:, model.classes_] = model.predict_proba(x_test)
            return found

        return remembered(solve)

    def fitted(self, model: Any, features: Features = as_is, codes: Codes = coded) -> Solution:
        """A model's predictions."""
        how = self.decide if features is as_is else self.aware
        return self.decided(self.chances(model, features, codes), how)

    def decided(self, chances: Solution, how: Decide | None = None) -> Solution:
        """Predictions from probabilities by `how`, by default `aware`."""
        decide = how or self.aware
        return lambda train, test: decide(chances(train, test), self.numbered(train))

    def blend(self, *chances: Solution) -> Solution:
        """Predictions from the mean of several probabilities."""
        return self.decided(lambda train, test: np.asarray(np.mean([one(train, test) for one in chances], axis=0)))


def dummies(task: Classes) -> dict[str, Solution]:
    """Two dummies: the class shares of the training rows, and equal probabilities."""

    def shares(train: DataFrame, test: DataFrame) -> Array:
        return np.tile(np.bincount(task.numbered(train)) / len(train), (len(test), 1))

    def even(train: DataFrame, test: DataFrame) -> Array:
        classes = task.numbered(train).max() + 1
        return np.full((len(test), classes), 1 / classes)

    return {"dummy-shares": task.decided(shares, task.decide), "dummy-even": task.decided(even, task.decide)}


def common_classes(task: Classes) -> dict[str, Solution]:
    """Fourteen solutions: two dummies, three simple models, five with default settings, four tuned."""
    return dummies(task) | {
        "logistic-on-numbers": task.fitted(
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)), codes=numbers
        ),
        "naive-bayes": task.fitted(GaussianNB(), codes=filled),
        "nearest-neighbours": task.fitted(make_pipeline(StandardScaler(), KNeighborsClassifier(15)), codes=filled),
        "default-tree": task.fitted(DecisionTreeClassifier(random_state=0)),
        "default-forest": task.fitted(RandomForestClassifier(random_state=0)),
        "default-extra-trees": task.fitted(ExtraTreesClassifier(random_state=0)),
        "default-logistic": task.fitted(LogisticRegression(max_iter=300), codes=indicators),
        "default-boosting": task.fitted(HistGradientBoostingClassifier(random_state=0)),
        "tuned-boosting": task.fitted(boosted(0)),
        "tuned-extra-trees": task.fitted(extra_trees()),
        "tuned-forest": task.fitted(RandomForestClassifier(300, min_samples_leaf=3, max_features=0.3, random_state=0)),
        "tuned-logistic": task.fitted(LogisticRegression(C=0.1, max_iter=400), codes=normal),
    }


def featured_classes(task: Classes, made: Features) -> dict[str, Solution]:
    """Six solutions with the task's own features: three models, three ensembles."""
    first, second, third = (task.chances(boosted(seed), made) for seed in range(3))
    extra = task.chances(extra_trees(), made)
    lines = task.chances(LogisticRegression(C=1.0, max_iter=400), made, normal)
    return {
        "features-boosting": task.decided(first),
        "features-extra-trees": task.decided(extra),
        "features-logistic": task.decided(lines),
        "bagged-boosting": task.blend(first, second, third),
        "blend-of-trees": task.blend(first, extra),
        "blend-of-all": task.blend(first, extra, lines),
    }


def boosted(seed: int) -> Any:
    """Tuned boosting: small trees, a share of the columns per split, early stopping."""
    return HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=250,
        max_leaf_nodes=15,
        max_features=0.4,
        l2_regularization=3.0,
        early_stopping=True,
        random_state=seed,
    )


def extra_trees() -> Any:
    """Tuned extra trees."""
    return ExtraTreesClassifier(400, min_samples_leaf=2, max_features=0.3, random_state=0)
