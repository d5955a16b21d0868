"""The pool of bike-demand; `python -m benchmarks.pools bike-demand` scores it again. Frozen.

Twenty solutions: two dummies, three simple models, five with default settings, four tuned, three with features for this
task, three ensembles. Settings were chosen on the task's folds, never on the test.
"""

from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from benchmarks.pools.pool import Solution
from gome.scenarios.metrics.formulas import Array

__all__ = ["POOL"]

_MONTHS = ("Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec")
_WEATHER = ("clear", "cloudy/misty", "light rain/snow", "heavy rain/snow")
_BLENDED_SEEDS = range(5)


def numbered(rows: DataFrame) -> DataFrame:
    """The columns with months and weather as ordinal numbers."""
    rows = rows.drop(columns=["id", "bikers"], errors="ignore")
    return rows.assign(mnth=rows["mnth"].map(_MONTHS.index), weathersit=rows["weathersit"].map(_WEATHER.index))


def featured(rows: DataFrame) -> DataFrame:
    """Features of demand: hour by type of day, hour of the week, weather of the day and of the last hours."""
    made = numbered(rows)
    made["hour_of_kind"] = made["hr"] + 24 * (1 - made["workingday"])
    made["hour_of_week"] = made["hr"] + 24 * made["weekday"]
    made["hour_sine"], made["hour_cosine"] = np.sin(made["hr"] * np.pi / 12), np.cos(made["hr"] * np.pi / 12)
    made["rush"] = made["workingday"] * made["hr"].isin((7, 8, 17, 18))
    made["comfort"] = made["atemp"] - 0.3 * made["hum"] - 0.2 * made["windspeed"]
    days = made.groupby("day")
    for name in ("temp", "hum", "windspeed", "weathersit"):
        made[f"{name}_of_day"] = days[name].transform("mean")
        made[f"{name}_over_day"] = made[name] - made[f"{name}_of_day"]
    made["wet_hours"] = (made["weathersit"] >= 2).groupby(made["day"]).transform("sum")
    clock = made["day"] * 24 + made["hr"]
    weather = made.set_index(clock)["weathersit"]
    for back in (1, 2, 3):
        made[f"weather_{back}_ago"] = (clock - back).map(weather[~weather.index.duplicated()]).fillna(0)
    return made


def _logged(model: Any, features: Any = numbered) -> Solution:
    """A solution: the model fitted to log(1 + bikers)."""

    def solve(train: DataFrame, test: DataFrame) -> Array:
        both = features(pd.concat([train, test], ignore_index=True))
        model.fit(both.iloc[: len(train)], np.log1p(train["bikers"]))
        return np.asarray(np.expm1(model.predict(both.iloc[len(train) :])).clip(0))

    return solve


def _plain(model: Any) -> Solution:
    """A solution: the model fitted to the untransformed target."""

    def solve(train: DataFrame, test: DataFrame) -> Array:
        return np.asarray(model.fit(numbered(train), train["bikers"]).predict(numbered(test)).clip(0))

    return solve


def _blend(*solutions: Solution) -> Solution:
    """The mean of several solutions on the log scale."""

    def solve(train: DataFrame, test: DataFrame) -> Array:
        return np.asarray(np.expm1(np.mean([np.log1p(solution(train, test)) for solution in solutions], axis=0)))

    return solve


def _one_hot(names: list[str], numeric: list[str]) -> Any:
    encoder = OneHotEncoder(handle_unknown="ignore", min_frequency=5)
    return make_column_transformer((encoder, names), (StandardScaler(), numeric))


def _boosted(seed: int = 0) -> Any:
    return HistGradientBoostingRegressor(
        learning_rate=0.03,
        max_iter=500,
        max_leaf_nodes=15,
        max_features=0.4,
        l2_regularization=5.0,
        random_state=seed,
    )


def _extra(seed: int = 0) -> Any:
    return ExtraTreesRegressor(300, min_samples_leaf=2, max_features=0.7, random_state=seed)


def _gradient(seed: int = 0) -> Any:
    return GradientBoostingRegressor(
        learning_rate=0.05, n_estimators=400, max_depth=6, subsample=0.6, max_features=0.5, random_state=seed
    )


_CATEGORIES = ["season", "mnth", "hr", "weekday", "weathersit", "workingday", "holiday"]
_NUMBERS = ["temp", "atemp", "hum", "windspeed"]

POOL: dict[str, Solution] = {
    "dummy-median": lambda train, test: np.full(len(test), train["bikers"].median()),
    "dummy-mean-of-logs": lambda train, test: np.full(len(test), np.expm1(np.log1p(train["bikers"]).mean())),
    "linear-on-numbers": _logged(LinearRegression()),
    "ridge-one-hot": _logged(make_pipeline(_one_hot(_CATEGORIES, _NUMBERS), RidgeCV(np.logspace(-2, 3, 11)))),
    "nearest-neighbours": _logged(make_pipeline(StandardScaler(), KNeighborsRegressor(10, weights="distance"))),
    "default-tree": _logged(DecisionTreeRegressor(random_state=0)),
    "default-forest": _logged(RandomForestRegressor(random_state=0)),
    "default-extra-trees": _logged(ExtraTreesRegressor(random_state=0)),
    "default-boosting-of-counts": _plain(HistGradientBoostingRegressor(random_state=0)),
    "default-boosting": _logged(HistGradientBoostingRegressor(random_state=0)),
    "tuned-boosting": _logged(_boosted()),
    "tuned-gradient-boosting": _logged(_gradient()),
    "tuned-extra-trees": _logged(_extra()),
    "tuned-forest": _logged(RandomForestRegressor(300, min_samples_leaf=2, max_features=0.6, random_state=0)),
    "features-boosting": _logged(_boosted(), featured),
    "features-extra-trees": _logged(_extra(), featured),
    "features-ridge": _logged(
        make_pipeline(
            _one_hot(
                ["hour_of_kind", "hour_of_week", *_CATEGORIES], [*_NUMBERS, "comfort", "temp_of_day", "wet_hours"]
            ),
            RidgeCV(np.logspace(-2, 3, 11)),
        ),
        featured,
    ),
    "bagged-boosting": _blend(*(_logged(_boosted(seed), featured) for seed in _BLENDED_SEEDS)),
    "blend-of-trees": _blend(
        *(_logged(_boosted(seed), featured) for seed in range(2)),
        *(_logged(_gradient(seed), featured) for seed in range(2)),
        _logged(_extra(), featured),
    ),
    "blend-of-trees-and-lines": _blend(
        _logged(_boosted(), featured),
        _logged(_gradient(), featured),
        _logged(_extra(), featured),
        _logged(_gradient()),
        _logged(
            make_pipeline(
                _one_hot(["hour_of_kind", "hour_of_week", *_CATEGORIES], [*_NUMBERS, "comfort", "temp_of_day"]),
                RidgeCV(np.logspace(-2, 3, 11)),
            ),
            featured,
        ),
    ),
}
