"""Probe views: their contents, and their figures for models with known behaviour."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evaluation.probe_names import HALF, PROBE
from gome.scenarios.evaluation.probes import can_be_probed
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Harness:
    folder = tmp_path_factory.mktemp("probes")
    task = Task.load(make_task(folder / "task", rows=120, test_rows=40, split="{kind: random, folds: 3}"))
    return Harness(task, folder / "data", seed=5)


def read(harness: Harness, view: str, name: str) -> pd.DataFrame:
    return pd.read_csv(harness.data(view) / name, dtype=str, keep_default_na=False)


def test_a_probe_view_has_the_first_splits_training_rows_and_no_label_besides(harness: Harness) -> None:
    train, test = read(harness, PROBE, "train.csv"), read(harness, PROBE, "test.csv")
    first = read(harness, harness.splits[0], "train.csv")
    assert sorted(train["y"]) == sorted(first["y"])
    assert "y" not in test.columns
    ids = pd.concat([train["id"], test["id"]])
    assert ids.is_unique
    features = len(test.columns) - 1
    assert len(test) == 40 * (1 + features) + 80, "40 validation rows, once more for each column, and training rows"


def test_each_column_is_exchanged_between_the_validation_rows_alone(harness: Harness) -> None:
    test = read(harness, PROBE, "test.csv").drop(columns="id")
    rows = test.agg("|".join, axis=1)
    original = read(harness, harness.splits[0], "test.csv").drop(columns="id")
    known = set(original.agg("|".join, axis=1))
    for name in test.columns:
        others = [each for each in test.columns if each != name]
        left = set(original[others].agg("|".join, axis=1))
        changed = [row for row in test.index if rows[row] not in known]
        assert any("|".join(test.loc[row, others]) in left for row in changed), name


def test_half_of_the_training_rows_stand_in_the_half_view(harness: Harness) -> None:
    whole, half = (read(harness, view, "train.csv") for view in (harness.splits[0], HALF))
    assert len(half) == len(whole) // 2
    assert set(half["y"]) <= set(whole["y"])
    assert len(read(harness, HALF, "test.csv")) == len(read(harness, harness.splits[0], "test.csv"))


def test_a_model_of_one_column_rests_on_that_column(harness: Harness) -> None:
    view = harness._view(PROBE)
    train, test, _ = ({name: column.series() for name, column in each} for each in view.tables(harness.task))
    area, target = pd.to_numeric(train["area"]).fillna(60.0), pd.to_numeric(train["y"])
    slope, level = np.polyfit(area, target, 1)
    said = level + slope * pd.to_numeric(test["area"]).fillna(60.0).to_numpy()
    in_order = np.empty((len(said), 1))
    in_order[view.order, 0] = said
    probes = harness.probes(in_order)
    found = {each.feature: each.loss for each in probes.sensitivities}
    assert max(found, key=lambda name: found[name]) == "area"
    assert found.pop("area") > 0.5
    assert set(found.values()) == {0.0}
    assert probes.sampled is not None
    assert probes.training is not None


def test_tasks_whose_ids_say_something_are_not_probed(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", rows=60, test_rows=20)
    assert can_be_probed(Task.load(folder))
    (folder / "prepared" / "public" / "beside.csv").write_text("id,more\n1,2\n", encoding="utf-8")
    assert not can_be_probed(Task.load(folder))
