"""The quick start in lockstep: the real ring, the real executor, the real data, no key."""

from collections import Counter
from pathlib import Path

import anyio
import pytest

from agents.messages import Diagnosis, Recollection, StepOpened, Trial
from agents.rehearsal import rehearse
from bus.lifecycle import ActivityFinished, ActivityStarted
from errors import ReplayDiverged
from tests.agents.conftest import TRIALS
from tests.agents.runs import Run, run_scenario

pytestmark = pytest.mark.xdist_group("lockstep")  # they share one long run


@pytest.fixture(scope="module")
def run(lockstep_run: Run) -> Run:
    return lockstep_run


def test_every_role_speaks_and_every_step_ends_in_one_diagnosis(run: Run) -> None:
    senders = {envelope.sender.rstrip("-0123456789") for envelope in run.envelopes}
    assert senders >= {"director", "diagnoser", "proposer", "memory-keeper", "writer", "runner", "finisher"}
    opened = {(envelope.trace, envelope.step) for envelope, _ in run.all(StepOpened)}
    assert len(opened) == 6
    ends = Counter((envelope.trace, envelope.step) for envelope, _ in run.all(Diagnosis))
    assert set(ends.values()) == {1}
    assert set(ends) == opened | {(0, 0), (1, 0)}


def test_ideas_are_accepted_and_pass_from_trace_to_trace(run: Run) -> None:
    verdicts = Counter(diagnosis.verdict for _, diagnosis in run.all(Diagnosis))
    assert verdicts["accepted"] >= 2
    assert any(
        recalled.trace != envelope.trace for envelope, message in run.all(Recollection) for recalled in message.recalled
    )


def test_reasoning_and_execution_of_different_traces_overlap(run: Run) -> None:
    spans = [
        (envelope.trace, finished.activity, envelope.time - finished.seconds, envelope.time)
        for envelope, finished in run.all(ActivityFinished)
    ]
    reasoning = [span for span in spans if span[1] == "reason"]
    running = [span for span in spans if span[1] == "script"]
    assert any(
        thought[0] != ran[0] and thought[2] < ran[3] and ran[2] < thought[3] for thought in reasoning for ran in running
    )


def test_scores_are_computed_from_predictions_and_the_holdout_chooses(run: Run) -> None:
    assert all(trial.evaluation is not None and trial.evaluation.verified for _, trial in run.all(Trial))
    finished = run.finished
    assert finished.winner is not None
    assert finished.ranking[0].finalist == finished.winner
    means = [ranking.mean for ranking in finished.ranking if ranking.mean is not None]
    assert means == sorted(means)
    assert finished.grade is not None
    assert finished.grade.score <= 0.43


def test_nothing_is_paid_twice(run: Run) -> None:
    started = [(envelope.cause, envelope.sender, message.ordinal) for envelope, message in run.all(ActivityStarted)]
    assert len(started) == len(set(started)) == len(run.all(ActivityFinished))


def test_replay_is_identical(run: Run) -> None:
    replayed = anyio.run(rehearse, run.folder)
    assert replayed.activities == len(run.all(ActivityFinished))
    assert replayed.buried == 0


def test_the_same_seed_and_scenario_give_the_same_run_byte_for_byte(run: Run, tmp_path: Path) -> None:
    again = run_scenario("lockstep.yaml", tmp_path / "second", TRIALS)
    assert again.path == run.path
    assert again.end == run.end


def test_an_altered_prompt_is_named_with_its_first_message(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.diagnoser._difference", lambda before, after: "altered" if before else "")
    judged = {envelope.id for envelope, _ in run.all(Trial) if envelope.step == 2}
    with pytest.raises(ReplayDiverged, match=r"AssessTrial|assess|difference") as diverged:
        anyio.run(rehearse, run.folder)
    asked = [each.id for each, _ in run.all(ActivityStarted) if each.cause in judged]
    assert any(each in str(diverged.value) for each in asked), "of either trace: they are diagnosed side by side"
    assert "difference" in str(diverged.value)
