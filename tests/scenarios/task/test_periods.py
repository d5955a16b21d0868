"""The stretches of a split's column that each split is validated on."""

from pathlib import Path

import pytest
from pandas import Series

from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evaluation.views import task_splits
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task


@pytest.mark.parametrize(
    "split",
    ["{kind: time, column: date, folds: 4}", "{kind: holdout, column: date}", "{kind: time, column: shop, folds: 3}"],
)
def test_splits_by_time_tell_the_first_and_last_value_of_their_validation_rows(tmp_path: Path, split: str) -> None:
    task = Task.load(make_task(tmp_path / "task", split=split))
    *periods, test = Harness(task, tmp_path / "views", seed=3).profile.periods
    name = str(task.brief.split.column)
    column, shown = task.typed_train[name], task.typed_test[name]
    assert test == f"{shown.min()} to {shown.max()}"
    for part, period in zip(task_splits(task, 3), periods, strict=True):
        held = column.iloc[part.valid]
        assert period == f"{held.min()} to {held.max()}"


def test_groups_of_neighbouring_values_tell_their_stretches(tmp_path: Path) -> None:
    task = Task.load(make_task(tmp_path / "task", split="{kind: group, column: shop, block: 4, folds: 3}"))
    *periods, _ = Harness(task, tmp_path / "views", seed=3).profile.periods
    covered = [range(int(one), int(other) + 1) for each in periods for one, other in map(_ends, each.split(", "))]
    together = sorted(value for each in covered for value in each)
    assert together == sorted(set(Series(task.typed_train["shop"]))), "every value is validated once"
    assert len(covered) > 3, "some split has two stretches"


def _ends(stretch: str) -> tuple[str, str]:
    first, _, last = stretch.partition(" to ")
    return first, last or first


@pytest.mark.parametrize("split", ["{kind: random, folds: 3}", "{kind: group, column: date, folds: 3}"])
def test_other_splits_have_no_periods(tmp_path: Path, split: str) -> None:
    assert Harness(Task.load(make_task(tmp_path / "task", split=split)), tmp_path / "v", seed=3).profile.periods == ()
