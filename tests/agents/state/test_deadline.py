"""A budget in time ends a run in time, whatever its scripts do."""

import re
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY, Diagnosis, RepairCalled, StepOpened, Trial
from gome.agents.protocol.run_messages import DeadlineReached, FinishCalled, SessionOpened
from gome.agents.runtime.replay import replay_run
from gome.agents.scripts.execution import BUDGET_SPENT
from gome.agents.state.deadline import Ending, announce_deadline
from gome.bus.message import Draft, Message
from gome.bus.store.sqlite import open_log
from gome.scenarios.config.scenario import Budget
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
    assert run.all(Trial) == []
    ((_, ended),) = run.all(RepairCalled)
    assert re.fullmatch(rf"ran longer than \d+(\.\d)? s by the clock: {BUDGET_SPENT}", ended.words)
    ((_, diagnosis),) = [each for each in run.all(Diagnosis) if each[0].step]
    assert diagnosis.verdict == "unfinished"
    assert diagnosis.reason == f"not repaired: the time for trials was over; it had failed: {ended.words}"
    assert not [ask for ask in server.asks if ask.kind in ("repair_solution", "assess_trial")]
    assert finished.winner is None
    assert anyio.run(replay_run, run.folder).buried == 0


CALLED = FinishCalled(finalists=(), seeds=1, reason="the budget of trials is used")


def opened(budget: dict[str, float] | None = None) -> SessionOpened:
    return SessionOpened(wall=0.0, pid=1, sandbox="none", slots=1, reasoners={}, budget=budget)


@pytest.mark.parametrize(
    ("messages", "announced"),
    [
        ([opened()], 1),
        ([opened(), CALLED], 0),
        ([opened(), CALLED, opened()], 0),
        ([opened(), CALLED, opened({"time": 0.1})], 1),
    ],
)
def test_no_deadline_is_announced_after_the_finish_was_called(
    tmp_path: Path, messages: list[Message], announced: int
) -> None:
    async def told() -> int:
        async with open_log(tmp_path / "run", run="r", vocabulary=VOCABULARY) as log:
            for message in messages:
                await log.append("user", [Draft(message, opens=True)])
            await announce_deadline(log, Budget(time=0.01), Ending())
            return [each.kind for each in await log.read(0, log.head)].count("deadline_reached")

    assert anyio.run(told) == announced
