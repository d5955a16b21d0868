"""How long a failing script is repaired: so many times, and within so much debug time."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.protocol.messages import Job, RepairCalled, Trial
from gome.agents.roles.runner import Runner
from gome.agents.scripts.completion import Completion
from gome.agents.scripts.error_analysis import Analysed, Analysing
from gome.agents.scripts.joined_splits import Assembled, Assembling
from gome.agents.scripts.script_run import ScriptRan, ScriptRun
from gome.bus.store.artefacts import Artefacts
from gome.executors.launch import Cause
from tests.agents.method.test_invariants import opened, said


class Failing:
    """A forward pass of which every script fails after so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def run(self, request: ScriptRun, owner: str, **_: Any) -> ScriptRan:
        return ScriptRan(cause=Cause.EXIT, words="exit 1", seconds=self.seconds)


async def nothing_to_assemble(request: Assembling) -> Assembled:
    raise AssertionError(f"no script of {request.planned} splits went well")


async def nothing_to_analyse(request: Analysing) -> Analysed:
    raise AssertionError(f"no predictions {request.oof_ref}")


class Straight:
    """A context that performs activities and records none."""

    async def perform(self, kind: str, request: Any, of: Any, call: Callable[[], Awaitable[Any]], label: str) -> Any:
        return await call()


def attempts(folder: Path, seconds: float, consistency: str, **executors: Any) -> int:
    """How many scripts a step runs until it is given up."""
    first = opened()
    settings = {"timeout": {"debug": 10.0, "full": 10.0}, "debug": True, **executors}
    memory = {"consistency": consistency}
    first = first.model_copy(update={"scenario": {**first.scenario, "executors": settings, "memory": memory}})
    runner = Runner(0, Failing(seconds), Artefacts(folder), Completion(nothing_to_assemble, nothing_to_analyse))
    runner.apply(said(first, 1, None, None))
    context: Any = Straight()
    for attempt in range(1, 30):
        (answer,) = anyio.run(
            runner.handle, said(Job(script_ref="s", attempt=attempt, notes=""), attempt, 0, 1), context
        )
        if isinstance(answer.message, Trial):
            assert answer.message.attempts == attempt
            return attempt
        assert isinstance(answer.message, RepairCalled)
        runner.apply(said(answer.message, 100 + attempt, 0, 1))
    raise AssertionError("it never ends")


@pytest.mark.parametrize(
    ("seconds", "executors", "expected"),
    [
        (0.0, {}, 11),  # the first and ten repairs
        (8.0, {}, 5),  # 8 16 24 32, and the fifth comes to 40 s, four times the debug limit
        (8.0, {"repair_time": 2.0}, 3),  # 8 16, and the third is past 20 s
        (8.0, {"repairs": 1}, 2),
    ],
)
def test_a_script_is_repaired_ten_times_and_within_four_debug_limits(
    tmp_path: Path, seconds: float, executors: dict[str, Any], expected: int
) -> None:
    assert attempts(tmp_path, seconds, "async", **executors) == expected


def test_in_lockstep_measured_time_has_no_say(tmp_path: Path) -> None:
    assert attempts(tmp_path, 8.0, "lockstep") == 11


def test_a_script_has_three_tries_on_the_splits(tmp_path: Path) -> None:
    assert attempts(tmp_path, 8.0, "async", debug=False) == 3
