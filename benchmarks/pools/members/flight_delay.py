"""The pool of flight-delay; `python -m benchmarks.pools flight-delay` scores it again. Frozen.

Every member uses the flights joined with weather, planes and airports. Delays are mostly noise that the flights of a
day share, so leaves hold many flights, and no feature identifies a single day.
"""

from functools import cache
from typing import Any

import pandas as pd
from pandas import DataFrame, Series
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks.pools.classes import Classes, common_classes
from benchmarks.pools.coding import normal
from benchmarks.pools.decisions import last_class
from benchmarks.pools.pool import Solution
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.prepare.preparing import TASKS

__all__ = ["POOL"]

_TASK = Classes("late", last_class, last_class)
_PUBLIC = TASKS / "flight-delay" / "prepared" / "public"
_SIGNS = ["precip", "visib", "wind_speed", "wind_gust", "humid", "pressure"]
_OF_THE_HOUR = ["temp", "dewp", "humid", "pressure"]
_LATELY, _LONG, _SOON = 6, 18, 4
"""Hours of weather: before a flight (two windows), and after it."""


@cache
def _weather() -> DataFrame:
    return pd.read_csv(_PUBLIC / "weather.csv")


def _filled_gusts() -> DataFrame:
    """The weather, with missing gusts set to 0."""
    return _weather().assign(wind_gust=_weather()["wind_gust"].fillna(0))


def _joined(rows: DataFrame) -> DataFrame:
    """The flights joined with the weather at their origin and hour, their plane, and their destination."""
    planes = pd.read_csv(_PUBLIC / "planes.csv").drop(columns="speed").rename(columns={"year": "built"})
    airports = pd.read_csv(_PUBLIC / "airports.csv")[["faa", "lat", "lon", "tz"]]
    rows = rows.merge(_weather(), on=["origin", "time_hour"], how="left")
    rows = rows.merge(planes, on="tailnum", how="left")
    return rows.merge(airports.rename(columns={"faa": "dest"}), on="dest", how="left")


def _with_tables(solution: Solution) -> Solution:
    """Turn a solution for joined flights into one for flights."""

    def solve(train: DataFrame, test: DataFrame) -> Array:
        return solution(_joined(train), _joined(test))

    return solve


@cache
def _spells() -> DataFrame:
    """For each origin and hour: mean weather of the hours before and after, and the change of pressure."""
    weather = _filled_gusts().assign(moment=lambda table: pd.to_datetime(table["time_hour"]))
    parts = []
    for origin, hours in weather.set_index("moment").sort_index().groupby("origin"):
        signs = hours[_SIGNS].resample("h").mean()
        backwards = signs[::-1].rolling(_SOON, min_periods=1).mean()
        spells = [
            signs.rolling(_LATELY, min_periods=1).mean().add_suffix("_lately"),
            signs.rolling(_LONG, min_periods=1).mean().add_suffix("_long"),
            backwards[::-1].add_suffix("_soon"),
            signs[["pressure"]].diff(_LATELY).add_suffix("_change"),
        ]
        parts.append(pd.concat(spells, axis=1).assign(origin=origin))
    table = pd.concat(parts).reset_index()
    return table.assign(time_hour=table["moment"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")).drop(columns="moment")


@cache
def _days() -> DataFrame:
    """For each day over all origins: mean, maximum and minimum of the weather."""
    weather = _filled_gusts()
    moment = pd.to_datetime(weather["time_hour"]).dt.tz_convert("America/New_York")
    days = weather.groupby(moment.dt.strftime("%Y-%m-%d").rename("date"))[["temp", *_SIGNS]].agg(["mean", "max", "min"])
    return days.set_axis(["_".join((*name, "of_day")) for name in days.columns], axis=1).reset_index()


def _featured(rows: DataFrame) -> DataFrame:
    """Weather around the flight and of its day in twelve quantiles, calendar, and flights in the same hour."""
    made = rows.merge(_spells(), on=["origin", "time_hour"], how="left").merge(_days(), on="date", how="left")
    weather = ("_lately", "_long", "_soon", "_change", "_of_day")
    coarse = [name for name in map(str, made) if name in _OF_THE_HOUR or name.endswith(weather)]
    made[coarse] = made[coarse].apply(_twelfths)
    day = pd.to_datetime(rows["date"]).dt
    made["weekday"], made["week"] = day.day_of_week, day.day_of_year // 7
    made["queue"] = rows.groupby(["date", "origin", "hour"])["flight"].transform("size")
    made["age"] = 2013 - rows["built"]
    made["airline_at"] = rows["carrier"] + rows["origin"]
    return made.drop(columns=["date", "day", "time_hour", "tailnum", "flight", "model"])


def _twelfths(column: Series) -> Series:
    return column.rank(pct=True).mul(11.99) // 1


def _slow(seed: int) -> Any:
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=250,
        max_leaf_nodes=15,
        min_samples_leaf=300,
        max_features=0.3,
        l2_regularization=10.0,
        early_stopping=False,
        random_state=seed,
    )


def _extra_trees() -> Any:
    return ExtraTreesClassifier(100, min_samples_leaf=20, max_features=0.5, random_state=0)


_BOOSTED = [_TASK.chances(_slow(seed), _featured) for seed in range(5)]
_EXTRA = _TASK.chances(_extra_trees(), _featured)
_LINES = _TASK.chances(LogisticRegression(C=0.1, max_iter=600), _featured, normal)

_MEMBERS: dict[str, Solution] = common_classes(_TASK) | {
    "tuned-forest": _TASK.fitted(
        RandomForestClassifier(100, min_samples_leaf=20, max_features=0.3, max_samples=0.3, random_state=0)
    ),
    "tuned-extra-trees": _TASK.fitted(_extra_trees()),
    "features-boosting": _TASK.decided(_BOOSTED[0]),
    "features-extra-trees": _TASK.decided(_EXTRA),
    "features-logistic": _TASK.decided(_LINES),
    "bagged-boosting": _TASK.blend(*_BOOSTED),
    "blend-of-trees": _TASK.blend(*_BOOSTED, _EXTRA),
    "blend-of-all": _TASK.blend(*_BOOSTED, _EXTRA, _LINES),
}

POOL: dict[str, Solution] = {name: _with_tables(solution) for name, solution in _MEMBERS.items()}
