"""Questions that come to nothing are recorded, paid once, and end their step; `replay` answers from a log."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.backends.factory import make_backend
from gome.agents.protocol.messages import VOCABULARY, Diagnosis
from gome.agents.protocol.requests import ProposeStep
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.lifecycle import start_run
from gome.bus.events import ActivityFinished, ActivityStarted, DeadLetter
from gome.bus.message import Message
from gome.bus.store.reader import LogReader
from gome.errors import Outage, RunNotFound
from gome.scenarios.config.scenario import ReplayBackend, Scenario
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.canned import TOKENS, USAGE, canned
from tests.agents.helpers.model_server import Ask, ModelServer, Play, say
from tests.scenarios.helpers.make_task import make_task


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_task(tmp_path_factory.mktemp("task") / "task", rows=200)


def scenario(task: Path, backend: dict[str, Any], repairs: int = 0) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "failures",
            "task": str(task),
            "traces": 1,
            "budget": {"trials": 2},
            "memory": {"consistency": "lockstep"},
            "backends": {"model": backend},
            "roles": {"diagnoser": "model", "proposer": "model", "executor": "model"},
            "executors": {"slots": 1, "repairs": repairs, "timeout": {"debug": "20s", "full": "20s"}},
        }
    )


def conducted(asked: Scenario, folder: Path) -> tuple[RunFinished, list[Message]]:
    finished = anyio.run(lambda: start_run(asked, folder, folder, run_id=folder.name))
    assert finished is not None
    with LogReader(folder, VOCABULARY) as reader:
        return finished, [envelope.message for envelope in reader.envelopes()]


def test_a_question_without_a_usable_answer_is_paid_once_and_its_step_ends(task: Path, tmp_path: Path) -> None:
    def turn(ask: Ask) -> Play:
        return say("I would rather not.", usage=USAGE) if ask.kind == "propose_step" else canned(ask)

    with ModelServer(turn) as server:
        backend = {"kind": "openai", "model": "m", "base_url": server.base_url, "asks": 2}
        finished, messages = conducted(scenario(task, backend), tmp_path / "run")
    asked = [ask.kind for ask in server.asks]
    assert asked == ["survey_task", *["propose_step"] * 4], "two asks a step, and none for a second delivery"
    letters = [each for each in messages if isinstance(each, DeadLetter)]
    assert len(letters) == finished.trials == 2
    assert "gave no usable answer to propose_step in 2 tries" in letters[0].error
    meters = [each.meter for each in messages if isinstance(each, ActivityFinished)]
    assert sum(meter["calls"] for meter in meters) == server.calls
    assert sum(meter["tokens"] for meter in meters) == server.calls * TOKENS


def test_a_script_larger_than_the_models_window_is_a_dead_letter_with_words(task: Path, tmp_path: Path) -> None:
    huge = "\n".join(f"line_{number} = {number}" for number in range(8000)) + "\ndef unfinished(:\n"

    def turn(ask: Ask) -> Play:
        return say(f"```python\n{huge}```", usage=USAGE) if ask.kind == "write_solution" else canned(ask)

    with ModelServer(turn) as server:
        backend = {"kind": "openai", "model": "m", "base_url": server.base_url, "context": 32_000}
        finished, messages = conducted(scenario(task, backend, repairs=1), tmp_path / "run")
    assert all(ask.kind != "repair_solution" for ask in server.asks)
    letters = [each for each in messages if isinstance(each, DeadLetter)]
    assert len(letters) == finished.trials == 2
    assert "the prompt of repair_solution needs at least about" in letters[0].error
    assert "larger `context`" in letters[0].error


@pytest.fixture(scope="module")
def recorded(task: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Message]]:
    folder = tmp_path_factory.mktemp("runs") / "recorded"
    with ModelServer(canned) as server:
        backend = {"kind": "openai", "model": "m", "base_url": server.base_url}
        return folder, conducted(scenario(task, backend), folder)[1]


def test_a_replayed_run_takes_the_same_way_and_pays_nothing(
    recorded: tuple[Path, list[Message]], task: Path, tmp_path: Path
) -> None:
    folder, before = recorded
    _, after = conducted(scenario(task, {"kind": "replay", "run": str(folder)}), tmp_path / "again")
    ways = [[each for each in messages if isinstance(each, Diagnosis)] for messages in (before, after)]
    assert ways[0] == ways[1]
    assert len(ways[0]) == 3
    meters = [each.meter for each in after if isinstance(each, ActivityFinished) and each.activity == "reason"]
    assert meters == [{"calls": 0.0, "tokens": 0.0, "usd": 0.0}] * 7


def test_what_was_not_recorded_pauses_with_the_difference(recorded: tuple[Path, list[Message]]) -> None:
    folder, messages = recorded
    backend = make_backend("again", ReplayBackend(kind="replay", run=str(folder)))
    assert backend.label == "again (replay of recorded)"
    started = next(each for each in messages if isinstance(each, ActivityStarted) and each.label == "ProposeStep")
    with LogReader(folder, VOCABULARY) as reader:
        request = ProposeStep.model_validate(json.loads(reader.artefacts.read_now(started.request_ref)))
    answer = anyio.run(backend.answer, request)
    assert answer.reply["candidates"][0]["statement"] == made.idea().statement
    with pytest.raises(Outage, match=r"the recorded request differs \(stage: .*ensemble"):
        anyio.run(backend.answer, request.model_copy(update={"stage": "ensemble"}))
    with pytest.raises(Outage, match="the recorded run has no such request"):
        anyio.run(backend.answer, request.model_copy(update={"step": 99}))


def test_a_replay_of_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound):
        make_backend("again", ReplayBackend(kind="replay", run=str(tmp_path)))
