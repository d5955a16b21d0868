"""Every way in which an endpoint may answer, in each protocol, through a whole run: what it does; that none is lost.

A strict server plays one of them to each `propose_step`, for as long as it is not mended. Then a run either goes on as
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
from tests.agents.helpers.dialects import DIALECTS, Dialect
from tests.agents.helpers.model_server import Ask, ModelServer, Play, body, drop, hang, slowly
from tests.scenarios.helpers.make_task import make_task

ASKED = ("survey_task", "propose_step", "write_solution", "assess_trial")
GOOD = json.dumps({"candidates": [made.idea().model_dump()], "choice": [1]})


@dataclass(frozen=True)
class Case:
    """What the server plays, what the run makes of it, and in which words. `settings` are those of the backend."""

    play: Callable[[Dialect, Ask], Play]
    does: Literal["goes on", "gives the step up", "pauses"]
    words: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


ASKED_ONCE = ("moderation", "429 too large", "413")
"""No other try would help: these prompts are as short as can be."""


def whole(text: str) -> Callable[[Dialect, Ask], Play]:
    return lambda dialect, _: dialect.whole(text)


def error(status: int, words: str, code: str | None = None, **headers: str) -> Callable[[Dialect, Ask], Play]:
    def play(dialect: Dialect, _: Ask) -> Play:
        failed = dialect.error(status, words, code)
        return Play(failed.status, failed.body, {name.replace("_", "-"): value for name, value in headers.items()})

    return play


def refusing_temperature(dialect: Dialect, ask: Ask) -> Play:
    words = "Unsupported parameter: 'temperature' is not supported with this model."
    return dialect.error(400, words, None) if "temperature" in ask.body else dialect.whole(GOOD)


CASES = {
    "normal": Case(whole(GOOD), "goes on"),
    "not streamed": Case(lambda dialect, _: dialect.unstreamed(GOOD), "goes on"),
    "slow tokens": Case(lambda dialect, _: slowly(dialect.whole(GOOD), 0.02), "goes on", settings={"timeout": 2}),
    "no reason of its end": Case(lambda dialect, _: dialect.endless(GOOD), "goes on"),
    "all in its thoughts": Case(lambda dialect, _: dialect.thought(GOOD), "goes on"),
    "429 with Retry-After": Case(error(429, "slow down", Retry_After="0.01"), "pauses", "status 429: slow down"),
    "429 without": Case(error(429, "slow down"), "pauses", "status 429: slow down"),
    "429 too large": Case(
        error(429, "Request too large for m on tokens per min (TPM): Limit 300."), "gives the step up", "set `context`"
    ),
    "413": Case(error(413, "Request too large"), "gives the step up", "set `context`"),
    "500": Case(error(500, "oh no"), "pauses", "status 500: oh no"),
    "error of status 200": Case(error(200, "Provider returned error: no capacity"), "pauses", "no capacity"),
    "moderation": Case(
        error(403, "Your input was flagged by moderation"), "gives the step up", "flagged by moderation"
    ),
    "400 on a refused parameter": Case(refusing_temperature, "goes on", settings={"temperature": 0.5}),
    "dropped connection": Case(lambda *_: drop(), "pauses", "the connection failed|broke off"),
    "stream cut short": Case(lambda dialect, _: dialect.cut_short(GOOD), "pauses", "broke off before its"),
    "corrupt chunk": Case(lambda dialect, _: dialect.corrupt(GOOD), "pauses", "is not JSON"),
    "a page of a proxy": Case(lambda *_: body(b"<html>bad gateway</html>"), "pauses", "broke off before its"),
    "never answers": Case(lambda *_: hang(), "pauses", "no answer within 3 s", {"timeout": 3, "retries": 0}),
    "malformed JSON": Case(whole(GOOD[:-2]), "gives the step up", "not well formed"),
    "JSON in prose": Case(whole(f"Certainly!\n{GOOD}\nGood luck."), "goes on"),
    "wrong schema": Case(whole('{"ideas": []}'), "gives the step up", "candidates: Field required"),
    "nothing": Case(lambda dialect, _: dialect.empty(""), "gives the step up", "empty"),
    "cut at max tokens": Case(
        lambda dialect, _: dialect.at_limit(GOOD[:90]), "gives the step up", "cut off at the limit of tokens"
    ),
    "refusal": Case(lambda dialect, _: dialect.refusal("I had rather not."), "gives the step up", "the model refused"),
    "wrong model name": Case(error(404, "no such model"), "pauses", "has no model 'm'.*Check `model`"),
    "2 MB answer": Case(whole("x" * 2_000_000), "gives the step up", "cut off at the limit of tokens"),
}


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_task(tmp_path_factory.mktemp("task") / "task", rows=200)


def scenario(task: Path, backend: dict[str, Any]) -> Scenario:
    """One trace, one trial, and a script that is refused before it runs: four questions."""
    return Scenario.model_validate(
        {
            "name": "plays",
            "task": str(task),
            "traces": 1,
            "budget": {"trials": 1},
            "backends": {"local": backend},
            "roles": {"diagnoser": "local", "proposer": "local", "executor": "local"},
            "executors": {"slots": 1, "standby": False, "repairs": 0, "timeout": {"debug": "20s", "full": "20s"}},
        }
    )


def dead_letters(folder: Path) -> list[str]:
    with LogReader(folder, VOCABULARY) as reader:
        envelopes = list(reader.envelopes(kinds=["dead_letter"]))
    return [each.message.error for each in envelopes if isinstance(each.message, DeadLetter)]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("protocol", DIALECTS)
def test_what_the_run_does(
    protocol: str, name: str, task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect, case, folder, mended = DIALECTS[protocol], CASES[name], tmp_path / "run", False
    monkeypatch.setenv("MY_KEY", dialect.key)

    def turn(ask: Ask) -> Play:
        if ask.kind == "propose_step" and not mended:
            return case.play(dialect, ask)
        return dialect.whole(json.loads(canned(ask).body)["choices"][0]["message"]["content"])

    with ModelServer(dialect.strict(turn)) as server:
        asked = scenario(task, dialect.backend(server, **{"retries": 1, "asks": 2} | case.settings))

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
        assert calls == {"survey_task": 1, "propose_step": 1 if name in ASKED_ONCE else 2}
        assert len(dead) == finished.dead_letters == 1
        assert re.search(case.words, dead[0])
    else:
        assert (dead, finished.dead_letters) == ([], 0)
        assert calls.keys() == set(ASKED)
        others = {calls[kind] for kind in ASKED if kind != "propose_step"}
        refused = {2} if protocol == "responses" and "temperature" in case.settings else set()  # by its survey
        assert others - refused == {1}, "no finished call is paid twice"
