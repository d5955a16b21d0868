"""A budget in time ends a run in time, whatever its scripts do."""

import re
from pathlib import Path

import anyio

from gome.agents.protocol.messages import Diagnosis, RepairCalled, StepOpened, Trial
from gome.agents.protocol.run_messages import DeadlineReached
from gome.agents.runtime.replay import replay_run
from gome.agents.scripts.execution import BUDGET_SPENT
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import conducted
from tests.agents.helpers.stubs import small, small_task, writing
from tests.agents.scripts.test_bad_scripts import HANGS


def test_hanging_scripts_do_not_outlast_the_budget(tmp_path: Path) -> None:
    with ModelServer(writing(lambda *_: HANGS)) as server:
        executors = {"slots": 1, "standby": False, "timeout": {"debug": "10min", "full": "1h"}}
        scenario = small(
            small_task(tmp_path), server, traces=1, budget={"time": "7s"}, memory={}, executors=executors, method={}
        )
        run = conducted(scenario, tmp_path / "run")
    finished = run.finished
    assert len(run.all(DeadlineReached)) == 1
    steps = [envelope for envelope, _ in run.all(StepOpened)]
    assert len(steps) == 1, "the first script took all the time there was"
    assert [trial.late for _, trial in run.all(Trial)] == [True]
    ((_, ended),) = run.all(RepairCalled)
    assert re.fullmatch(rf"ran longer than \d+(\.\d)? s: {BUDGET_SPENT}", ended.words)
    assert [diagnosis.verdict for envelope, diagnosis in run.all(Diagnosis) if envelope.step] == ["failed"]
    assert finished.winner is None
    assert anyio.run(replay_run, run.folder).buried == 0
