"""Edits that contradict each other: whatever a plan names, in whatever order it came, its script runs."""

import random
import runpy
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gome.agents.backends.expert.code.fitting import fitting
from gome.agents.backends.expert.columns import with_joins
from gome.agents.backends.expert.moves.catalogue import CATALOGUE
from gome.agents.backends.expert.plan import Plan
from gome.scenarios.evaluation.harness import FILES
from tests.agents.backends.expert.place import Place

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter

_QUICK: dict[str, Any] = {"iterations": 5, "trees": 5, "epochs": 1, "topics": 5}
_EVERYTHING: dict[str, Any] = {
    "rare": ("city",),
    "indicators": ("area", "city"),
    "dates": ("date",),
    "holidays": ("date",),
    "echoes": ("date",),
    "crosses": (("shop", "city"), ("shop", "age")),
    "arithmetic": (("area", "per", "age"), ("area", "minus", "age")),
    "group_means": (("city", "area"), ("shop", "age")),
    "rolling": ("area", "age"),
    "lags": ("area", "city"),
    "counts": ("city", "shop"),
    "bins": ("area",),
    "logs": ("area", "age"),
    "target_means": ("city", "shop"),
    "level": "age",
    "monotonic": (("area", 1), ("age", -1)),
}
# what makes no sense of a column of its kind, or beside something else
_NONSENSE: dict[str, tuple[str, dict[str, Any]]] = {
    "words as numbers": (
        "over-time",
        {
            "bins": ("city",),
            "logs": ("city",),
            "rolling": ("city",),
            "arithmetic": (("area", "per", "city"),),
            "group_means": (("shop", "city"), ("age", "age")),
            "level": "city",
            "monotonic": (("city", 1),),
            "cyclic": ("city",),
            "echoes": ("city", "age"),
            "holidays": ("city",),
            "dates": ("city",),
        },
    ),
    "numbers as words": ("regression", {"rare": ("area", "date"), "crosses": (("area", "area"), ("area", "city"))}),
    "strangers": ("regression", dict.fromkeys(("counts", "bins", "lags", "target_means", "texts", "joins"), ("moon",))),
    "no order in time": ("regression", {"lags": ("city",), "rolling": ("area",), "echoes": ("date",), "latest": 0.5}),
    "losses of counts": ("over-time", {"loss": "gamma", "level": "age", "models": ("boosting",)}),
    "a scale of negatives": ("regression", {"target": "sqrt", "loss": "poisson"}),
    "ranks with a temperature": ("ordered", {"decide": "cuts", "calibrate": "temperature", "balanced": True}),
    "a direction of classes": ("multiclass", {"monotonic": (("area", 1),), "balanced": True}),
    "all left out": ("binary", {"drop": ("date", "shop", "city", "area", "age"), "lags": ("area",)}),
    "a table that is not joined": (
        "joins",
        {"joins": (), "crosses": (("hour", "shop_shops_town"),), "group_means": (("shop", "shop_shops_rent"),)},
    ),
    "a text that is left out": ("text", {"texts": ("post",), "drop": ("post",), "word_pairs": True}),
}


def _runs(place: Place, plan: Plan, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan's script on the small sample, in this process, which has what it imports."""
    out.mkdir()
    path = out / "solution.py"
    path.write_text(place.script(plan), encoding="utf-8")
    data = str(place.harness.data("debug"))
    monkeypatch.setattr(sys, "argv", [str(path), "--data", data, "--out", str(out), "--seed", "3"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runpy.run_path(str(path), run_name="__main__")
    assert place.harness.judge("debug", {file: out / file for file in FILES}).evaluation.defects == ()


@pytest.mark.parametrize("dropped", [("date",), ("shop",), ("city",), ("area",), ("age",), ("shop", "city", "area")])
@pytest.mark.parametrize("encoding", ["native", "onehot"])
def test_a_column_is_left_out_of_all_that_is_made_of_it(
    encoding: str, dropped: tuple[str, ...], places: dict[str, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = places["over-time"]
    plan = place.plan(**_QUICK, **_EVERYTHING, encoding=encoding, drop=dropped)
    _runs(place, plan, tmp_path / "out", monkeypatch)
    assert place.script(plan).count("# plan: ") == 1
    left = fitting(place.task.brief, place.harness.profile, plan)
    made = left.model_copy(update={"drop": (), "dates": (), "holidays": ()}).model_dump_json()
    assert not [name for name in dropped if f'"{name}"' in made]


@pytest.mark.parametrize("case", _NONSENSE)
def test_what_makes_no_sense_is_not_composed(
    case: str, places: dict[str, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, changed = _NONSENSE[case]
    place = places[kind]
    _runs(place, place.plan(**(_QUICK | changed)), tmp_path / "out", monkeypatch)


def test_what_fits_stays_and_the_plan_stays_as_it_was_said(places: dict[str, Place]) -> None:
    place = places["over-time"]
    plan = place.plan(**(_EVERYTHING | {"logs": ("area",), "target_means": ("city",)}))
    assert fitting(place.task.brief, place.harness.profile, plan) == plan
    dropped = plan.model_copy(update={"drop": ("city",)})
    assert '"target_means":["city"]' in place.script(dropped)


def test_boosting_is_given_no_more_values_than_it_takes(places: dict[str, Place]) -> None:
    place = places["regression"]
    profile = place.harness.profile
    many = [replace(c, cardinality=300) if c.name == "city" else c for c in profile.columns]
    crowded = profile.model_copy(update={"columns": tuple(many), "rows": 4000})
    for changed, encoding in (
        ({}, "ordinal"),
        ({"target_means": ("city",)}, "native"),
        ({"target_means": ("city",), "crosses": (("city", "shop"),)}, "ordinal"),
        ({"rare": ("city",)}, "native"),
        ({"drop": ("city",)}, "native"),
    ):
        plan = Plan.model_validate(changed)
        assert fitting(place.task.brief, crowded, plan).encoding == encoding, changed


@pytest.mark.parametrize("kind", ["over-time", "multiclass", "joins", "text"])
def test_moves_in_any_order_on_any_column_make_a_script_that_runs(
    kind: str, places: dict[str, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, draw = places[kind], random.Random(5)
    known = with_joins(place.harness.profile, place.plan())
    names = [column.name for column in known.columns if column.role == "feature"]
    moves = [move for move in CATALOGUE if move.name not in ("iterations", "learning_rate", "topics", "epochs")]
    for number in range(6):
        plan = place.plan(**_QUICK)
        for move in draw.choices(moves, k=10):
            subject = tuple(draw.choices(names, k=2)) if "{subject}" in move.statement and move.name != "join" else ()
            plan = move.edit(plan, subject)
        plan = plan.model_copy(update={"models": plan.models[-2:], "bags": 1})
        _runs(place, plan, tmp_path / str(number), monkeypatch)
