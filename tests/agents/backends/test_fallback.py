"""Several backends in order for one role: an outage or a refusal goes to the next, and the log says so."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.backends.base import Answer
from gome.agents.backends.factory import make_backends
from gome.agents.backends.fallback import in_order
from gome.agents.runtime.replay import replay_run
from gome.agents.state.call_budget import Spending
from gome.bus.events import ActivityFinished
from gome.bus.store.artefacts import Artefacts
from gome.errors import GomeError, Outage
from gome.scenarios.config.scenario import Budget, OpenAIBackend
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.model_server import Ask, ModelServer, Play, Turn, fail, say
from tests.agents.helpers.runs import Run, conducted
from tests.agents.helpers.stubs import knobbed, quick_task, small, writing
from tests.cli.reading.test_commands import gome

SURVEY = json.dumps({"challenges": [made.CHALLENGE.model_dump()]})
GOOD = say(SURVEY)


def asking(*turns: Turn, budget: Budget | None = None) -> tuple[Answer | GomeError, list[int]]:
    """What one question to backends in order comes to, each with a server of its own; and the calls of each."""
    servers = [ModelServer(turn) for turn in turns]
    settings = {
        f"b{number}": OpenAIBackend(
            kind="openai",
            model=f"m{number}",
            base_url=server.base_url,
            retries=0,
            asks=2,
            prices={"input": 1, "output": 10},
        )
        for number, server in enumerate(servers)
    }

    async def ask() -> Answer | GomeError:
        backends = make_backends(settings, Spending(budget or Budget()))
        try:
            return await in_order(backends, list(backends)).answer(made.survey_task())
        except GomeError as error:
            return error
        finally:
            for backend in backends.values():
                await backend.aclose()

    for server in servers:
        server.__enter__()
    try:
        return anyio.run(ask), [server.calls for server in servers]
    finally:
        for server in servers:
            server.__exit__(None, None, None)


def answered(outcome: Answer | GomeError) -> Answer:
    assert isinstance(outcome, Answer), outcome
    return outcome


def test_the_first_answers_and_no_other_is_asked() -> None:
    outcome, calls = asking(GOOD, GOOD)
    answer = answered(outcome)
    assert (answer.backend, answer.passed, calls) == ("b0", (), [1, 0])


@pytest.mark.parametrize(
    ("turn", "words", "tokens"),
    [
        (fail(500, "oh no"), "status 500: oh no", 0),
        (fail(401, "no"), "refuses calls without a key", 0),
        (fail(403, "Your input was flagged by moderation"), "flagged by moderation", 0),
        (say("I would rather not."), "gave no usable answer", 240),
        (say(None, refusal="No."), "the model refused: No.", 240),
    ],
)
def test_what_one_cannot_answer_the_next_is_asked(turn: Play, words: str, tokens: int) -> None:
    outcome, calls = asking(turn, GOOD)
    answer = answered(outcome)
    assert (answer.backend, answer.reply, calls[1]) == ("b1", json.loads(SURVEY), 1)
    (passed,) = answer.passed
    assert passed.backend == "b0"
    assert words in passed.why
    assert passed.meter["calls"] == calls[0]
    assert answer.meter["calls"] == sum(calls)
    assert answer.meter["tokens"] == tokens + 120
    assert answer.meter["usd"] == pytest.approx((tokens + 120) / 120 * (100 * 1 + 20 * 10) / 1e6)


def test_only_when_all_are_out_the_run_pauses() -> None:
    outcome, calls = asking(fail(503, "first is down"), fail(429, "second is busy"))
    assert isinstance(outcome, Outage)
    assert "second is busy" in str(outcome)
    assert "Before it, b0 was asked: " in str(outcome)
    assert "first is down" in str(outcome)
    assert calls == [1, 1]


def test_a_spent_budget_is_no_reason_to_ask_another() -> None:
    outcome, calls = asking(GOOD, GOOD, budget=Budget(tokens=100))
    answer = answered(outcome)
    assert (calls, answer.backend) == ([0, 0], "b0")
    assert answer.meter["refused_tokens"] == 1


def finished_run(tmp_path: Path) -> tuple[Run, list[ModelServer]]:
    """A run whose first backend answers the survey and the proposal, and is out from then on."""
    write = writing(knobbed)

    def dying(ask: Ask) -> Play:
        return write(ask) if ask.kind in ("survey_task", "propose_step") and ask.step < 2 else fail(503, "gone")

    with ModelServer(dying) as first, ModelServer(write) as second:
        common = {"kind": "openai", "retries": 1, "prices": {"input": 1, "output": 10}}
        backends: dict[str, Any] = {
            "first": common | {"model": "big", "base_url": first.base_url},
            "second": common | {"model": "small", "base_url": second.base_url},
        }
        roles = {role: ["first", "second"] for role in ("diagnoser", "proposer", "executor")}
        asked = small(quick_task(tmp_path), first, backends=backends, roles=roles, traces=1, budget={"trials": 2})
        return conducted(asked, tmp_path / "runs" / "fallen"), [first, second]


def test_a_run_goes_on_with_the_second_replays_and_its_cost_is_told_by_backend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").mkdir()
    run, (first, second) = finished_run(tmp_path)
    assert (run.finished.trials, run.finished.dead_letters) == (2, 0)
    assert anyio.run(lambda: replay_run(run.folder)).handled > 0
    artefacts = Artefacts(run.folder)
    asked = [each for _, each in run.all(ActivityFinished) if each.activity == "reason"]
    answers = [Answer.model_validate_json(artefacts.read_now(each.result_ref)) for each in asked]
    assert [each.backend for each in answers] == ["first"] * 2 + ["second"] * 5
    assert all("gone" in each.passed[0].why for each in answers[2:])
    assert gome("log", "fallen", "--kind", "activity_finished", "--runs", str(tmp_path / "runs")) == 0
    assert capsys.readouterr().out.count("after 1 backend in vain") == 5
    assert gome("cost", "fallen", "--by", "backend", "--runs", str(tmp_path / "runs"), "--json") == 0
    groups = json.loads(capsys.readouterr().out)["data"]["groups"]
    each = (100 * 1 + 20 * 10) / 1e6
    assert groups["first"]["usd"] == pytest.approx(2 * each)
    assert groups["second"]["usd"] == pytest.approx(second.calls * each)
    assert (groups["first"]["calls"], groups["second"]["calls"]) == (first.calls, second.calls)
    assert second.calls == 5
