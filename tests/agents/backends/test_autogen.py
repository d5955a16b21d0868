"""The `autogen` backend: a real AutoGen client against a real HTTP server, alone and through a whole run."""

import json
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

from gome.agents.backends.autogen import AutoGenBackend
from gome.agents.backends.base import Answer
from gome.errors import GomeError, Outage, UsageError
from gome.scenarios.config.scenario import AutoGenBackend as Settings
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.dialects import MODEL_INFO
from tests.agents.helpers.model_server import ModelServer, Turn, body, drop, fail, hang, say
from tests.agents.helpers.runs import conducted
from tests.agents.helpers.stubs import knobbed, quick_task, small, writing

SURVEY = json.dumps({"challenges": [made.CHALLENGE.model_dump()]})
GOOD = say(SURVEY)
KEY = "sk-canary-0123456789"


def settings(base_url: str, config: dict[str, Any] | None = None, **changed: Any) -> Settings:
    component = {
        "provider": "OpenAIChatCompletionClient",
        "config": {"model": "m", "base_url": base_url, "model_info": MODEL_INFO} | (config or {}),
    }
    return Settings.model_validate({"kind": "autogen", "component": component, "timeout": 20, "retries": 2} | changed)


def asking(
    *turns: Turn, environment: dict[str, str] | None = None, **changed: Any
) -> tuple[Answer | GomeError, ModelServer]:
    """What one question comes to: an answer or one of our errors."""
    with ModelServer(*turns) as server:

        async def ask() -> Answer | GomeError:
            backend = AutoGenBackend(
                settings(server.base_url, **changed), "team", environment=environment or {}, first_wait=0.001
            )
            try:
                return await backend.answer(made.survey_task())
            except GomeError as error:
                return error
            finally:
                await backend.aclose()

        return anyio.run(ask), server


def test_an_answer_is_typed_metered_and_asked_in_a_fresh_context() -> None:
    outcome, server = asking(
        say("no JSON"), GOOD, prices={"input": 10, "output": 100}, config={"temperature": 0.5, "max_tokens": 900},
        environment={"MY_KEY": KEY}, api_key_env="MY_KEY",
    )  # fmt: skip
    assert isinstance(outcome, Answer)
    assert outcome.reply == json.loads(SURVEY)
    assert (outcome.meter["calls"], outcome.meter["tokens_in"], outcome.meter["tokens"]) == (2.0, 200.0, 240.0)
    assert outcome.meter["usd"] == pytest.approx((200 * 10 + 40 * 100) / 1e6)
    assert outcome.usage is not None
    assert outcome.usage.cached is None, "AutoGen does not say"
    first, second = server.asks
    assert (first.body["temperature"], first.body["max_tokens"]) == (0.5, 900)
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert [message["role"] for message in second.body["messages"]] == ["system", "user"]
    assert "no JSON object was found" in second.prompt


def test_usage_that_is_not_counted_is_unknown_and_not_zero() -> None:
    outcome, _ = asking(say(SURVEY, usage=None), prices={"input": 1, "output": 1})
    assert isinstance(outcome, Answer)
    assert outcome.usage is not None
    assert set(outcome.usage.model_dump().values()) == {None}
    assert {"tokens", "usd"}.isdisjoint(outcome.meter)


@pytest.mark.parametrize("turn", [fail(429, headers={"Retry-After": "0.01"}), fail(500), drop(), body(b"<html>")])
def test_faults_that_may_pass_are_tried_again_and_then_pause_the_run(turn: Any) -> None:
    outcome, server = asking(turn, turn, GOOD)
    assert isinstance(outcome, Answer)
    assert (server.calls, outcome.meter["calls"]) == (3, 3.0)
    outcome, server = asking(turn, retries=1)
    assert isinstance(outcome, Outage)
    assert "resume" in str(outcome).lower()
    assert server.calls == 2


def test_what_will_not_pass_is_not_tried_again_and_shows_no_key() -> None:
    for turn, words in ((fail(401, KEY), "refuses the key in MY_KEY"), (fail(404, KEY), "has no model 'm'")):
        outcome, server = asking(turn, environment={"MY_KEY": KEY}, api_key_env="MY_KEY")
        assert isinstance(outcome, Outage)
        assert words in str(outcome)
        assert KEY not in str(outcome)
        assert server.calls == 1


def test_a_server_that_never_answers_is_given_up() -> None:
    outcome, _ = asking(hang(), timeout=0.2, retries=0)
    assert isinstance(outcome, Outage)
    assert "no answer within 0.2 s" in str(outcome)


def test_a_key_of_the_environment_that_was_not_named_goes_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    outcome, server = asking(GOOD)
    assert isinstance(outcome, Answer)
    assert KEY not in str(server.asks[0].headers)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"config": {"modle": "x"}}, "no setting 'modle'; did you mean model"),
        ({"api_key_env": "MY_KEY"}, "the environment variable MY_KEY is not set"),
        ({"config": {"base_url": "https://models.example/v1"}}, "`api_key_env`"),
        ({"config": {"model_info": None}}, "cannot be created"),
    ],
)
def test_what_cannot_work_is_an_error_before_any_call(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        AutoGenBackend(settings("http://127.0.0.1:1/v1", **given), "team", environment={})


@pytest.mark.parametrize(
    "config", [{"api_key": KEY}, {"default_headers": {"Authorization": KEY}}, {"base_url": f"http://me:{KEY}@host/v1"}]
)
def test_a_key_in_the_component_is_refused_and_not_repeated(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="api_key_env") as refused:
        settings("http://127.0.0.1:1/v1", config=config)
    assert all(KEY not in each["msg"] for each in refused.value.errors())


def test_only_allowed_clients_are_loaded() -> None:
    with pytest.raises(ValidationError, match="OpenAIChatCompletionClient"):
        Settings.model_validate({"kind": "autogen", "component": {"provider": "os.system", "config": {}}})


def test_missing_packages_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "autogen_ext.models.openai", None)
    with pytest.raises(UsageError, match=r"pip install .*autogen-ext\[openai\]"):
        AutoGenBackend(settings("http://127.0.0.1:1/v1"), "team", environment={})


def test_a_run_is_carried_through_an_autogen_component(tmp_path: Path) -> None:
    with ModelServer(writing(knobbed)) as server:
        backends = {"scripted": settings(server.base_url).model_dump()}
        asked = small(quick_task(tmp_path), server, backends=backends, traces=1, budget={"trials": 1})
        finished = conducted(asked, tmp_path / "run").finished
    assert finished.winner is not None
    assert finished.grade is not None
    assert (finished.trials, finished.accepted, finished.dead_letters) == (1, 1, 0)
    assert server.calls == 4
