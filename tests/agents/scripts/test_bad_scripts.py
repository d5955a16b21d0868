"""Scripts that fail, hang or write wrong files: failed trials, each explained, and the run goes on to a good one."""

import anyio
import pytest

from gome.agents.protocol.messages import Diagnosis, RepairCalled, Trial
from gome.agents.runtime.replay import replay_run
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import Run, conducted
from tests.agents.helpers.stubs import line, small, small_task, writing

pytestmark = pytest.mark.xdist_group("bad-scripts")  # they share one run

GOOD = line(0.9)
FAILS = line(0.9, "raise ValueError('no such luck')")
HANGS = line(0.9, "import time\nwhile True:\n    time.sleep(1)")
WRONG = line(0.9) + "\nPath(given.out, 'submission.csv').write_text('id,y\\n1,1.0\\n')\n"
SILENT = "print('nothing to say')\n"
SCRIPTS = [FAILS, HANGS, WRONG, SILENT, GOOD]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("bad")
    with ModelServer(writing(lambda _, step: SCRIPTS[step - 1])) as server:
        executors = {"slots": 2, "threads": 1, "standby": False, "repairs": 1, "timeout": {"debug": "2s", "full": "2s"}}
        scenario = small(
            small_task(folder), server, traces=1, budget={"trials": len(SCRIPTS)}, memory={}, executors=executors
        )
        return conducted(scenario, folder / "run")


def test_each_bad_script_is_repaired_once_and_then_a_failed_trial(run: Run) -> None:
    trials = {envelope.step: trial for envelope, trial in run.all(Trial)}
    assert [trials[step].cause for step in (1, 2, 3, 4, 5)] == ["exit", "timeout", "ok", "ok", "ok"]
    assert [trials[step].attempts for step in (1, 2, 3, 4, 5)] == [2, 2, 2, 2, 1]
    assert [envelope.step for envelope, _ in run.all(RepairCalled)] == [1, 2, 3, 4]


def test_the_diagnosis_says_why(run: Run) -> None:
    reasons = {envelope.step: diagnosis.reason for envelope, diagnosis in run.all(Diagnosis)}
    verdicts = {envelope.step: diagnosis.verdict for envelope, diagnosis in run.all(Diagnosis)}
    assert [verdicts[step] for step in (1, 2, 3, 4, 5)] == ["failed"] * 4 + ["accepted"]
    assert "status 1" in reasons[1]
    assert "2 s" in reasons[2]
    assert "submission.csv" in reasons[3]
    assert "submission.csv was not written" in reasons[4]
    layers = [diagnosis.layer for envelope, diagnosis in run.all(Diagnosis) if envelope.step in (1, 2, 3, 4)]
    assert layers == ["format"] * 4


def test_what_a_failing_script_printed_reaches_the_one_who_repairs_it(run: Run) -> None:
    outputs = [
        (run.folder / "artefacts" / repair.output_ref[:2] / repair.output_ref[2:]).read_text()
        for _, repair in run.all(RepairCalled)
        if repair.output_ref
    ]
    assert any("no such luck" in output for output in outputs)


def test_the_run_goes_on_to_the_good_one_and_replays(run: Run) -> None:
    assert run.finished.winner is not None
    assert run.finished.winner.step == 5
    assert (run.finished.trials, run.finished.accepted, run.finished.dead_letters) == (5, 1, 0)
    assert anyio.run(replay_run, run.folder).buried == 0


def test_the_first_split_that_fails_ends_the_trial(run: Run) -> None:
    (failed,) = [envelope for envelope, trial in run.all(Trial) if trial.cause == "timeout"]
    causes = [ran.cause for envelope, _, ran in run.scripts if envelope.cause == failed.cause]
    assert sorted(causes) in (["abandoned", "abandoned", "timeout"], ["abandoned", "timeout", "timeout"])
