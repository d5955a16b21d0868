"""The rule of docs/unseen.md: halves, rows and test parts of the tables, and what counts as noise."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.unseen.build import parts_of
from benchmarks.unseen.formats import read_content
from benchmarks.unseen.report import Compared, page
from benchmarks.unseen.tables import MOST_ROWS, TABLES, Table, half_of
from gome.scenarios.prepare.recipes import RECIPES


def made(rows: int) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "day": pd.date_range("2020-01-01", periods=rows // 4).repeat(4).astype(str)[:rows],
            "who": [f"g{number % 50}" for number in range(rows)],
            "value": draw.normal(size=rows),
            "y": draw.normal(size=rows),
        }
    )


def table(**more: str) -> Table:
    return Table("made", "made/up", (), "y", **more)  # type: ignore[arg-type]


def test_each_kind_has_one_table_in_each_half_and_none_is_a_built_in_task() -> None:
    kinds = {each.kind for each in TABLES}
    assert len(kinds) == 13
    for kind in kinds:
        assert sorted(half_of(each) for each in TABLES if each.kind == kind) == ["development", "reported"]
    carried = {(carrier.package, carrier.member) for recipe in RECIPES.values() for carrier in recipe.carriers}
    assert not carried & {(carrier.package, carrier.member) for each in TABLES for carrier in each.carriers}


def test_a_later_test_has_the_latest_moments_of_the_latest_rows() -> None:
    train, test = parts_of(table(later="day"), made(8000))
    assert train["day"].max() < test["day"].min()
    assert len(train) + len(test) == MOST_ROWS
    assert test["day"].max() == made(8000)["day"].max()


def test_the_groups_of_the_test_are_in_no_training_row() -> None:
    train, test = parts_of(table(group="who"), made(8000))
    assert not set(train["who"]) & set(test["who"])
    assert 0.75 * MOST_ROWS < len(train) + len(test) <= MOST_ROWS


def test_single_rows_are_drawn_alike_each_time_and_none_is_in_both_parts() -> None:
    train, test = parts_of(table(), made(1000))
    again = parts_of(table(), made(1000))[1]
    assert (len(train), len(test)) == (800, 200)
    assert not set(train.index) & set(test.index)
    pd.testing.assert_frame_equal(test, again)


def test_series_and_tab_files_are_read_as_tables() -> None:
    series = read_content(b"# words\n@data\n1.5,2.5:1\n3.5,4.5:2\n", "series")
    assert series.to_dict("list") == {"t001": [1.5, 3.5], "t002": [2.5, 4.5], "class": ["c1", "c2"]}
    tab = read_content(b"Kind\tText\nd\tstring\nclass\t\na\tsome words\n", "orange")
    assert tab.to_dict("list") == {"Kind": ["a"], "Text": ["some words"]}


@pytest.mark.parametrize(
    ("gain", "verdict"), [(0.3, "better"), (0.1, "ahead"), (0.0, "equal"), (-0.1, "behind"), (-0.3, "worse")]
)
def test_a_difference_within_two_standard_errors_is_noise(gain: float, verdict: str) -> None:
    found = Compared(
        table="made/up", kind="made", half="development", rows=10, split="random", metric="rmse", score=1.0,
        validation=1.0, first="1", defaults={"linear": 1.0 + gain}, best="linear", gain=gain, error=0.1, trials=1,
        repeated=0, seconds=60.0, commit="abc",
    )  # fmt: skip
    assert found.verdict == verdict
    assert f"1 tables: 1 {verdict}." in page([found])
