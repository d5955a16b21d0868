"""Composed scripts really run: on tasks of every kind they follow the contract and beat a constant prediction."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome.agents.backends.expert.code.compose import compose
from gome.agents.backends.expert.moves.family import FAMILY_WORDS
from gome.agents.backends.expert.plan import Family
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evidence import Evaluation, SplitRule
from gome.scenarios.task.task import Task
from tests.agents.backends.expert.place import SPLITS, Place
from tests.scenarios.helpers.make_task import make_task

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter

_EVERYTHING: dict[str, Any] = {
    "dates": ("date",),
    "arithmetic": (("area", "per", "age"), ("area", "times", "age"), ("area", "minus", "age")),
    "group_means": (("city", "area"),),
    "counts": ("city",),
    "bins": ("area",),
    "indicators": ("area",),
    "rare": ("city",),
    "crosses": (("shop", "city"), ("shop", "age")),
    "target_means": ("city",),
    "early_stopping": True,
}
# name → kind of task, what the plan says beside its start
_CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("regression", {}),
    "features": ("regression", _EVERYTHING),
    "stack": ("regression", {"models": ("boosting", "linear", "network"), "combine": "stack", "calibrate": "isotonic"}),
    "time": ("over-time", {"loss": "absolute_error", "rolling": ("area",), "lags": ("area", "city"), "clip": True}),
    "time-weights": ("over-time", {"models": ("boosting", "extra_trees"), "combine": "weights", "target": "sqrt"}),
    "time-patient": ("over-time", {"early_stopping": True, "iterations": 50, "bags": 3}),
    "binary": ("binary", {"models": ("boosting", "extra_trees"), "combine": "weights", "encoding": "onehot"}),
    "binary-bags": ("binary", {"bag_rows": True, "bags": 3, "drop": ("shop",), "balanced": True}),
    "sure": ("multiclass", {"models": ("boosting", "neighbours"), "calibrate": "temperature", **_EVERYTHING}),
    "stacked": ("multiclass", {"models": ("linear", "network", "extra_trees"), "combine": "stack", "bags": 2}),
    "cuts": ("ordered", {"decide": "cuts", "models": ("random_forest",), "encoding": "ordinal"}),
    "factors": ("ordered", {"decide": "weights", "models": ("linear",), "balanced": True}),
    "rare": ("rare", {"decide": "weights", "models": ("extra_trees",)}),
    "bike": (
        "bike",
        {"target": "log1p", "cyclic": ("hr",), "crosses": (("hr", "workingday"),), "lags": ("hum", "weathersit")},
    ),
}


@pytest.fixture(scope="module")
def evaluations(places: dict[str, Place]) -> dict[str, Evaluation]:
    """Case → what came of a run on one split."""

    def run(name: str) -> Evaluation:
        kind, changed = _CASES[name]
        place = places[kind]
        return place.run(name, place.script(place.plan(**changed)))

    return {name: run(name) for name in _CASES}


@pytest.mark.parametrize("name", _CASES)
def test_a_script_follows_the_contract(name: str, places: dict[str, Place], evaluations: dict[str, Evaluation]) -> None:
    place, evaluation = places[_CASES[name][0]], evaluations[name]
    assert evaluation.defects == ()
    assert len(evaluation.train_folds) == len(evaluation.folds) == 1
    assert evaluation.importance
    assert all(math.isfinite(value) and value >= 0 for value in evaluation.importance.values())
    assert evaluation.score is not None
    dummy = place.harness.dummy_score()
    assert dummy is not None
    assert evaluation.score < dummy if place.task.brief.direction == "minimize" else evaluation.score > dummy


def test_training_scores_are_better_than_validation(evaluations: dict[str, Evaluation]) -> None:
    plain = evaluations["bike"]
    assert plain.score is not None
    assert sum(plain.train_folds) / len(plain.train_folds) < plain.score


def test_importance_finds_what_matters(evaluations: dict[str, Evaluation]) -> None:
    importance = evaluations["bike"].importance
    assert max(importance, key=lambda name: importance[name]).startswith("hr")
    assert importance["windspeed"] < 0.3 * max(importance.values())


def test_features_that_fit_make_a_better_score(places: dict[str, Place], evaluations: dict[str, Evaluation]) -> None:
    place = places["bike"]
    plain = place.run("bike-plain", place.script(place.plan()))
    better = evaluations["bike"].score
    assert plain.score is not None
    assert better is not None
    assert better < 0.9 * plain.score


def test_on_few_rows_a_root_is_better_than_boosting_as_it_comes(places: dict[str, Place]) -> None:
    place = places["multiclass"]
    as_it_comes = place.plan(learning_rate=0.1, leaves=31, l2=0.0, column_share=1.0)
    root = place.run("few-rows", place.script(place.plan())).score
    usual = place.run("usual", place.script(as_it_comes)).score
    assert root is not None
    assert usual is not None
    assert root < 0.9 * usual


def test_a_small_sample_is_enough_and_a_seed_decides_everything(places: dict[str, Place]) -> None:
    place = places["multiclass"]
    script = place.script(place.plan(models=("boosting", "extra_trees"), column_share=0.5, **_EVERYTHING))
    once, again = place.run("once", script, view="debug"), place.run("again", script, view="debug")
    assert once.defects == ()
    assert once == again
    written = [(place.folder / name / "evidence.json").read_bytes() for name in ("once", "again")]
    assert written[0] == written[1]
    assert once.submission_sha256 is not None
    assert once.submission_sha256 != place.run("other", script, view="debug", seed=4).submission_sha256


def test_the_holdout_and_all_rows_are_views_like_others(places: dict[str, Place]) -> None:
    place = places["binary"]
    script = place.script(place.plan(target_means=("city",)))
    held = place.run("holdout", script, view="holdout")
    assert held.defects == ()
    assert held.score is not None
    assert held.score > 0.55
    everything = place.run("everything", script, view="full")
    assert (everything.defects, everything.score) == ((), None)


def test_hints_and_progress_are_told(places: dict[str, Place], evaluations: dict[str, Evaluation]) -> None:
    hints = json.loads((places["regression"].folder / "stack" / "evidence.json").read_text())
    assert set(hints) == {"train_score", "importance"}
    assert hints["train_score"] == evaluations["stack"].train_folds[0]
    told = {name: (places[_CASES[name][0]].folder / name / "output").read_text() for name in _CASES}
    assert "training rows" in told["stack"]
    for name, words in (
        ("stack", "epoch 20/20, loss 0."),
        ("stack", "stack: {'boosting': "),
        ("stack", "inner fold 3/3"),
        ("features", "boosting stopped after "),
        ("binary", "weights: {'boosting': "),
        ("sure", "temperature: "),
        ("cuts", "cuts: ["),
        ("factors", "class weights: {'low': "),
    ):
        assert words in told[name], (name, told[name][-600:])


def test_a_task_that_cannot_be_split_is_validated_by_its_script(places: dict[str, Place]) -> None:
    place = places["regression"]
    own = place.task.brief.model_copy(update={"split": SplitRule(kind="own")})
    script = compose(own, place.harness.profile, place.plan())
    hints = place.run("own", script, view="full").claims
    assert 0 < hints["score"] < 2 * (place.harness.dummy_score() or 0.0)


_EMPTY = {
    "over time": ("regression", "mae", "time"),
    "classes": ("multiclass", "log-loss", None),
}


def _with_empty_columns(folder: Path, kind: str, metric: str, split: str | None) -> Place:
    """A table with a column that is new in the latest rows, and columns that have a single value."""
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
def empty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    return {name: _with_empty_columns(tmp_path_factory.mktemp("table"), *kind) for name, kind in _EMPTY.items()}


@pytest.mark.parametrize("family", FAMILY_WORDS)
@pytest.mark.parametrize("table", _EMPTY)
def test_every_family_runs_where_columns_are_empty(table: str, family: Family, empty: dict[str, Place]) -> None:
    place = empty[table]
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
@pytest.mark.parametrize("table", _EMPTY)
def test_what_is_made_of_empty_columns_runs(table: str, changed: dict[str, Any], empty: dict[str, Place]) -> None:
    place = empty[table]
    plan = place.plan(**({"models": ("boosting",), "iterations": 20} | changed))
    assert place.run("-".join(changed), place.script(plan)).defects == ()
