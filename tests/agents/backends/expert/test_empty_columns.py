"""Columns that are empty in the rows of a fold: one that is new in the latest rows, and one with a single value."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome.agents.backends.expert.moves.family import FAMILY_WORDS
from gome.agents.backends.expert.plan import Family
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.task.task import Task
from tests.agents.backends.expert.place import SPLITS, Place
from tests.scenarios.helpers.make_task import make_task

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter

_KINDS = {
    "over time": ("regression", "mae", "time"),
    "classes": ("multiclass", "log-loss", None),
}


def _place(folder: Path, kind: str, metric: str, split: str | None) -> Place:
    made = make_task(folder / "task", kind, metric=metric, split=SPLITS.get(split or ""), rows=240)
    for name in ("train.csv", "test.csv"):
        path = made / "prepared" / "public" / name
        table = pd.read_csv(path, dtype={"id": str})
        there = np.arange(len(table)) == 17
        latest = (table["date"].rank(pct=True) > 0.9) | (name == "test.csv")
        table["area"] = table["area"].astype(float).where(latest)
        table["lone"] = np.where(there, 3.5, np.nan)
        table["day"] = np.where(there, "2024-01-31", "")
        table["word"] = np.where(there, "word", "")
        table.to_csv(path, index=False)
    harness = Harness(Task.load(made), folder / "views", seed=5)
    return Place(harness.task, harness, folder)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    return {name: _place(tmp_path_factory.mktemp("table"), *kind) for name, kind in _KINDS.items()}


@pytest.mark.parametrize("family", FAMILY_WORDS)
@pytest.mark.parametrize("table", _KINDS)
def test_every_family_runs(table: str, family: Family, tables: dict[str, Place]) -> None:
    place = tables[table]
    script = place.script(place.plan(models=(family,), iterations=20, trees=10, epochs=1))
    evaluation = place.run(family, script)
    assert evaluation.defects == ()
    assert evaluation.score is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"early_stopping": True},
        {"encoding": "ordinal", "early_stopping": True},
        {"encoding": "onehot", "bags": 2, "bag_rows": True},
        {"target_means": ("word", "city")},
        {"bins": ("area", "lone"), "logs": ("area", "lone"), "counts": ("lone", "word"), "rare": ("word",)},
        {"arithmetic": (("area", "per", "lone"), ("area", "times", "age")), "group_means": (("word", "lone"),)},
        {"dates": ("day",), "holidays": ("day",), "indicators": ("lone", "day")},
        {"models": ("boosting", "linear"), "combine": "weights", "crosses": (("word", "city"),)},
        {"lags": ("lone", "word"), "rolling": ("lone",)},
    ],
)
@pytest.mark.parametrize("table", _KINDS)
def test_what_is_made_of_them_runs(table: str, changed: dict[str, Any], tables: dict[str, Place]) -> None:
    place = tables[table]
    plan = place.plan(**({"models": ("boosting",), "iterations": 20} | changed))
    assert place.run("-".join(changed), place.script(plan)).defects == ()
