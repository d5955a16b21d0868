"""A task that the harness cannot split: a script validates itself, and its score is marked as its own word."""

import anyio
import pytest

from gome.agents.protocol.messages import Diagnosis, Trial
from gome.agents.protocol.run_messages import RunOpened
from gome.agents.runtime.replay import replay_run
from gome.executors.launch import Cause
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import Run, conducted
from tests.agents.helpers.stubs import line, small, small_task, writing

pytestmark = pytest.mark.xdist_group("own-split")  # they share one run

SCORES = {1: "0.5", 2: "0.3", 3: "0.4", 4: "'none'"}


def claiming(_: int, step: int) -> str:
    """A script that says what its own validation came to; smaller is better."""
    said = f'{{"score": {SCORES[step]}}}'.replace("'", '"')
    return line(0.9 + step / 100, f"Path(given.out, 'evidence.json').write_text('{said}')")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("own")
    with ModelServer(writing(claiming)) as server:
        task = small_task(folder, split="{kind: own}")
        return conducted(small(task, server, traces=1, budget={"trials": 4}), folder / "run")


def test_it_is_run_once_on_all_rows_and_judged_by_its_own_word(run: Run) -> None:
    (opened,) = [message for _, message in run.all(RunOpened)]
    assert (opened.splits, opened.baseline) == (("full",), None)
    trials = [trial for _, trial in run.all(Trial)]
    assert [trial.evaluation.score if trial.evaluation else None for trial in trials] == [0.5, 0.3, 0.4, None]
    assert not any(trial.evaluation.verified for trial in trials[:3] if trial.evaluation)
    assert all(trial.submission_ref for trial in trials[:3])
    assert all(trial.oof_ref is None and trial.stopped is None for trial in trials)
    verdicts = {each.step: message.verdict for each, message in run.all(Diagnosis) if each.step}
    assert verdicts == {1: "accepted", 2: "accepted", 3: "rejected", 4: "failed"}


def test_there_is_no_hold_out_and_what_ships_was_run_before(run: Run) -> None:
    finished = run.finished
    assert finished.winner is not None
    assert (finished.winner.step, finished.winner.score) == (2, 0.3)
    assert [ranking.scores for ranking in finished.ranking] == [()] * len(finished.ranking)
    assert finished.shipped is not None
    assert finished.shipped.mode == "refit"
    assert finished.submission_ref == finished.winner.submission_ref
    assert {ran.cause for _, _, ran in run.scripts} == {Cause.OK}
    assert [ran.reused for each, _, ran in run.scripts if not each.step] == [True]
    assert anyio.run(replay_run, run.folder).buried == 0
