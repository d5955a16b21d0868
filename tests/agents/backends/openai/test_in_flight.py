"""Many calls in flight at once, of one run: each role keeps its order, and no call is lost or made twice."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY
from gome.agents.runtime.lifecycle import start_run
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.message import Envelope, Message
from gome.bus.store.reader import LogReader
from gome.scenarios.config.scenario import Scenario
from tests.agents.helpers.canned import canned
from tests.agents.helpers.model_server import Ask, ModelServer, Play
from tests.scenarios.helpers.make_task import make_task


class Gate:
    """Holds every question of a kind until `size` are in flight, then lets them go in the opposite order."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.come: list[int] = []
        self.most = 0
        self._changed = threading.Condition()

    def hold(self, trace: int) -> None:
        with self._changed:
            self.come.append(trace)
            self.most = max(self.most, len(self.come))
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most == self.size and self.come[-1] == trace, timeout=120)
            self.come.remove(trace)
            self._changed.notify_all()


def held(gate: Gate) -> Callable[[Ask], Play]:
    """A model whose proposals go through the gate: else a trace is done before others begin, and goes again."""

    def turn(ask: Ask) -> Play:
        if ask.kind == "propose_step":
            gate.hold(ask.trace)
        return canned(ask)

    return turn


def scenario(task: Path, base_url: str, traces: int) -> Scenario:
    """One survey for all, and of every trace a trial whose script is refused before it runs: three questions."""
    backend = {"kind": "openai", "model": "m", "base_url": base_url, "concurrency": traces, "context": 32_000}
    return Scenario.model_validate(
        {
            "name": "in-flight",
            "task": str(task),
            "traces": traces,
            "budget": {"trials": traces},
            "backends": {"local": backend},
            "roles": {"diagnoser": "local", "proposer": "local", "executor": "local"},
            "executors": {"slots": 1, "repairs": 0, "timeout": {"debug": "20s", "full": "20s"}},
        }
    )


def activities(folder: Path) -> list[Envelope]:
    with LogReader(folder, VOCABULARY) as reader:
        kinds = ["activity_started", "activity_finished"]
        return [each for each in reader.envelopes(kinds=kinds) if activity_of(each.message) == "reason"]


def activity_of(message: Message) -> str:
    assert isinstance(message, ActivityStarted | ActivityFinished)
    return message.activity


def order(*labels: str) -> list[str]:
    """One after the other, each asked once and answered."""
    return [f"{word} {label}" for label in labels for word in ("asks", "has")]


@pytest.mark.parametrize("traces", [40, pytest.param(200, marks=pytest.mark.slow)])
def test_none_is_lost_and_every_role_keeps_its_order(tmp_path: Path, traces: int) -> None:
    gate, folder = Gate(traces), tmp_path / "run"
    with ModelServer(held(gate)) as server:
        asked = scenario(make_task(tmp_path / "task", rows=200), server.base_url, traces)
        finished = anyio.run(lambda: start_run(asked, tmp_path, folder, run_id="in-flight"))
    assert finished is not None
    assert (finished.trials, finished.dead_letters) == (traces, 0)
    assert gate.most == traces

    made = Counter((ask.kind, ask.trace) for ask in server.asks)
    assert len(made) == 1 + 3 * traces
    assert set(made.values()) == {1}

    heard: dict[str, list[str]] = defaultdict(list)
    for each in activities(folder):
        match each.message:
            case ActivityStarted(label=label):
                heard[each.sender].append(f"asks {label}")
            case ActivityFinished(label=label):
                heard[each.sender].append(f"has {label}")
    for trace in range(traces):
        surveys = [] if trace else ["SurveyTask"]
        assert heard[f"diagnoser-{trace}"] == order(*surveys, "AssessTrial")
        assert heard[f"proposer-{trace}"] == order("ProposeStep")
        assert heard[f"writer-{trace}"] == order("WriteSolution")
