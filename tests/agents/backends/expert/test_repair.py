"""Repairs: the cause decides what is left out, and no script comes twice."""

import pytest

from gome.agents.backends.expert.code.cost import script_seconds
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.plan import Plan, read_plan
from gome.agents.backends.expert.repair import repair
from gome.agents.backends.expert.writing import changes, first_choices
from gome.agents.protocol.replies import Script
from gome.agents.protocol.script_requests import RepairSolution
from tests.agents.backends.expert.place import Place

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter

RICH = {
    "target": "log1p",
    "models": ("boosting", "extra_trees", "network"),
    "cyclic": ("hr",),
    "crosses": (("hr", "workingday"),),
    "rolling": ("temp",),
    "target_means": ("mnth",),
    "combine": "weights",
    "bags": 3,
    "iterations": 400,
}


def _repair(place: Place, script: str, cause: str, words: str = "", output: str = "", skill: float = 1.0) -> Script:
    request = RepairSolution(
        **place.common, script=script, hypotheses=(), phase="full", cause=cause, words=words or "it failed",
        output=output, evaluation=None, attempt=1,
    )  # fmt: skip
    return repair(request, Judgement(skill, 1))


def _plan(script: Script) -> Plan:
    plan = read_plan(script.script)
    assert plan is not None
    return plan


@pytest.mark.parametrize("cause", ["timeout", "memory", "projected-over-limit"])
def test_what_is_too_slow_or_too_large_becomes_cheaper(cause: str, places: dict[str, Place]) -> None:
    place = places["bike"]
    plan = place.plan(**RICH)
    mended = _plan(_repair(place, place.script(plan), cause))
    scene = place.scene(plan)
    assert script_seconds(scene, mended) < 0.6 * script_seconds(scene, plan)
    assert mended.crosses == plan.crosses
    assert mended.target == "log1p"


def test_a_traceback_names_what_is_left_out(places: dict[str, Place]) -> None:
    place = places["bike"]
    output = (
        'split 1/5\n--- stderr\nTraceback (most recent call last):\n  File "solution.py", line 60, in target_means\n'
        "    means = TargetEncoder(target_type=...)\nValueError: could not convert string to float\n"
    )
    mended = _plan(_repair(place, place.script(place.plan(**RICH)), "exit", "exit 1", output))
    assert mended == place.plan(**(RICH | {"target_means": ()}))


def test_a_gap_that_a_model_does_not_take_is_filled(places: dict[str, Place]) -> None:
    place = places["multiclass"]
    output = (
        "Traceback (most recent call last):\n  in fit_predict\nValueError: Input X contains NaN.\n"
        "LinearSVC does not accept missing values encoded as NaN natively.\n"
    )
    rich = {"counts": ("city",), "dates": ("date",)}
    for models, expected in (
        (("margin",), ("linear",)),
        (("boosting", "margin"), ("boosting", "linear")),
        (("margin", "linear"), ("linear",)),
    ):
        script = place.script(place.plan(models=models, **rich))
        assert _plan(_repair(place, script, "exit", "exit 1", output)) == place.plan(models=expected, **rich)


def test_a_refused_import_goes(places: dict[str, Place]) -> None:
    place = places["bike"]
    script = _repair(place, place.script(place.plan(**RICH)), "refused", "line 14: torch is not installed")
    assert _plan(script).models == ("boosting", "extra_trees")
    assert "torch" not in script.script


def test_not_a_number_asks_for_what_is_safe(places: dict[str, Place]) -> None:
    place = places["bike"]
    mended = _plan(_repair(place, place.script(place.plan(**RICH)), "not-a-number"))
    assert "network" not in mended.models


def test_a_script_without_a_plan_is_written_anew(places: dict[str, Place]) -> None:
    place = places["bike"]
    script = _repair(place, "from sklearn.ensemble import RandomForestRegressor\nraise ValueError\n", "exit")
    assert _plan(script).models == ("random_forest",)
    assert "no plan" in script.notes


@pytest.mark.parametrize("cause", ["exit", "timeout", "memory", "not-a-number", "refused", "stalled", "signal"])
@pytest.mark.parametrize("skill", [1.0, 0.0])
def test_no_script_comes_twice(cause: str, skill: float, places: dict[str, Place]) -> None:
    place = places["bike"]
    script = place.script(place.plan(**RICH))
    seen = {script}
    for _ in range(11):
        script = _repair(place, script, cause, output="Traceback\n  in fit_predict\nValueError", skill=skill).script
        assert script not in seen
        compile(script, "solution.py", "exec")
        seen.add(script)


def test_a_mended_script_runs(places: dict[str, Place]) -> None:
    place = places["regression"]
    script = place.script(place.plan(models=("network", "boosting"), combine="stack", bags=3))
    mended = _repair(place, script, "timeout").script
    assert place.run("mended", mended, view="debug").defects == ()


def test_figures_in_words_and_in_scripts_are_round(places: dict[str, Place]) -> None:
    place = places["bike"]
    mended = _repair(place, place.script(place.plan(iterations=400, leaves=8)), "timeout")
    assert "iterations 400 → 200; learning_rate 0.1 → 0.15." in mended.notes
    assert _plan(mended).learning_rate == 0.15
    assert changes(Plan(), Plan(tree_columns=0.1 + 0.2)) == "Changed: tree_columns 0.5 → 0.3."
    assert first_choices(Plan(), Plan(leaves=8)) == "First solution, set otherwise than the plain one: leaves 8."
