"""Scripts that take long: judged on the splits that decide, and what is kept of them completed when slots are idle."""

from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import Diagnosis, SolutionCompleted, Trial
from gome.agents.protocol.run_messages import FinishCalled
from gome.agents.runtime.replay import replay_run
from gome.agents.scripts.script_run import finish_run
from gome.bus.actors.activity import canonical, request_hash
from gome.bus.events import ActivityStarted
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import Run, conducted
from tests.agents.helpers.stubs import line, small, small_task, writing

pytestmark = pytest.mark.xdist_group("heavy")  # they share one run

KNOBS = {1: 0.05, 2: 0.95, 3: -1.5}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A first solution, one that is clearly better and one that is clearly worse, each of them heavy."""
    folder = tmp_path_factory.mktemp("heavy")
    racing = {"heavy": 0.001, "decisive": 0.3}  # a script is decided on a gain that is still a near-tie
    method = {"racing": racing, "near_ties": "gain", "finish": {"candidates": 2, "seeds": 1}}
    with ModelServer(writing(lambda _, step: line(KNOBS[step]))) as server:
        task = small_task(folder, split="{kind: random, folds: 4}")
        scenario = small(task, server, traces=1, budget={"trials": 3}, memory={}, method=method)
        return conducted(scenario, folder / "run")


def test_one_split_decides(run: Run) -> None:
    trials = [trial for _, trial in run.all(Trial)]
    assert [trial.stopped for trial in trials] == ["decided", "decided", "worse"]
    assert all(trial.words.endswith(" s") and "after 1 of 4 splits" in trial.words for trial in trials[:2])
    assert all(trial.evaluation is not None and trial.evaluation.partial for trial in trials)
    verdicts = [message.verdict for each, message in run.all(Diagnosis) if each.step]
    assert verdicts == ["accepted", "accepted", "rejected"]


def test_what_was_kept_is_completed_and_ships_with_all_of_its_splits(run: Run) -> None:
    accepted = [message.script_ref for _, message in run.all(Diagnosis) if message.accepted]
    ((called, call),) = run.all(FinishCalled)
    completed = {message.script_ref: message for each, message in run.all(SolutionCompleted) if each.seq < called.seq}
    assert accepted[0] in completed
    for finalist in call.finalists:
        whole = completed.get(finalist.script_ref)
        if whole is not None:
            assert not whole.evaluation.partial
            assert (finalist.score, finalist.splits) == (whole.evaluation.score, (0, 1, 2, 3))
            assert finalist.submission_ref == whole.submission_ref
    assert run.finished.winner is not None
    assert run.finished.winner.step == 2
    assert anyio.run(replay_run, run.folder).buried == 0


def test_a_trial_with_the_predictions_of_the_best_stops_after_one_split(tmp_path: Path) -> None:
    with ModelServer(writing(lambda _, step: line(0.3, f"print({step})"))) as server:
        task = small_task(tmp_path, split="{kind: random, folds: 4}")
        scenario = small(task, server, traces=1, budget={"trials": 2}, memory={})
        run = conducted(scenario, tmp_path / "run")
    trial = next(message for each, message in run.all(Trial) if each.step == 2)
    assert trial.stopped == "same" and "stopped after 1 of 4 splits" in trial.words
    verdict = next(message for each, message in run.all(Diagnosis) if each.step == 2)
    assert verdict.effect is not None and verdict.effect.none and verdict.verdict == "rejected"
    assert verdict.hypothesis_verdict == "untested", "whatever the model says"


def test_a_near_miss_is_completed_and_becomes_a_candidate_of_the_ensemble(tmp_path: Path) -> None:
    knobs = {1: line(0.9), 2: line(0.88), 3: line(0.5, "import time; time.sleep(2)")}
    with ModelServer(writing(lambda _, step: knobs[step])) as server:
        task = small_task(tmp_path, split="{kind: random, folds: 3}")
        finish = {"candidates": 1, "seeds": 1, "near_misses": 3.0}
        method = {"finish": finish, "racing": {"futility": 0, "margin": 9}}
        executors = {"slots": 4, "threads": 1, "standby": False}
        changed = {"budget": {"trials": 3}, "memory": {}, "method": method, "executors": executors}
        run = conducted(small(task, server, traces=1, **changed), tmp_path / "run")
    (_, missed), ((_, call),) = run.all(Trial)[1], run.all(FinishCalled)
    assert missed.stopped == "futile"
    assert [message.verdict for each, message in run.all(Diagnosis) if each.step == 2] == ["rejected"]
    completed = {message.script_ref: message.evaluation for _, message in run.all(SolutionCompleted)}
    assert not completed[missed.script_ref].partial
    assert missed.script_ref in [each.script_ref for each in call.pool]
    assert missed.script_ref not in [each.script_ref for each in call.finalists]
    assert anyio.run(replay_run, run.folder).buried == 0


def test_with_more_slots_than_traces_the_finish_finds_its_first_runs_made(tmp_path: Path) -> None:
    with ModelServer(writing(lambda _, step: line(KNOBS[step]))) as server:
        task = small_task(tmp_path, split="{kind: random, folds: 3}")
        method = {"finish": {"candidates": 1, "seeds": 1}}
        scenario = small(task, server, traces=1, budget={"trials": 2}, memory={}, method=method)
        run = conducted(scenario, tmp_path / "run")
    ahead = [message.request_hash for each, message in run.all(ActivityStarted) if each.sender == "completer-0"]
    assert ahead, "there are two slots"
    (first,) = [message.script_ref for each, message in run.all(Diagnosis) if each.step == 1]
    assert first is not None
    assert request_hash("script", canonical(finish_run(scenario, first, "holdout", 0))) == ahead[0]
    assert anyio.run(replay_run, run.folder).buried == 0


def test_a_trial_is_compared_on_each_of_its_splits(tmp_path: Path) -> None:
    """The best was accepted on one split: where a trial that is much as good goes on, the best does too."""
    knobs = {1: 0.30, 2: 0.301}
    racing = {"heavy": 0.001, "futility": 9.0, "decisive": 99.0, "margin": 99.0}  # nothing but the last split decides
    with ModelServer(writing(lambda _, step: line(knobs[step]))) as server:
        task = small_task(tmp_path, split="{kind: random, folds: 4}")
        method = {"racing": racing, "finish": {"candidates": 1, "seeds": 1}}
        slots = {"slots": 1, "threads": 1, "standby": False}  # none is ever idle
        scenario = small(task, server, traces=1, budget={"trials": 2}, memory={}, method=method, executors=slots)
        run = conducted(scenario, tmp_path / "run")
    (first, second) = [message for each, message in run.all(Diagnosis) if each.step]
    assert first.evaluation is not None and first.evaluation.splits == (0,)
    assert second.effect is not None and second.effect.splits == 4
    completions = [(each.sender, message) for each, message in run.all(SolutionCompleted)]
    assert ("runner-0", first.script_ref) in [(sender, message.script_ref) for sender, message in completions]
    assert all(len(message.evaluation.splits) == 4 for _, message in completions)
    assert anyio.run(replay_run, run.folder).buried == 0
