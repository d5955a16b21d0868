"""The Finisher with a real harness: what ships where an ensemble is better than the winner, and where it is not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.agents.protocol.messages import StepOpened
from gome.agents.protocol.run_messages import FinishCalled, FinishRequested
from gome.agents.roles.director import Director
from gome.bus.store.artefacts import Artefacts
from tests.agents.helpers.finishing import Shop, asked_to_finish
from tests.agents.method.test_invariants import opened, said, trial


def test_an_ensemble_of_opposite_errors_ships(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=-0.4)
    finished = resources.finish(ship="mean")
    assert finished.winner is not None
    assert finished.winner.step == 5, "the winner is still the best script"
    ensemble = finished.ensemble
    assert ensemble is not None
    assert ensemble.taken
    assert [each.step for each in ensemble.members] == [5, 3]
    share = 4 / 9  # .5 · 4/9 − .4 · 5/9 = 0, reached in the sixth round, from three of the winner
    assert ensemble.weights == pytest.approx((1 - share, share))
    assert ensemble.score == pytest.approx(0, abs=1e-9)
    assert ensemble.single == pytest.approx(0.4)
    shipped = resources.shipped(finished)
    parts = [resources.submitted("splits", script) for script in ("first", "second")]
    assert shipped["id"].tolist() == parts[0]["id"].tolist()
    assert shipped["y"].tolist() == pytest.approx((share * parts[0]["y"] + (1 - share) * parts[1]["y"]).tolist())
    assert resources.graded == [finished.submission_ref], "what ships is what is graded"
    assert "is submitted" in finished.why


def test_where_no_other_helps_the_winner_ships_alone(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1)
    finished = resources.finish(ship="mean")
    assert finished.ensemble is None
    assert finished.winner is not None
    assert resources.graded == [finished.submission_ref] == [finished.winner.submission_ref]


def test_nothing_is_averaged_where_the_scenario_says_so(tmp_path: Path) -> None:
    finished = Shop(tmp_path, first=0.5, second=-0.4).finish(ship="mean", members=1)
    assert finished.ensemble is None
    assert finished.winner is not None
    assert finished.submission_ref == finished.winner.submission_ref


def test_each_hold_out_run_tells_its_own_progress(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1)
    resources.finish(ship="mean")
    assert {event for event, _ in resources.context.told} == {"progress"}
    assert [(detail["label"], detail["line"]) for _, detail in resources.context.told] == [
        (f"holdout run of 0.{step}, seed {seed}", f"epoch {seed}/9") for step in (3, 5) for seed in (1, 2)
    ]


def test_the_holdout_decides_that_the_mean_of_the_split_models_ships(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.3, split_models=0.1)
    finished = resources.finish()
    assert finished.shipped is not None
    assert (finished.shipped.mode, finished.shipped.reason) == ("mean", "better on the hold-out")
    assert (finished.shipped.mean, finished.shipped.refit) == pytest.approx((0.1, 0.3))
    assert finished.winner is not None
    assert finished.submission_ref == finished.winner.submission_ref
    assert [view for view, _, _ in resources.ran] == ["holdout"] * 4 + [f"holdout-{split}" for split in range(5)]
    assert {(script, seed) for view, script, seed in resources.ran[4:]} == {("second", 1)}, "of the winner alone"


def test_the_holdout_decides_that_a_refit_ships(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1, split_models=0.3)
    finished = resources.finish()
    assert finished.shipped is not None
    assert (finished.shipped.mode, finished.shipped.reason) == ("refit", "better on the hold-out")
    assert resources.ran[-1] == ("full", "second", 0), "with the seed of the trials"
    assert resources.shipped(finished).equals(resources.submitted("full", "second"))


@pytest.mark.parametrize(
    ("split", "mode"), [("{kind: random, folds: 3}", "mean"), ("{kind: time, column: date, folds: 3}", "refit")]
)
def test_where_the_holdout_cannot_tell_the_kind_of_split_does(split: str, mode: str, tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1, split_models=0.09, wobble=0.05, split=split)
    shipped = resources.finish().shipped
    assert shipped is not None
    assert shipped.mode == mode
    assert shipped.reason.endswith("on the hold-out the two are within noise of each other")


def test_without_time_to_compare_the_default_ships(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1, split_models=9.0)
    finished = resources.finish(compares=False)
    assert finished.shipped is not None
    assert (finished.shipped.mode, finished.shipped.refit) == ("mean", None)
    assert {view for view, _, _ in resources.ran} == {"holdout"}


@pytest.mark.parametrize("ship", ["mean", "refit"])
def test_as_the_scenario_has_it(ship: str, tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1, split_models=0.01)
    finished = resources.finish(ship=ship)
    assert finished.shipped is not None
    assert (finished.shipped.mode, finished.shipped.reason) == (ship, "as the scenario has it")
    assert [view for view, _, _ in resources.ran[4:]] == ["full"] * (ship == "refit")


def test_a_refit_that_fails_falls_back_to_the_mean_and_says_so(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1, fails={"full"})
    finished = resources.finish(ship="refit")
    assert finished.shipped is not None
    assert finished.shipped.mode == "mean"
    assert finished.shipped.reason == "as the scenario has it; but a refit on all rows failed"
    assert finished.winner is not None
    assert finished.submission_ref == finished.winner.submission_ref


def test_a_comparison_that_fails_leaves_the_default(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1, split_models=9.0, fails={"holdout-2"})
    shipped = resources.finish().shipped
    assert shipped is not None
    assert (shipped.mode, shipped.reason) == ("mean", "the default for a split of kind random")


def test_every_member_of_the_ensemble_is_fitted_again(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=-0.4)
    finished = resources.finish(ship="refit")
    assert finished.ensemble is not None
    assert finished.ensemble.taken
    second, first = finished.ensemble.weights
    assert sorted(resources.ran[4:]) == [("full", "first", 0), ("full", "second", 0)]
    parts = [resources.submitted("full", script) for script in ("first", "second")]
    assert resources.shipped(finished)["y"].tolist() == pytest.approx(
        (first * parts[0]["y"] + second * parts[1]["y"]).tolist()
    )


def test_a_mean_is_made_anew_with_the_rows_that_were_set_apart(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=-0.4)
    finished = resources.finish(apart=True, compares=False)
    assert finished.shipped is not None
    assert (finished.shipped.mode, finished.shipped.whole) == ("mean", True)
    whole = [f"whole-{split}" for split in range(5)]
    assert sorted(resources.ran[4:]) == sorted((view, script, 0) for view in whole for script in ("first", "second"))
    assert finished.ensemble is not None
    second, first = finished.ensemble.weights
    scripts = ("first", "second")
    means = [np.mean([resources.submitted(view, script)["y"] for view in whole], axis=0) for script in scripts]
    mixed = first * means[0] + second * means[1]
    assert resources.shipped(finished)["y"].tolist() == pytest.approx(mixed.tolist())


def test_a_refit_needs_no_more_than_itself_where_rows_were_set_apart(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1, split_models=0.3)
    finished = resources.finish(apart=True)
    assert finished.shipped is not None
    assert (finished.shipped.mode, finished.shipped.whole) == ("refit", False)
    assert [view for view, _, _ in resources.ran[4:]] == [*(f"holdout-{split}" for split in range(5)), "full"]


@pytest.mark.parametrize("ship", ["mean", "refit"])
def test_where_a_run_with_these_rows_fails_the_models_of_the_search_are_submitted(ship: str, tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1, fails={"whole-2", "full"})
    finished = resources.finish(apart=True, ship=ship)
    assert finished.shipped is not None
    assert (finished.shipped.mode, finished.shipped.whole) == ("mean", False)
    assert finished.shipped.reason.endswith("made without the rows of the hold-out, as a run on all rows failed")
    assert finished.winner is not None
    assert finished.submission_ref == finished.winner.submission_ref


def test_where_no_finalist_runs_on_the_holdout_the_best_out_of_fold_score_decides(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1, fails={"holdout"})
    finished = resources.finish()
    assert finished.winner is not None
    assert finished.shipped is not None
    assert finished.shipped.reason == "the default for a split of kind random"
    assert "no finalist ran on the hold-out" in finished.why


def test_two_traces_with_the_same_predictions_send_one_finalist(tmp_path: Path) -> None:
    director = Director(Artefacts(tmp_path))
    first = opened()
    director.apply(said(first.model_copy(update={"scenario": {**first.scenario, "traces": 2}}), 1, None, None))
    for trace in (0, 1):
        director.apply(said(trial(0, "surveyed", 0.5).model_copy(update={"score": None}), 2, trace, 0))
    found = [(0, 1, "alike", 0.4), (1, 1, "alike", 0.4), (1, 2, "other", 0.5), (1, 3, "third", 0.3)]
    for number, (trace, step, ref, score) in enumerate(found, 3):
        director.apply(said(StepOpened(used=0.0, stage="improve"), number, trace, step))
        diagnosis = trial(step, "accepted", score).model_copy(update={"submission_ref": ref})
        director.apply(said(diagnosis, 10 + number, trace, step))
    call = asked_to_finish(director, said(FinishRequested(), 20, None, None))
    assert isinstance(call, FinishCalled)
    told = [(each.trace, each.step, each.submission_ref) for each in call.finalists]
    assert told == [(1, 3, "third"), (0, 1, "alike"), (1, 2, "other")], "best first, and two of trace 1"
    assert call.compares


def test_a_submission_is_a_table_of_the_tests_rows(tmp_path: Path) -> None:
    resources = Shop(tmp_path, first=0.5, second=0.1)
    ids = pd.read_csv(resources.task.public / "test.csv")["id"].tolist()
    for ship in ("mean", "refit"):
        assert resources.shipped(resources.finish(ship=ship))["id"].tolist() == ids
