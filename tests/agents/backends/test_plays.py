"""Every way in which an endpoint may answer, through a whole run: what the run does, and that none is lost.

A server plays one of them to each `propose_step`, for as long as it is not mended. Then a run either goes on as
though nothing were amiss; or it asks again, gives the step up with words, and ends in good order; or it pauses with
words, and once the server is mended it is resumed and ends, with no finished call paid twice.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.lifecycle import resume, start_run
from gome.bus.events import DeadLetter
from gome.bus.store.reader import LogReader
from gome.errors import Outage
from gome.scenarios.config.scenario import Scenario
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.canned import canned
from tests.agents.helpers.model_server import Ask, ModelServer, Play, as_stream, drop, fail, hang, refuse, say, slowly
from tests.scenarios.helpers.make_task import make_task

ASKED = ("survey_task", "propose_step", "write_solution", "assess_trial")
GOOD = json.dumps({"candidates": [made.idea().model_dump()], "choice": [1]})


@dataclass(frozen=True)
class Case:
    """What the server plays, what the run makes of it, and in which words. `settings` are those of the backend."""

    play: Callable[[Ask], Play]
    does: Literal["goes on", "gives the step up", "pauses"]
    words: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def always(play: Play) -> Callable[[Ask], Play]:
    return lambda _: play


STREAM: dict[str, Any] = {"stream": True, "retries": 1}
CASES = {
    "normal": Case(canned, "goes on"),
    "streamed": Case(lambda ask: as_stream(canned(ask)), "goes on", settings=STREAM),
    "slow tokens": Case(lambda ask: slowly(as_stream(canned(ask)), 0.02), "goes on", settings=STREAM | {"timeout": 2}),
    "429 with Retry-After": Case(
        always(fail(429, "slow down", headers={"Retry-After": "0.01"})), "pauses", "status 429: slow down"
    ),
    "429 without": Case(always(fail(429, "slow down")), "pauses", "status 429: slow down"),
    "500": Case(always(fail(500, "oh no")), "pauses", "status 500: oh no"),
    "400 on a refused parameter": Case(
        lambda ask: refuse("temperature", canned(ask))(ask) if "temperature" in ask.body else canned(ask),
        "goes on",
        settings={"temperature": 0.5},
    ),
    "dropped connection": Case(always(drop()), "pauses", "the connection failed"),
    "stream cut short": Case(
        lambda ask: as_stream(canned(ask), end=False), "pauses", "broke off before its finish reason", STREAM
    ),
    "corrupt chunk": Case(
        lambda ask: as_stream(canned(ask), corrupt=True), "pauses", "a chunk of the stream is not JSON", STREAM
    ),
    "never answers": Case(always(hang()), "pauses", "no answer within 3 s", {"timeout": 3, "retries": 0}),
    "malformed JSON": Case(always(say(GOOD[:-2])), "gives the step up", "not well formed"),
    "JSON in prose": Case(always(say(f"Certainly!\n{GOOD}\nGood luck.")), "goes on"),
    "wrong schema": Case(always(say('{"ideas": []}')), "gives the step up", "candidates: Field required"),
    "empty choice": Case(always(say(None, choices=False)), "gives the step up", "empty list of choices"),
    "cut at max tokens": Case(
        always(say(GOOD[:90], finish="length")), "gives the step up", "cut off at the limit of tokens"
    ),
    "refusal": Case(always(say(None, refusal="I had rather not.")), "gives the step up", "refused: I had rather not"),
    "wrong model name": Case(always(fail(404, "no such model")), "pauses", "has no model 'm'.*Check `model`"),
    "2 MB answer": Case(always(say("x" * 2_000_000)), "gives the step up", "2000000 characters"),
}


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_task(tmp_path_factory.mktemp("task") / "task", rows=200)


def scenario(task: Path, server: ModelServer, settings: dict[str, Any]) -> Scenario:
    """One trace, one trial, and a script that is refused before it runs: four questions."""
    backend = {"kind": "openai", "model": "m", "base_url": server.base_url, "retries": 1, "asks": 2, "timeout": 20}
    return Scenario.model_validate(
        {
            "name": "plays",
            "task": str(task),
            "traces": 1,
            "budget": {"trials": 1},
            "backends": {"local": backend | settings},
            "roles": {"diagnoser": "local", "proposer": "local", "executor": "local"},
            "executors": {"slots": 1, "repairs": 0, "timeout": {"debug": "20s", "full": "20s"}},
        }
    )


def dead_letters(folder: Path) -> list[str]:
    with LogReader(folder, VOCABULARY) as reader:
        envelopes = list(reader.envelopes(kinds=["dead_letter"]))
    return [each.message.error for each in envelopes if isinstance(each.message, DeadLetter)]


@pytest.mark.parametrize("name", CASES)
def test_what_the_run_does(name: str, task: Path, tmp_path: Path) -> None:
    case, folder, mended = CASES[name], tmp_path / "run", False

    def turn(ask: Ask) -> Play:
        if ask.kind == "propose_step" and not mended:
            return case.play(ask)
        return as_stream(canned(ask)) if ask.body.get("stream") else canned(ask)

    with ModelServer(turn) as server:
        asked = scenario(task, server, case.settings)

        def conducted() -> RunFinished | None:
            return anyio.run(lambda: start_run(asked, tmp_path, folder, run_id="plays"))

        if case.does == "pauses":
            with pytest.raises(Outage, match=case.words) as paused:
                conducted()
            assert re.search("[Rr]esume the run|Check `model`", str(paused.value)), "it says what to do"
            mended = True
            finished = anyio.run(lambda: resume(folder))
        else:
            finished = conducted()
    calls = Counter(ask.kind for ask in server.asks)
    dead = dead_letters(folder)
    assert finished is not None
    assert finished.trials == 1
    if case.does == "gives the step up":
        assert calls == {"survey_task": 1, "propose_step": 2}
        assert len(dead) == finished.dead_letters == 1
        assert case.words in dead[0]
    else:
        assert (dead, finished.dead_letters) == ([], 0)
        assert calls.keys() == set(ASKED)
        assert {calls[kind] for kind in ASKED if kind != "propose_step"} == {1}, "no finished call is paid twice"
