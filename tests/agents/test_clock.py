"""A budget in time ends a run in time, whatever its scripts do."""

import json
import re
from pathlib import Path

import anyio

from agents.conduct import conduct
from agents.forward import BUDGET_SPENT
from agents.messages import DeadlineReached, Diagnosis, RepairCalled, StepOpened, Trial
from agents.rehearsal import rehearse
from scenarios.schema import Scenario
from tests.agents.model_server import Ask, ModelServer, Play, say
from tests.agents.runs import read_run
from tests.agents.test_bad_scripts import HANGS, answer
from tests.scenarios.make_task import make_task


def hanging(ask: Ask) -> Play:
    """A model whose scripts all hang."""
    if ask.kind in ("write_solution", "repair_solution"):
        return say(f"It waits.\n\n```python\n{HANGS}\n# {json.dumps(ask.step)}\n```\n")
    return answer(ask)


def test_hanging_scripts_do_not_outlast_the_budget(tmp_path: Path) -> None:
    task = make_task(tmp_path / "task")
    with ModelServer(hanging) as server:
        scenario = Scenario.model_validate(
            {
                "name": "in-time",
                "task": str(task),
                "traces": 1,
                "budget": {"time": "12s"},
                "backends": {"scripted": {"kind": "openai", "model": "scripted", "base_url": server.base_url}},
                "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "scripted"),
                "executors": {"slots": 1, "timeout": {"debug": "10min", "full": "1h"}},
            }
        )
        finished = anyio.run(lambda: conduct(scenario, tmp_path / "in-time.yaml", tmp_path / "run", run_id="in-time"))
    assert finished is not None
    run = read_run(tmp_path / "run", finished)
    assert len(run.all(DeadlineReached)) == 1
    steps = [envelope for envelope, _ in run.all(StepOpened)]
    assert len(steps) == 1, "the first script took all the time there was"
    assert [trial.late for _, trial in run.all(Trial)] == [True]
    ((_, ended),) = run.all(RepairCalled)
    assert re.fullmatch(rf"ran longer than \d+(\.\d)? s: {BUDGET_SPENT}", ended.words)
    assert [diagnosis.verdict for envelope, diagnosis in run.all(Diagnosis) if envelope.step] == ["failed"]
    assert finished.winner is None
    assert anyio.run(rehearse, run.folder).buried == 0
