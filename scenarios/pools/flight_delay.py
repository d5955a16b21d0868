"""The pool of flight-delay; `python -m scenarios.pools flight-delay` scores it anew. Frozen."""

import pandas as pd
from pandas import DataFrame

from scenarios.pools.classes import Classes, common_classes, featured_classes
from scenarios.pools.decisions import last_class

__all__ = ["POOL"]


def _featured(rows: DataFrame) -> DataFrame:
    """The day's weather as a whole, what queues before a flight, how long the plane has flown that day."""
    made = rows.drop(columns=["date", "tailnum", "flight", "plane_model"])
    made["weekday"] = pd.to_datetime(rows["date"]).dt.dayofweek
    day = rows.groupby(["date", "origin"])
    for name in ("precip", "visib", "wind_speed", "pressure", "humid"):
        made[f"{name}_of_day"] = day[name].transform("mean")
    made["queue"] = rows.groupby(["date", "origin", "hour"])["id" if "id" in rows else "flight"].transform("size")
    made["leg"] = rows.groupby(["date", "tailnum"])["sched_dep_time"].rank()
    made["age"] = 2013 - rows["plane_built"]
    made["airline_at"] = rows["carrier"] + rows["origin"]
    return made


_TASK = Classes("late", last_class, last_class)

POOL = common_classes(_TASK) | featured_classes(_TASK, _featured)
