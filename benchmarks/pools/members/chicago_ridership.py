"""The pool of chicago-ridership; `python -m benchmarks.pools chicago-ridership` scores it again. Frozen."""

import pandas as pd
from pandas import DataFrame
from sklearn.ensemble import GradientBoostingRegressor

from benchmarks.pools.coding import filled
from benchmarks.pools.pool import Solution
from benchmarks.pools.values import Values, common_values, featured_values

__all__ = ["POOL"]


def _plain(rows: DataFrame) -> DataFrame:
    return rows.drop(columns="date")


def _featured(rows: DataFrame) -> DataFrame:
    """Calendar features: day of the week, day of the year, holidays."""
    date = pd.to_datetime(rows["date"])
    made = _plain(rows)
    made["weekday"] = date.dt.day_of_week
    made["weekend"] = (made["weekday"] >= 5).astype(int)
    made["day_of_year"] = date.dt.day_of_year
    made["years"] = (date - date.min()).dt.days / 365.25
    rests = {(1, 1), (7, 4), (12, 25), (12, 24), (12, 31), (12, 26), (7, 3), (1, 2)}
    made["rest"] = [int((month, day) in rests) for month, day in zip(date.dt.month, date.dt.day, strict=True)]
    monday, thursday = made["weekday"] == 0, made["weekday"] == 3
    late_may = (date.dt.month == 5) & (date.dt.day > 24) & monday
    labour = (date.dt.month == 9) & (date.dt.day <= 7) & monday
    thanks = (date.dt.month == 11) & date.dt.day.between(22, 28) & thursday
    after = (date.dt.month == 11) & date.dt.day.between(23, 29) & (made["weekday"] == 4)
    made["rest"] += (late_may | labour | thanks | after).astype(int)
    for day in range(5):
        made[f"Clark_Lake_on_{day}"] = made["Clark_Lake"] * (made["weekday"] == day)
    return made


_TASK = Values("ridership")
_COMMON = common_values(_TASK)
del _COMMON["default-boosting-of-values"]  # the target is not transformed, so this equals default-boosting

POOL: dict[str, Solution] = (
    _COMMON
    | {"default-gradient-boosting": _TASK.fitted(GradientBoostingRegressor(random_state=0), codes=filled)}
    | featured_values(_TASK, _featured)
)
