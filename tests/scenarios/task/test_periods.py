"""The stretches of a split's column that each split is validated on."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas import Series

from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evaluation.views import task_splits
from gome.scenarios.profiling.periods import split_periods
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
    stretches = test.rpartition("from ")[2].split(", ")
    assert stretches[0].startswith(str(shown.min())) and stretches[-1].endswith(f" to {shown.max()}")
    assert ("stretches, with training rows between them" in test) == (name == "date"), "the test's dates lie scattered"
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


@pytest.mark.parametrize(
    ("values", "told"), [([1, 2, 4, 9, 20], "1 to 2, 4 to 9, 20"), ([2, 3, 5], "2 to 5"), ([4], "4")]
)
def test_a_test_that_lies_between_training_values_tells_its_stretches(
    tmp_path: Path, values: list[int], told: str
) -> None:
    folder = make_task(tmp_path / "task", split="{kind: time, column: shop, folds: 3}")
    for name, shops in (("train.csv", [3, 13, 30, 40, 50]), ("test.csv", values)):
        path = folder / "prepared" / "public" / name
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.assign(shop=np.resize(shops, len(table))).to_csv(path, index=False)
    task = Task.load(folder)
    assert split_periods(task, task_splits(task, 3))[-1] == told


def _ends(stretch: str) -> tuple[str, str]:
    first, _, last = stretch.partition(" to ")
    return first, last or first


@pytest.mark.parametrize("split", ["{kind: random, folds: 3}", "{kind: group, column: date, folds: 3}"])
def test_other_splits_have_no_periods(tmp_path: Path, split: str) -> None:
    assert Harness(Task.load(make_task(tmp_path / "task", split=split)), tmp_path / "v", seed=3).profile.periods == ()
