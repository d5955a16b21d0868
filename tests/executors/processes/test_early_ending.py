"""Early stopping depends only on output and resource use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.executors.processes.early_ending import (
    Pace,
    Progress,
    computes,
    loss_is_nan,
    progress,
    projected_over_limit,
    stalled,
    telling,
)


def paces(*announced: Progress) -> dict[str, Pace]:
    found: dict[str, Pace] = {}
    for each in announced:
        found[each.name] = found[each.name].then(each) if each.name in found else Pace(each, each)
    return found


@pytest.mark.parametrize(
    ("line", "name", "index", "total"),
    [
        ("split 1/5", "split", 1, 5),
        ("Fold 2 of 5: rmse 0.3", "split", 2, 5),
        ("[Epoch 3/20] loss 0.31", "epoch", 3, 20),
        ("epoch: 20/20", "epoch", 20, 20),
    ],
)
def test_progress_is_read(line: str, name: str, index: int, total: int) -> None:
    assert progress(line, 7.0) == Progress(name, index, total, 7.0)


@pytest.mark.parametrize("line", ["", "split", "splits 3/5 x", "split 6/5", "split 0/5", "ratio 1/2", "epoch 1.5/20"])
def test_other_lines_are_none(line: str) -> None:
    assert progress(line, 0.0) is None


@pytest.mark.parametrize("line", ["loss nan", "epoch 3 train_loss=NaN", "val_loss: -nan", "Loss: nan (0.1 s)"])
def test_a_nan_loss_is_seen(line: str) -> None:
    assert loss_is_nan(line) is not None


@pytest.mark.parametrize("line", ["loss 0.3", "nan values: 3", "loss of nanoseconds", "score nan", "glossary nan"])
def test_no_nan_loss_is_seen_in_other_lines(line: str) -> None:
    assert loss_is_nan(line) is None


def test_only_telling_lines_are_looked_at() -> None:
    assert telling(["a", "Epoch 1/2", "b", "LOSS nan"]) == ["Epoch 1/2", "LOSS nan"]
    assert telling(["a"] * 1000) == []


def test_a_projection_far_past_the_limit_stops() -> None:
    seen = paces(Progress("split", 1, 5, 0.0), Progress("split", 2, 5, 40.0))
    assert projected_over_limit(seen, 40.0, 100.0) == "split 2/5 at 40 s puts the end at 160 s, past 100 s"
    assert projected_over_limit(seen, 40.0, 120.0) is None


def test_one_announcement_projects_nothing() -> None:
    assert projected_over_limit(paces(Progress("split", 1, 5, 90.0)), 90.0, 100.0) is None


def test_the_first_tenth_is_not_believed() -> None:
    slow_start = paces(Progress("epoch", 1, 100, 0.0), Progress("epoch", 5, 100, 50.0))
    assert projected_over_limit(slow_start, 50.0, 100.0) is None


def test_epochs_that_start_anew_project_nothing() -> None:
    seen = paces(*(Progress("epoch", index, 3, 10.0 * n) for n, index in enumerate((1, 2, 3, 1, 2))))
    assert projected_over_limit(seen, 50.0, 10.0) is None


def test_splits_are_believed_before_epochs() -> None:
    seen = paces(
        Progress("split", 1, 2, 0.0), Progress("epoch", 1, 10, 0.0), Progress("epoch", 9, 10, 40.0),
        Progress("split", 2, 2, 45.0),
    )  # fmt: skip
    assert projected_over_limit(seen, 45.0, 80.0) is None


@given(st.integers(2, 50), st.floats(0.01, 100.0), st.integers(2, 50))
def test_an_even_pace_within_the_limit_never_stops(total: int, each: float, upto: int) -> None:
    announced = [Progress("split", index, total, (index - 1) * each) for index in range(1, min(upto, total) + 1)]
    assert projected_over_limit(paces(*announced), announced[-1].seconds, total * each) is None


def test_standstill() -> None:
    assert stalled(9.9, 10.0) is None
    assert stalled(1e9, None) is None
    assert stalled(10.0, 10.0) == "neither output nor computing for 10.0 s"
    assert computes(0.5, 1.0)
    assert not computes(0.01, 1.0)
