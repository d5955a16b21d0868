"""Which columns hold dates: one rule for what is read, sliced, advised and guessed."""

import pandas as pd
import pytest
from pandas import DataFrame, Series

from gome.scenarios.authoring.inference import Columns, guess_split
from gome.scenarios.authoring.own_splits import split_advice
from gome.scenarios.diagnostics.slicing import slicings
from gome.scenarios.task.cells import hold_dates
from gome.scenarios.task.columns import read_columns
from gome.scenarios.task.text_table import TextTable
from gome.scenarios.task.typed_table import TypedTable

DAYS = [f"2024-{1 + day // 28:02}-{1 + day % 28:02}" for day in range(100)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (DAYS, True),
        (["2024-01", "2024-02"], True),
        (["2024-01-31 07:30", "2024-01-31T07:30:00+02:00"], True),
        (["", "NA", " 2024-01-31 "], True),
        ([None, float("nan"), "2024-01-31"], True),
        (["2024-13-01", "2024-01-31"], False),  # there is no such month
        (["2024-1-5", "2024-10-5"], False),  # as texts, October would come before February
        (["2024-01-31-b", "2024-01-31-a"], False),  # a serial number
        (["2024", "2025"], False),
        (["", None], False),
        ([20240131, 20240201], False),
        (["2024-01-31"] * 300 + ["never"], False),  # distinct texts count, however often they stand there
        (["", *DAYS, "never"], False),
        ([*(day.isoformat() for day in pd.date_range("2020-01-01", periods=250)), "never"], True),  # a stray cell
    ],
)
def test_dates_are_those_of_iso_8601(texts: list[object], expected: bool) -> None:
    assert hold_dates(Series(texts, dtype=object)) == expected
    assert hold_dates(Series(texts, dtype=object).to_numpy()) == expected


def _everywhere(texts: list[str]) -> set[bool]:
    """Whether each of those who ask takes a column of those texts for dates."""
    whole = DataFrame({"id": map(str, range(len(texts))), "when": texts, "y": ["1", "2"] * (len(texts) // 2)})
    half = len(texts) // 2
    read = read_columns(TextTable.of(whole[:half]), TextTable.of(whole[half:]), {"id": "text", "y": "number"}, {})
    train, test = TypedTable(read.train, read.dtypes), TypedTable(read.test, read.dtypes)
    sliced = {slicing.feature for slicing in slicings(train["when"])}
    advised = list(split_advice(train, {"kind": "random"}, ("id", "y")))
    guessed, _ = guess_split(train, test, Columns("id", ("y",)))
    return {
        "when (weekday)" in sliced,
        any("'when' holds dates" in advice for advice in advised),
        guessed["kind"] == "time",
    }


def test_all_who_ask_are_told_the_same() -> None:
    assert _everywhere(DAYS) == {True}
    assert _everywhere([f"2024-{1 + day // 28}-{1 + day % 28}" for day in range(100)]) == {True}  # brought to ISO 8601
    assert _everywhere([f"{1 + day % 28}.{1 + day // 28}.2024" for day in range(100)]) == {True}
    assert _everywhere([f"{day}-b" for day in DAYS]) == {False}


def test_dates_with_gaps_are_advised_too_after_those_without() -> None:
    def advice(**columns: list[str]) -> str:
        read = read_columns(TextTable.of(DataFrame(columns)), TextTable.of(DataFrame({})), {}, {})
        return " ".join(split_advice(TypedTable(read.train, read.dtypes), {"kind": "random"}, ()))

    gaps = ["", *DAYS[1:]]
    assert "use --split time:when, which needs a date in each row: 1 has none" in advice(when=gaps)
    assert advice(when=gaps, day=DAYS).endswith("use --split time:day")
