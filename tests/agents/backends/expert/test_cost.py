"""How long a script will take is told by what it fits, and a first solution on many rows is a light one."""

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome.agents.backends.expert.code.compose import compose
from gome.agents.backends.expert.code.cost import script_seconds
from gome.agents.backends.expert.first_solution import starting_plan
from gome.agents.backends.expert.plan import Family
from gome.agents.backends.expert.situation import Scene
from gome.scenarios.evidence import Profile
from tests.agents.backends.expert.place import WORKPLACE, Place

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter


def crowded(place: Place, rows: int) -> Profile:
    """The profile as if there were that many rows, and a thousand cities."""
    columns = [
        replace(column, cardinality=1000) if column.name == "city" else column
        for column in place.harness.profile.columns
    ]
    assert "city" in {column.name for column in columns}
    return place.harness.profile.model_copy(update={"rows": rows, "columns": tuple(columns)})


def seconds(place: Place, profile: Profile, family: Family, *drop: str) -> float:
    task = place.task.brief.model_copy(update={"train_rows": profile.rows})
    plan = starting_plan(task, profile).model_copy(update={"models": (family,), "drop": drop, "target_means": ()})
    return script_seconds(Scene(task, profile, plan, None, 0.0, WORKPLACE), plan)


def test_a_column_for_each_value_costs_a_linear_model_and_a_network_more_than_trees(places: dict[str, Place]) -> None:
    place = places["binary"]
    profile = crowded(place, 40_000)
    families: tuple[Family, ...] = ("boosting", "linear", "network")
    trees, lines, network = (
        seconds(place, profile, family) - seconds(place, profile, family, "city") for family in families
    )
    assert 0 < 5 * trees < min(lines, network)


def test_no_category_becomes_more_than_a_hundred_columns(places: dict[str, Place], tmp_path: Path) -> None:
    place = places["binary"]
    script = tmp_path / "solution.py"
    script.write_text(compose(place.task.brief, place.harness.profile, place.plan(models=("linear",))), "utf-8")
    names = pd.Series(np.arange(9000) % 300).map("place {}".format).astype("category")
    width = runpy.run_path(str(script))["scaled"]().fit_transform(pd.DataFrame({"city": names})).shape[1]
    assert width == 100


def test_on_many_rows_averaged_trees_and_networks_begin_light(places: dict[str, Place]) -> None:
    place = places["binary"]
    few, many = (starting_plan(place.task.brief, crowded(place, rows)) for rows in (5_000, 50_000))
    assert many.trees < few.trees and many.tree_leaf > few.tree_leaf and many.epochs < few.epochs
    assert many.iterations == few.iterations


def test_a_run_is_one_fit_on_the_rows_of_a_split(places: dict[str, Place]) -> None:
    place = places["binary"]
    profile = crowded(place, 200_000)

    def fit(**changed: Any) -> float:
        rule = place.task.brief.split.model_copy(update={"kind": "random"} | changed)
        task = place.task.brief.model_copy(update={"train_rows": profile.rows, "split": rule})
        plan = starting_plan(task, profile).model_copy(update={"drop": ("city",), "target_means": ()})
        start = script_seconds(Scene(task, profile, plan), plan.model_copy(update={"iterations": 0}))
        return script_seconds(Scene(task, profile, plan), plan) - start

    assert fit(folds=10) == pytest.approx(0.9 / 0.8 * fit(folds=5), rel=0.02), "however many splits there are"
    assert fit(kind="time", folds=5) == pytest.approx(7 / 12 / 0.8 * fit(folds=5), rel=0.05)
    assert fit(kind="holdout", folds=1) == pytest.approx(fit(folds=5), rel=0.02)
    assert fit(kind="own") > 2 * fit(folds=5), "it is fitted twice"
