"""Every move: it can be played somewhere, and what it edits is a sound script that differs only where it should."""

import ast
import difflib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gome.agents.backends.expert.code.compose import compose
from gome.agents.backends.expert.columns import with_joins
from gome.agents.backends.expert.diagnosis import challenges
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves import captions
from gome.agents.backends.expert.moves.catalogue import CATALOGUE, apply_hypothesis, move_of, plays
from gome.agents.backends.expert.moves.move import Move, Play, parse_parameter
from gome.agents.backends.expert.plan import Family, Plan, plan_line, read_plan
from gome.agents.backends.expert.proposal import hypothesis_of
from gome.agents.backends.expert.situation import Scene
from gome.agents.protocol.types import TrialNote
from gome.scenarios.evidence import ColumnProfile
from tests.agents.backends.expert.place import Place, measured, note

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter

_NEW_MODEL = 75  # lines that a family of models may bring; the network is the longest
_OTHERS = 65


def _scenes(places: dict[str, Place]) -> list[Scene]:
    """Solutions of every kind, plain and elaborate, with and without overfitting."""
    plans: list[dict[str, Any]] = [
        {},
        {"models": ("extra_trees",)},
        {"models": ("linear",)},
        {"models": ("boosting", "extra_trees"), "encoding": "ordinal", "balanced": True},
        {"target": "log1p", "column_share": 0.5, "learning_rate": 0.05},
    ]
    scenes = [place.scene(place.plan()) for place in places.values()]
    for place in places.values():
        for update in plans:
            scenes += [place.scene(place.plan(**update), measured(place, gap)) for gap in (0.1, 0.7)]
    rare = places["rare"].scene(places["rare"].plan(), measured(places["rare"]))
    unequal = rare.profile.model_copy(update={"class_balance": {"no": 0.95, "yes": 0.05}})
    return [*scenes, *_other_data(places), _odd_columns(places["regression"]), replace(rare, profile=unequal)]


def _other_data(places: dict[str, Place]) -> list[Scene]:
    """Texts, pictures, side tables and days in a row, each read in another way or not at all."""
    plans: list[tuple[str, dict[str, Any]]] = [
        ("text", {"texts": ()}),
        ("text", {"word_pairs": True, "characters": True}),
        ("text", {"models": ("boosting", "network")}),
        ("pictures", {"images": "none", "models": ("linear",)}),
        ("pictures", {"images": "gradients", "models": ("margin",), "straight": True}),
        ("pictures", {"models": ("network", "extra_trees"), "shifts": True}),
        ("joins", {"joins": ()}),
        ("days", {"dates": ("date",), "holidays": ("date",), "level": "fortnight_before", "latest": 0.5}),
        ("days", {"dates": ("date",), "echoes": ("date",)}),
        ("days", {"dates": ("date",), "trend": "date"}),
    ]
    scenes = []
    for kind, update in plans:
        place = places[kind]
        scenes += [place.scene(place.plan(**update), measured(place, gap)) for gap in (0.1, 0.7)]
    for kind in ("text", "joins"):
        place = places[kind]
        told = with_joins(place.harness.profile, place.plan()).columns
        silent = {column.name: float(column.name in ("size", "hour")) for column in told}
        scenes.append(place.scene(place.plan(), measured(place, importance=silent)))
    return scenes


def _odd_columns(place: Place) -> Scene:
    """Columns that name rows, that the test does not know, and a target that counts."""
    profile = place.harness.profile
    odd = (
        ColumnProfile(name="ticket", role="feature", dtype="category", cardinality=390, missing=0.0),
        ColumnProfile(name="agent", role="feature", dtype="category", cardinality=90, missing=0.1, unseen_in_test=0.6),
        ColumnProfile(
            name="amount", role="feature", dtype="float", cardinality=300, missing=0, minimum=0, maximum=9e5, skew=6.0
        ),
        ColumnProfile(name="hour", role="feature", dtype="integer", cardinality=24, missing=0, minimum=0, maximum=23),
        ColumnProfile(
            name="report",
            role="feature",
            dtype="category",
            cardinality=60,
            missing=0,
            levels=(("oil leak, hall B", 20), ("oil leak, roof", 9), ("seal worn, roof", 8), ("seal worn, hall B", 7)),
        ),
        ColumnProfile(name="ordered", role="feature", dtype="datetime", cardinality=300, missing=0),
        ColumnProfile(name="served", role="feature", dtype="datetime", cardinality=280, missing=0.2),
    )
    columns = [c for c in profile.columns if c.role != "target"]
    target = ColumnProfile(
        name="y", role="target", dtype="integer", cardinality=50, missing=0, minimum=1, maximum=900, skew=3.0
    )
    changed = profile.model_copy(update={"columns": (*columns, *odd, target), "target_skew": 3.0})
    evaluation = measured(place, importance={c.name: 0.0 if c.name == "shop" else 1.0 for c in (*columns, *odd)})
    return Scene(place.task.brief, changed, Plan(), evaluation)


@pytest.fixture(scope="module")
def played(places: dict[str, Place]) -> dict[Move, list[tuple[Scene, Play]]]:
    found: dict[Move, list[tuple[Scene, Play]]] = {move: [] for move in CATALOGUE}
    for scene in _scenes(places):
        for play in plays(scene):
            found[play.move].append((scene, play))
    return {move: _spread(cases) for move, cases in found.items()}


def _spread(cases: list[tuple[Scene, Play]]) -> list[tuple[Scene, Play]]:
    """The first, the last, and two from between."""
    return [cases[round(place * (len(cases) - 1) / 3)] for place in range(4)] if len(cases) > 4 else cases


def test_the_catalogue_is_broad_and_its_keys_are_distinct() -> None:
    assert len(CATALOGUE) >= 30
    assert len({move.key for move in CATALOGUE}) == len(CATALOGUE)
    assert {move.component for move in CATALOGUE} == {"DataLoadSpec", "FeatureEng", "Model", "Ensemble", "Workflow"}
    known = {getattr(captions, name) for name in captions.__all__}
    assert {move.challenge for move in CATALOGUE} == known


def test_every_move_can_be_played_somewhere(played: dict[Move, list[tuple[Scene, Play]]]) -> None:
    assert [move.key for move, cases in played.items() if not cases] == []


def test_a_played_move_can_be_found_again_from_its_hypothesis(played: dict[Move, list[tuple[Scene, Play]]]) -> None:
    for move, cases in played.items():
        for scene, play in cases[:2]:
            hypothesis = hypothesis_of(scene, play, move.challenge, play)
            assert move_of(hypothesis) == (move, play.choice.subject)
            assert apply_hypothesis(scene.plan, hypothesis, scene) == (play.plan, "")
            assert hypothesis.expected_gain > 0


def test_scripts_are_formatted_and_clean(
    played: dict[Move, list[tuple[Scene, Play]]], tmp_path: Path, places: dict[str, Place]
) -> None:
    scripts = {place.script(place.plan()) for place in places.values()}
    for cases in played.values():
        scripts |= {_script(scene, play.plan) for scene, play in cases}
    assert len(scripts) > 150
    for number, script in enumerate(sorted(scripts)):
        ast.parse(script)
        (tmp_path / f"solution_{number}.py").write_text(script, encoding="utf-8")
    options = ["--isolated", "--target-version", "py311", "--line-length", "120"]
    rules = ["--select", "E,F,W,I,N,UP,B,C4,SIM,PTH,RUF059", "--ignore", "E501"]
    for command in (["format", "--diff", *options], ["check", *options, *rules, "--output-format", "concise"]):
        ruff = subprocess.run(
            [sys.executable, "-m", "ruff", *command, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert ruff.returncode == 0, ruff.stdout[:3000] + ruff.stderr[-300:]


def test_an_edit_changes_the_script_only_where_it_must(played: dict[Move, list[tuple[Scene, Play]]]) -> None:
    for move, cases in played.items():
        for scene, play in cases:
            before, after = _script(scene, scene.plan), _script(scene, play.plan)
            changed = _changed_lines(before, after)
            allowed = _NEW_MODEL * 2 if move.name in ("family", "member") else _OTHERS
            assert changed <= allowed, (play.key, changed)
            assert changed > 0 or play.plan == scene.plan, play.key
            assert before.count("\ndef main") == after.count("\ndef main") == 1


def test_a_script_says_its_plan(places: dict[str, Place]) -> None:
    plan = places["bike"].plan(cyclic=("hr",), crosses=(("hr", "workingday"),), target="log1p", bags=3)
    script = places["bike"].script(plan)
    assert read_plan(script) == plan
    assert plan_line(plan) in script.splitlines()[:4]
    assert read_plan("import pandas as pd\n") is None
    assert read_plan('# plan: {"bags": "many"}\n') is None


def test_parameters_carry_their_subject() -> None:
    assert parse_parameter("cross(hr, workingday)") == ("cross", ("hr", "workingday"))
    assert parse_parameter("learning_rate") == ("learning_rate", ())
    assert parse_parameter("Target transform!") == ("Target transform!", ())


def test_what_was_refuted_is_not_played_again(places: dict[str, Place]) -> None:
    place = places["bike"]
    scene = place.scene(place.plan(target="log1p"), measured(place))
    best = plays(scene)[0]
    refuted = note(hypothesis_of(scene, best, best.move.challenge, best), accepted=False)
    again = plays(place.scene(scene.plan, scene.evaluation, refuted))
    assert best.key not in {play.key for play in again}
    assert len(again) == len(plays(scene)) - 1


def test_a_family_that_did_not_run_is_brought_by_no_move(places: dict[str, Place]) -> None:
    """Whether its script failed for good, or a repair put another family in its place."""
    place = places["multiclass"]
    evaluation = measured(place)
    plan = place.plan(models=("neighbours",))
    bare = place.scene(plan, evaluation)
    chosen = {play.key: hypothesis_of(bare, play, play.move.challenge, play) for play in plays(bare)}
    root, joined = chosen["Model", "family", "margin"], chosen["Ensemble", "member", "margin"]

    def margins(*history: TrialNote, models: tuple[Family, ...] = ("neighbours",)) -> int:
        scene = place.scene(plan.model_copy(update={"models": models}), evaluation, *history)
        return sum(play.move.direction == "margin" for play in plays(scene))

    assert margins() == 2
    assert margins(note(root, accepted=True)) == 0, "repaired into another family"
    assert margins(note(joined, accepted=False).model_copy(update={"score": None})) == 0
    assert margins(note(joined, accepted=False)) == 1, "it ran, and was no better"
    boosting = chosen["Model", "family", "boosting"]
    exchanged = (note(root, accepted=True), note(boosting, accepted=True))
    assert margins(*exchanged, models=("boosting",)) == 2, "it ran, and another was better"


def test_a_slow_move_is_not_played_where_time_is_short(places: dict[str, Place]) -> None:
    place = places["bike"]
    scene = place.scene(place.plan(), measured(place))
    assert scene.workplace is not None
    hurried = replace(scene, workplace=scene.workplace.model_copy(update={"full_seconds": 20.0}))
    assert ("Ensemble", "member", "network") in {play.key for play in plays(scene)}
    assert ("Ensemble", "member", "network") not in {play.key for play in plays(hurried)}


def test_challenges_come_from_their_source_and_cite_figures(places: dict[str, Place]) -> None:
    place = places["bike"]
    scene = place.scene(place.plan(target="log1p"), measured(place, gap=0.8))
    everything = challenges(scene, ("scenario", "feedback"), Judgement(1.0, 0))
    assert len({each.caption for each in everything}) == len(everything), "a challenge is said once"
    for source in ("scenario", "feedback"):
        found = [each for each in everything if each.source == source]
        assert 2 <= len(found) <= 5
        assert sum(any(sign.isdigit() for sign in each.reasoning) for each in found) >= len(found) - 1
        assert all("of the loss" in each.metric_impact for each in found)
    feedback = {each.caption: each for each in everything if each.source == "feedback"}
    assert "20%" in feedback[captions.OVERFIT].reasoning, "what training shows is known from a trial alone"


_COMPOSED: dict[tuple[int, Plan], str] = {}


def _script(scene: Scene, plan: Plan) -> str:
    """Composed once for all tests of a scene."""
    key = id(scene), plan
    if key not in _COMPOSED:
        _COMPOSED[key] = compose(scene.task, scene.profile, plan)
    return _COMPOSED[key]


def _changed_lines(before: str, after: str) -> int:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return sum(line[0] in "+-" and line[:3] not in ("+++", "---") for line in lines)
