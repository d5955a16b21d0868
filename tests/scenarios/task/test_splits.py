"""Properties of all splits, on random data."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import DataFrame, Series

from gome.errors import TaskError
from gome.scenarios.evidence import SplitRule
from gome.scenarios.task.splits import fold_numbers, holdout_rows, make_splits, split_units, split_weights

KINDS = ("random", "stratified", "group", "time", "holdout")


@st.composite
def splittable(draw: st.DrawFn) -> tuple[DataFrame, np.ndarray, SplitRule, int]:
    """Units, class numbers, a matching rule, and a seed."""
    rule = SplitRule(
        kind=draw(st.sampled_from(KINDS)), folds=draw(st.integers(2, 6)), block=draw(st.integers(1, 3)), column="c"
    )
    needed = (rule.folds + 1) * (rule.block if rule.kind == "group" else 1)
    values = draw(st.lists(st.integers(0, 60), min_size=1, max_size=120)) + list(range(needed))
    if rule.kind in ("random", "stratified"):
        rule = rule.model_copy(update={"column": None})
    if rule.kind != "group":
        rule = rule.model_copy(update={"block": 1})
    strata = np.array(draw(st.lists(st.integers(0, 3), min_size=len(values), max_size=len(values))))
    return DataFrame({"id": np.arange(len(values)) * 7, "c": values}), strata, rule, draw(st.integers(0, 2**40))


@settings(max_examples=150)
@given(splittable())
def test_folds_hold_what_they_promise(case: tuple[DataFrame, np.ndarray, SplitRule, int]) -> None:
    train, strata, rule, seed = case
    units = split_units(train, rule)
    splits = make_splits(units, strata, rule, seed)
    assert len(splits) == (1 if rule.kind == "holdout" else rule.folds)
    again = make_splits(units, strata, rule, seed)
    assert all(
        np.array_equal(one.train, other.train) and np.array_equal(one.valid, other.valid)
        for one, other in zip(splits, again, strict=True)
    ), "the same seed gives the same splits"
    valid_times = np.zeros(len(train), dtype=int)
    for split in splits:
        for rows in (split.train, split.valid):
            assert len(rows) and list(rows) == sorted(set(rows)), "positions, each once, in ascending order"
        assert not set(units[split.train]) & set(units[split.valid]), "what belongs together stays together"
        if rule.kind == "time":
            assert units[split.train].max() < units[split.valid].min()
            unused = set(range(len(train))) - set(split.train) - set(split.valid)
            assert unused == set(np.flatnonzero(units > units[split.valid].max()))
        else:
            assert len(split.train) + len(split.valid) == len(train)
        valid_times[split.valid] += 1
    if rule.kind in ("random", "stratified", "group"):
        assert (valid_times == 1).all(), "each row is validated once"
    else:
        assert (valid_times <= 1).all()


@settings(max_examples=150)
@given(splittable(), st.floats(0.05, 0.9))
def test_the_hold_out_is_of_the_tasks_own_kind(
    case: tuple[DataFrame, np.ndarray, SplitRule, int], share: float
) -> None:
    train, strata, rule, seed = case
    units = split_units(train, rule)
    out = holdout_rows(units, strata, rule, share, seed)
    assert out.any() and not out.all()
    assert np.array_equal(out, holdout_rows(units, strata, rule, share, seed))
    assert not set(units[out]) & set(units[~out])
    if rule.kind == "time":
        assert units[~out].max() < units[out].min()
    if rule.kind in ("random", "stratified"):
        assert abs(out.sum() - share * len(out)) <= 1


def test_stratified_folds_have_each_class_in_its_share() -> None:
    strata = np.repeat([0, 1, 2], [500, 100, 10])
    numbers = fold_numbers(np.arange(610), strata, SplitRule(kind="stratified", folds=5), 3)
    for stratum, count in ((0, 100), (1, 20), (2, 2)):
        assert set(np.bincount(numbers[strata == stratum], minlength=5)) == {count}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 500)), min_size=1, max_size=8))
def test_a_split_counts_by_its_rows_and_a_later_one_of_time_more(parts: list[tuple[int, int]]) -> None:
    splits, rows = [split for split, _ in parts], [count for _, count in parts]
    weights = split_weights(SplitRule(kind="random"), splits, rows)
    assert sum(weights) == pytest.approx(1)
    assert weights == pytest.approx([count / sum(rows) for count in rows])
    later = split_weights(SplitRule(kind="time", column="t"), splits, rows)
    assert sum(later) == pytest.approx(1)
    for one, other, split, count in zip(later, weights, splits, rows, strict=True):
        assert one / other == pytest.approx(later[0] / weights[0] * (split + 1) / (splits[0] + 1)), count


def test_the_splits_of_time_weigh_one_two_three_where_they_have_as_many_rows() -> None:
    assert split_weights(SplitRule(kind="time", column="t"), (0, 1, 2), (7, 7, 7)) == pytest.approx((1 / 6, 2 / 6, 0.5))
    assert split_weights(SplitRule(kind="time", column="t"), (2,), (7,)) == (1.0,), "of those that were run"


def test_blocks_join_neighbouring_values() -> None:
    rule = SplitRule(kind="group", column="day", block=3, folds=2)
    days = [10, 11, 13, 40, 41, 42, 10, 42]
    assert list(split_units(DataFrame({"day": days}), rule)) == [0, 0, 0, 1, 1, 1, 0, 1]


def test_groups_of_unequal_size_give_folds_of_about_equal_size() -> None:
    units = np.repeat(np.arange(40), np.random.default_rng(0).integers(1, 60, 40))
    sizes = np.bincount(fold_numbers(units, None, SplitRule(kind="group", column="g", folds=5), 1))
    assert sizes.max() - sizes.min() <= 60


def test_two_seeds_give_two_splits_and_the_hold_out_is_drawn_apart() -> None:
    rule = SplitRule(kind="random", folds=5)
    units = np.arange(100)
    first = fold_numbers(units, None, rule, 1)
    assert not np.array_equal(first, fold_numbers(units, None, rule, 2))
    out = holdout_rows(units, None, rule, 0.2, 1)
    assert not any(np.array_equal(first == fold, out) for fold in range(5))
    assert not np.array_equal(out, holdout_rows(units, None, rule, 0.2, 2))


def test_single_rows_are_drawn_without_regard_to_classes_unless_they_are_stratified() -> None:
    units, strata = np.arange(60), np.repeat([0, 1, 2], 20)
    plain, by_class = (SplitRule(kind=kind, folds=3) for kind in ("random", "stratified"))
    assert np.array_equal(fold_numbers(units, strata, plain, 1), fold_numbers(units, None, plain, 1))
    assert not np.array_equal(fold_numbers(units, strata, by_class, 1), fold_numbers(units, None, by_class, 1))


def test_one_split_validates_a_fifth_and_the_latest_are_held_out() -> None:
    units = np.arange(100)
    for column in (None, "t"):
        assert (fold_numbers(units, None, SplitRule(kind="holdout", column=column), 1) == 0).sum() == 20
    latest = holdout_rows(units, None, SplitRule(kind="time", column="t"), 0.1, 1)
    assert list(np.flatnonzero(latest)) == list(range(90, 100))


def test_a_time_of_many_rows_leaves_none_of_the_chunks_empty() -> None:
    units = np.array([0, 1, *[2] * 98])
    assert list(fold_numbers(units, None, SplitRule(kind="time", column="t", folds=2), 1)) == [-1, 0, *[1] * 98]


def test_time_may_be_dates() -> None:
    rule = SplitRule(kind="time", column="when", folds=2)
    when = ["2024-03-01", "2023-12-31T10:00:00", "2024-01-01", "2024-03-01"]
    assert list(split_units(DataFrame({"when": when}), rule)) == [2, 0, 1, 2]
    zones = ["2024-01-01T01:00:00+02:00", "2023-12-31T23:30:00+00:00", "2023-12-31T22:00:00Z"]
    assert list(split_units(DataFrame({"when": zones}), rule)) == [1, 2, 0]


@pytest.mark.parametrize("kind", ["time", "holdout"])
@pytest.mark.parametrize(
    ("values", "words"), [([1, None, 3], "row 2: empty"), (["soon", "later", "now"], "neither numbers nor dates")]
)
def test_a_column_that_gives_no_order_is_an_error(values: list[object], words: str, kind: Any) -> None:
    with pytest.raises(TaskError, match=words):
        split_units(DataFrame({"t": Series(values, dtype=object)}), SplitRule(kind=kind, column="t"))
