"""A run in lockstep: the real ring, the real executor; small, and once the quick start on its real data."""

from collections import Counter
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import Diagnosis, Recollection, StepOpened, Trial
from gome.agents.runtime.replay import replay_run
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.store.artefacts import Artefacts
from gome.errors import ReplayDiverged
from gome.executors.launch import Cause
from tests.agents.helpers.runs import SCENARIOS, Run, run_scenario

pytestmark = pytest.mark.xdist_group("lockstep")  # they share one run


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
    assert verdicts == {"surveyed": 2, "accepted": 5, "rejected": 1}
    assert any(
        recalled.trace != envelope.trace for envelope, message in run.all(Recollection) for recalled in message.recalled
    )


def test_every_split_of_every_trial_is_a_run_of_its_own_in_the_log(run: Run) -> None:
    for envelope, trial in run.all(Trial):
        ran = [(finished.label, ran) for each, finished, ran in run.scripts if each.cause == envelope.cause]
        labels = sorted(label for label, _ in ran)
        assert [label[:7] for label in labels] == ["run 1/3", "run 2/3", "run 3/3"]
        assert {label[9:] for label in labels} == {"split-0", "split-1", "split-2"}
        assert trial.evaluation is not None
        good = {each.evaluation.splits[0]: each.evaluation.score for _, each in ran if each.evaluation}
        judged = zip(trial.evaluation.splits, trial.evaluation.folds, strict=True)
        assert all(good[split] == score for split, score in judged)
        assert all(each.cause in (Cause.OK, Cause.ABANDONED) for _, each in ran)


def test_a_trial_that_is_clearly_worse_is_stopped_rejected_and_no_finalist(run: Run) -> None:
    ((place, trial),) = [(envelope, each) for envelope, each in run.all(Trial) if each.stopped]
    assert (place.trace, place.step, trial.stopped) == (0, 3, "worse")
    assert trial.evaluation is not None
    assert (trial.evaluation.partial, trial.evaluation.splits, trial.evaluation.planned) == (True, (0,), 3)
    (said,) = [each for envelope, each in run.all(Diagnosis) if (envelope.trace, envelope.step) == (0, 3)]
    assert (said.verdict, said.layer) == ("rejected", "analysis")
    assert said.reason.startswith("stopped after 1 of 3 splits: worse by ")
    assert said.score == trial.evaluation.score
    assert (0, 3) not in {(each.finalist.trace, each.finalist.step) for each in run.finished.ranking}
    assert all(not each.evaluation.partial for _, each in run.all(Diagnosis) if each.accepted and each.evaluation)


def test_out_of_fold_predictions_have_each_row_once_where_all_splits_were_run(run: Run) -> None:
    for _, trial in run.all(Trial):
        assert trial.oof_ref is not None
        lines = Artefacts(run.folder).read_now(trial.oof_ref).decode().splitlines()
        ids = [row.partition(",")[0] for row in lines[1:]]
        assert len(set(ids)) == len(ids) == (30 if trial.stopped else 90)


def test_scores_are_computed_from_predictions_and_the_holdout_chooses(run: Run) -> None:
    assert all(trial.evaluation is not None and trial.evaluation.verified for _, trial in run.all(Trial))
    finished = run.finished
    assert finished.winner is not None
    assert finished.ranking[0].finalist == finished.winner
    means = [ranking.mean for ranking in finished.ranking if ranking.mean is not None]
    assert means == sorted(means)
    assert finished.grade is not None
    assert finished.submission_ref is not None
    assert finished.shipped is not None


def test_nothing_is_paid_twice(run: Run) -> None:
    started = [(envelope.cause, envelope.sender, message.ordinal) for envelope, message in run.all(ActivityStarted)]
    assert len(started) == len(set(started)) == len(run.all(ActivityFinished))


def test_replay_is_identical(run: Run) -> None:
    replayed = anyio.run(replay_run, run.folder)
    assert replayed.activities == len(run.all(ActivityFinished))
    assert replayed.buried == 0


def test_the_same_seed_and_scenario_give_the_same_run_byte_for_byte(
    run: Run, small_scenario: Path, tmp_path: Path
) -> None:
    again = run_scenario(small_scenario, tmp_path / "second", "executors.slots=3")
    assert again.path == run.path
    assert again.end == run.end
    assert len(again.all(Trial)) == len(run.all(Trial)) == 6


def test_an_altered_prompt_is_named_with_its_first_message(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gome.agents.roles.diagnoser.difference", lambda before, after: "altered" if before else "")
    judged = {envelope.id for envelope, _ in run.all(Trial) if envelope.step == 2}
    with pytest.raises(ReplayDiverged, match=r"AssessTrial|assess|difference") as diverged:
        anyio.run(replay_run, run.folder)
    asked = [each.id for each, _ in run.all(ActivityStarted) if each.cause in judged]
    assert any(each in str(diverged.value) for each in asked), "of either trace: they are diagnosed side by side"
    assert "difference" in str(diverged.value)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_quick_start_is_the_same_twice_and_takes_a_medal(tmp_path: Path) -> None:
    one, two = (run_scenario(SCENARIOS / "lockstep.yaml", tmp_path / name, "budget.trials=6") for name in ("a", "b"))
    assert one.path == two.path
    assert one.end == two.end
    assert one.finished.grade is not None
    assert one.finished.grade.score <= 0.43
