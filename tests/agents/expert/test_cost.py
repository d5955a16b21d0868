"""How long a script will take is told by what it fits, and a first solution on many rows is a light one."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd

from agents.backends.expert.compose import compose
from agents.backends.expert.cost import script_seconds
from agents.backends.expert.plan import Family
from agents.backends.expert.root import starting_plan
from agents.backends.expert.scene import Scene
from scenarios.evidence import Profile
from tests.agents.expert.place import WORKPLACE, Place


def crowded(place: Place, rows: int) -> Profile:
    """The profile as if there were that many rows, and a thousand cities."""
    columns = [
        column.model_copy(update={"cardinality": 1000}) if column.name == "city" else column
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
