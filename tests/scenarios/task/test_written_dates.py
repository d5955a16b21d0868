"""Dates as people write them are dates for profile, harness and scripts; what can be read in two ways is said."""

import numpy as np
import pytest
from pandas import DataFrame

from gome.scenarios.task.columns import ColumnKind, Reading, read_columns
from gome.scenarios.task.text_table import TextTable
from gome.scenarios.task.written_dates import find_dates


@pytest.mark.parametrize(
    ("texts", "iso"),
    [
        (["31.12.2024", "1.2.2024"], ["2024-12-31", "2024-02-01"]),
        (["03.04.2024"], ["2024-04-03"]),  # with points, the day comes first
        (["31/12/2024", "01/02/2024"], ["2024-12-31", "2024-02-01"]),
        (["12/31/2024", "01/02/2024"], ["2024-12-31", "2024-01-02"]),
        (["12/31/2024 9:05 pm", "1/2/2024 12:30 AM"], ["2024-12-31T21:05:00", "2024-01-02T00:30:00"]),
        (["31-12-2024 23:59:07"], ["2024-12-31T23:59:07"]),
        (["2024/1/31", "2024.10.02"], ["2024-01-31", "2024-10-02"]),
        (["2024-1-5"], ["2024-01-05"]),
        (["31.12.24", "31.12.69", "31.12.70"], ["2024-12-31", "2069-12-31", "1970-12-31"]),
        (["31 Dec 2024", "1-Jan-2023"], ["2024-12-31", "2023-01-01"]),
        (["December 31, 2024 08:00"], ["2024-12-31T08:00:00"]),
        (["29.2.2024"], ["2024-02-29"]),
        (["29.2.2023"], None),
        (["12.13.2024"], None),
        (["31/12/2024", "12/31/2024"], None),
        (["1.2.3"], None),
        (["192.168.0.1"], None),
        (["31 Foo 2024"], None),
        (["31.12.2024 25:00"], None),
        (["31.12.2024", "never"], None),
        (["1/2"], None),
        ([], None),
    ],
)
def test_the_day_and_the_month_follow_from_all_dates_of_a_column(texts: list[str], iso: list[str] | None) -> None:
    dates = find_dates(np.array(texts, dtype=object))
    assert ((dates and dates.sure and [dates.style.iso(text) for text in texts]) or None) == iso


def _read(train: list[str], test: list[str], told: dict[str, ColumnKind] | None = None) -> Reading:
    ours, theirs = (TextTable.of(DataFrame({"a": texts}, dtype=object)) for texts in (train, test))
    return read_columns(ours, theirs, {}, told or {})


def test_a_column_of_them_is_a_column_of_dates_and_how_it_is_read_is_said() -> None:
    found = _read(["31.12.2024", "n/a", "-", "1.2.2024"], ["05.06.2024", "soon"])
    assert list(found.train["a"]) == ["2024-12-31", "", "", "2024-02-01"]
    assert list(found.test["a"]) == ["2024-06-05", ""]
    assert found.dtypes == {"a": "str"}
    assert "dates; day first" in found.remarks[0]
    assert "'soon' is not a date" in found.remarks[0]


def test_the_training_rows_decide_for_new_rows() -> None:
    assert list(_read(["12/31/2024"], ["01/02/2024"]).test["a"]) == ["2024-01-02"]
    assert list(_read(["31/12/2024"], ["01/02/2024"]).test["a"]) == ["2024-02-01"]


def test_dates_that_can_be_read_in_two_ways_stay_text_until_the_user_says_what_they_are() -> None:
    texts = ["01/02/2024", "03/04/2024"]
    found = _read(texts, texts)
    assert list(found.train["a"]) == texts
    assert "may begin with the day or the month" in found.remarks[0]
    told = _read(texts, texts, {"a": "date"})
    assert list(told.train["a"]) == ["2024-01-02", "2024-03-04"]
    assert "month first, as nothing tells it from the day" in told.remarks[0]


def test_dates_of_iso_8601_with_signs_for_gaps_are_dates() -> None:
    found = _read(["2024-01-31", "?", "-"], ["2024-02-01"])
    assert list(found.train["a"]) == ["2024-01-31", "", ""]
    assert np.array_equal(found.test["a"], ["2024-02-01"])


@pytest.mark.parametrize(
    ("texts", "plain", "said"),
    [
        (
            ["03.05.2024", "2024-10-02", "05 Nov 2024", ""],
            ["2024-05-03", "2024-10-02", "2024-11-05", ""],
            "3 forms; day",
        ),
        (["12/31/2024", "2024-10-02", "1/2/2024"], ["2024-12-31", "2024-10-02", "2024-01-02"], "2 forms; month first"),
        (["31.12.24", "2024-10-02"], ["2024-12-31", "2024-10-02"], "2 forms; day first"),
        (["5. März 2024", "2024-10-02", "1 août 2024"], ["2024-03-05", "2024-10-02", "2024-08-01"], "2 forms"),
        (["2024-01-31", "2024-02-01T06:30:00"], ["2024-01-31T00:00:00", "2024-02-01T06:30:00"], "2 forms"),
        (["03.05.2024", "2024-10-02T10:00+02:00"], ["2024-05-03T00:00:00", "2024-10-02T08:00:00"], "2 offsets"),
        (["05 Nov 2024", "06 Nov 2024"], ["2024-11-05", "2024-11-06"], "column 'a': dates"),
    ],
)
def test_a_column_may_mix_forms_and_what_was_made_of_it_is_said(texts: list[str], plain: list[str], said: str) -> None:
    found = _read(texts, texts)
    assert list(found.train["a"]) == list(found.test["a"]) == plain
    assert said in found.remarks[0]


def test_all_dates_tell_the_day_not_only_the_first() -> None:
    iso = [f"20{year}-01-{day:02}" for year in range(10, 24) for day in range(1, 29)]
    found = _read([*iso, "01.02.2024"], ["2024-05-06"])
    assert found.train["a"].iloc[-1] == "2024-02-01"
    assert found.test["a"].iloc[0] == "2024-05-06"


def test_new_rows_in_a_form_that_the_training_rows_do_not_tell_are_named() -> None:
    found = _read(["2024-01-31", "2024-02-01"], ["03.05.2024", "03/05/2024"])
    assert list(found.test["a"]) == ["2024-05-03", ""]
    assert "'03/05/2024' is not a date" in found.remarks[0]


def test_a_few_wrong_cells_among_many_dates_are_missing_and_named() -> None:
    found = _read([*(f"{day}.5.2024" for day in range(1, 29)), "-", "unknown", "0000-00-00"], ["1.5.2024"])
    assert list(found.train["a"])[-4:] == ["2024-05-28", "", "", ""]
    assert "gaps written as '-', 'unknown' (train.csv, row 29, and 1 more)" in found.remarks[0]
    assert "'0000-00-00' is not a date, read as missing (train.csv, row 31)" in found.remarks[0]


@pytest.mark.parametrize(
    ("texts", "why", "told"),
    [
        (["31/12/2024", "12/31/2024"], "some of its dates begin with the day and some with", ["2024-12-31", ""]),
        (["31.12.2024", "12/31/2024"], "some of its dates begin with the day and", ["2024-12-31", "2024-12-31"]),
        (["2024-12-31", "31.12.2024", "soon"], "2 of 3 cells are dates, because of 'soon'", ["2024-12-31"] * 2 + [""]),
        (["2024-12-31", "05/06/2024"], "may begin with the day or the month", ["2024-12-31", "2024-05-06"]),
    ],
)
def test_what_looks_like_dates_and_is_not_read_is_said_with_the_remedy(
    texts: list[str], why: str, told: list[str]
) -> None:
    found = _read(texts, texts)
    assert list(found.train["a"]) == texts
    assert why in found.remarks[0] and "`columns: {a: date}` in task.yaml reads" in found.remarks[0]
    assert list(_read(texts, texts, {"a": "date"}).train["a"]) == told


def test_dates_of_two_centuries_need_no_time() -> None:
    texts = ["1999-12-31", "2024-01-01"]
    assert (list(_read(texts, texts).train["a"]), _read(texts, texts).remarks) == (texts, ())
