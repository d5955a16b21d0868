"""Tables of short texts, numbers with gaps and categories: every family runs, and a first solution fits the table."""

import runpy
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome.agents.backends.expert.columns import texts_lead
from gome.agents.backends.expert.diagnosis import assess
from gome.agents.backends.expert.first_solution import family_order
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves import captions
from gome.agents.backends.expert.moves.catalogue import plays
from gome.agents.backends.expert.moves.family import FAMILY_WORDS
from gome.agents.backends.expert.plan import Family
from gome.agents.backends.expert.proposal import hypothesis_of, ideas_of
from gome.agents.backends.expert.selection import choose
from gome.agents.backends.expert.situation import Scene
from gome.agents.protocol.requests import AssessTrial, ProposeStep
from gome.scenarios.evaluation.harness import FILES, Harness
from gome.scenarios.evidence import Evaluation
from gome.scenarios.task.task import Task
from tests.agents.backends.expert.place import Place, measured, note, solution
from tests.scenarios.helpers.make_task import make_task

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter

FULL = Judgement(1.0, 0)
_COMMON = ("the", "customer", "called", "about", "account", "asked", "for", "details", "on", "delivery", "payment")
_HINTS = ("refund", "question", "upgrade")
_KINDS = {
    "labels": ("multiclass", "accuracy"),
    "shares": ("multiclass", "log-loss"),
    "two": ("binary", "auc"),
    "value": ("regression", "rmse"),
}
# what stands beside the text of a table, "shares" in all else
_COLUMNS: dict[str, tuple[str, ...]] = {
    "numbers": ("area", "age"),
    "category": ("city",),
    "one": ("area",),
    "nothing": (),
}


def _place(folder: Path, kind: str, metric: str, kept: tuple[str, ...] | None = None, rows: int = 240) -> Place:
    """The made-up table with notes of nine words, in one row of six one that hints, and a tenth of the numbers missing.

    Of its other columns only those in `kept` are left, all where that is None.
    """
    made, draw = make_task(folder / "task", kind, metric=metric, rows=rows), np.random.default_rng(8)
    for name in ("train.csv", "test.csv"):
        path = made / "prepared" / "public" / name
        table = pd.read_csv(path, dtype={"id": str})
        ranks = pd.factorize(table["y"], sort=True)[0] % 3 if "y" in table else draw.integers(0, 3, len(table))
        hints = [_HINTS[rank] if draw.random() < 1 / 6 else "today" for rank in ranks]
        notes = [" ".join([*draw.choice(_COMMON, 8), hint]) for hint in hints]
        others = [each for each in table if each not in ("id", "y")]
        table = table.drop(columns=[each for each in others if kept is not None and each not in kept])
        for number in {"area", "age"} & set(table):
            table[number] = table[number].astype(float).mask(draw.random(len(table)) < 0.1)
        table.insert(1, "notes", notes)
        table.to_csv(path, index=False)
    harness = Harness(Task.load(made), folder / "views", seed=5)
    return Place(harness.task, harness, folder)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    """Name → a table with texts: of every kind of task, and with fewer columns."""
    made = {name: _place(tmp_path_factory.mktemp(name), *kind) for name, kind in _KINDS.items()}
    made |= {
        name: _place(tmp_path_factory.mktemp(name), "multiclass", "log-loss", kept) for name, kept in _COLUMNS.items()
    }
    return made


def _run_here(place: Place, script: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """Run a script on the debug sample in this process, which has what it imports; and judge what it wrote."""
    path = out / "solution.py"
    path.write_text(script, encoding="utf-8")
    data = str(place.harness.data("debug"))
    monkeypatch.setattr(sys, "argv", [str(path), "--data", data, "--out", str(out), "--seed", "3"])
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        runpy.run_path(str(path), run_name="__main__")
    return place.harness.judge("debug", {file: out / file for file in FILES}).evaluation


@pytest.mark.parametrize("family", FAMILY_WORDS)
@pytest.mark.parametrize("table", [*_KINDS, *_COLUMNS])
def test_every_family_runs_on_texts_gaps_and_categories(
    table: str, family: Family, tables: dict[str, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tables[table]
    script = place.script(place.plan(models=(family,), encoding="onehot" if table == "two" else "native"))
    evaluation = _run_here(place, script, tmp_path, monkeypatch)
    assert evaluation.defects == ()
    assert evaluation.score is not None


@pytest.mark.parametrize("made", [{}, {"lags": ("age",)}, {"arithmetic": (("age", "per", "shop"),)}])
def test_support_vectors_run_on_gaps_without_texts(
    made: dict[str, Any], places: dict[str, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = places["multiclass"]
    changed = {"models": ("margin",), "drop": ("area",) if made else ()} | made
    assert "scaled()" in place.script(place.plan(**changed))
    assert _run_here(place, place.script(place.plan(**changed)), tmp_path, monkeypatch).defects == ()
    assert "scaled()" not in place.script(place.plan(models=("margin",), drop=("area", "date")))


def test_what_stands_beside_texts_decides_what_a_trace_begins_with(tables: dict[str, Place]) -> None:
    mixed, pure = tables["shares"], tables["nothing"]
    assert not texts_lead(mixed.harness.profile)
    assert [family_order(trace, mixed.harness.profile)[0] for trace in range(4)] == [
        "portfolio",
        "boosting",
        "linear",
        "extra_trees",
    ]
    assert mixed.plan().topics < pure.plan().topics
    assert texts_lead(pure.harness.profile)
    assert family_order(0, pure.harness.profile)[:2] == ("portfolio", "linear")
    assert "SGDClassifier" in pure.script(pure.plan(models=("linear",)))


def test_many_rows_or_long_texts_let_words_lead(tables: dict[str, Place]) -> None:
    profile = tables["one"].harness.profile
    assert not texts_lead(profile), "nine words beside one column, on few rows"
    assert texts_lead(profile.model_copy(update={"rows": 5000}))
    longer = [replace(c, words=40.0) if c.name == "notes" else c for c in profile.columns]
    assert texts_lead(profile.model_copy(update={"columns": tuple(longer)}))
    assert not texts_lead(tables["value"].harness.profile.model_copy(update={"columns": ()}))


@pytest.mark.parametrize("family", ["boosting", "linear"])
def test_a_first_solution_beside_texts_is_better_than_a_constant(family: Family, tables: dict[str, Place]) -> None:
    place = tables["shares"]
    score = place.run(family, place.script(place.plan(models=(family,)))).score
    dummy = place.harness.dummy_score()
    assert score is not None
    assert dummy is not None
    assert score < 0.95 * dummy


def _bad_draft(place: Place) -> dict[str, Any]:
    """What a request says of a first solution whose score is far worse than a constant's."""
    return {
        "script": place.script(place.plan(models=("linear",))),
        "evaluation": measured(place, score=6.697, folds=(6.5, 6.7, 6.9), train_folds=(6.0, 6.1, 6.2)),
    }


def _assess(place: Place, baseline: float | None) -> AssessTrial:
    return AssessTrial(
        **place.common, **_bad_draft(place), hypotheses=(), incumbent=None, difference="", cause="ok", words="",
        output="", seconds=3.0, effect=None, history=(), wanted=("scenario", "feedback"), baseline=baseline,
    )  # fmt: skip


def test_a_draft_worse_than_a_constant_is_called_so(tables: dict[str, Place]) -> None:
    place = tables["shares"]
    told = assess(_assess(place, baseline=1.095), FULL)
    assert "log-loss is 6.697 over 3 splits, worse than a constant prediction (1.095)." in told.observations
    assert "worse than a constant prediction (1.095)" in told.reason
    assert told.challenges[0].caption == captions.FIRST
    assert "worse than a constant" in told.challenges[0].reasoning
    for baseline in (None, 7.0):
        fine = assess(_assess(place, baseline=baseline), FULL)
        assert "constant" not in fine.observations + fine.reason
        assert fine.challenges[0].caption != captions.FIRST


def test_after_a_draft_worse_than_a_constant_comes_another_family(tables: dict[str, Place]) -> None:
    place = tables["shares"]
    challenges = assess(_assess(place, baseline=1.095), FULL).challenges
    incumbent = solution(place, place.plan(models=("linear",)), _bad_draft(place)["evaluation"])
    asked = ProposeStep(
        **place.common, action="improve", stage="improve", base=incumbent, challenges=challenges, baseline=1.095
    )
    chosen = choose(asked, ideas_of(asked, challenges, 0, FULL), 0, FULL)
    assert [each.key for each in chosen.hypotheses] == [("Model", "family", "boosting")]


def test_a_text_that_is_learnt_by_heart_is_left_and_not_read_again(tables: dict[str, Place]) -> None:
    place = tables["shares"]
    scene = place.scene(place.plan(), measured(place, gap=0.7))
    left = next(play for play in plays(scene) if (play.move.name, play.move.direction) == ("text", "drop"))
    assert left.plan.texts == ()
    assert "text" not in {play.move.name for play in plays(place.scene(place.plan(), measured(place, gap=0.1)))}
    hypothesis = hypothesis_of(scene, left, left.move.challenge, left)
    again = plays(place.scene(left.plan, measured(place), note(hypothesis, accepted=True)))
    assert "text" not in {play.move.name for play in again}
    assert "text" in {play.move.name for play in plays(place.scene(left.plan, measured(place)))}
    pure = tables["nothing"]
    assert "text" not in {play.move.name for play in plays(pure.scene(pure.plan(), measured(pure, gap=0.7)))}


def test_plays_are_as_before_where_the_constant_is_beaten(places: dict[str, Place]) -> None:
    place = places["multiclass"]
    evaluation = measured(place)

    def told(baseline: float | None) -> list[Any]:
        scene = Scene(place.task.brief, place.harness.profile, place.plan(), evaluation, baseline=baseline)
        return [(play.key, play.choice.gain) for play in plays(scene)]

    assert told(1.09) == told(None)
    assert told(0.1) != told(None)
