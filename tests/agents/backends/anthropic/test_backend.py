"""The `anthropic` backend against a strict server of Messages: alone and with each fault."""

import json
import sys
from typing import Any

import anyio
import pytest

from gome.agents.backends.anthropic.backend import AnthropicBackend
from gome.agents.backends.base import Answer
from gome.errors import GomeError, Outage, UsageError
from gome.scenarios.config.scenario import AnthropicBackend as Settings
from tests.agents.helpers import asking as asking_helper
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.asking import outcome_of
from tests.agents.helpers.messages_server import KEY, event, failing, messages, speaking
from tests.agents.helpers.model_server import Ask, ModelServer, Play, Turn, body, drop, hang

SURVEY = json.dumps({"challenges": [made.CHALLENGE.model_dump()]})
GOOD = messages(SURVEY)


def settings(server: ModelServer, **changed: Any) -> Settings:
    given = {"kind": "anthropic", "model": "m", "base_url": server.base_url.removesuffix("/v1"), "timeout": 20}
    return Settings.model_validate(given | {"retries": 2, "api_key_env": "MY_KEY"} | changed)


def asking(*turns: Turn, request: Any = None, **changed: Any) -> tuple[Answer | GomeError, ModelServer]:
    """What one question to a strict server comes to."""
    with ModelServer(*map(speaking, turns)) as server:
        backend = AnthropicBackend(settings(server, **changed), "claude", environment={"MY_KEY": KEY}, first_wait=0.001)
        return outcome_of(backend, request), server


def answered(outcome: Answer | GomeError) -> Answer:
    answer = asking_helper.answered(outcome)
    assert not answer.failure
    return answer


def test_an_answer_is_typed_metered_and_its_thoughts_are_kept() -> None:
    outcome, server = asking(
        messages(SURVEY, thoughts="Let me think."), prices={"input": 10, "output": 100, "cached": 1}
    )
    answer = answered(outcome)
    assert (answer.reply, answer.raw, answer.thoughts) == (json.loads(SURVEY), SURVEY, "Let me think.")
    assert answer.usage is not None
    counted = answer.usage.model_dump()
    assert counted == {
        "input": 1000,
        "cached": 700,
        "written": 200,
        "output": 20,
        "reasoning": None,
        "usd": pytest.approx((300 * 10 + 700 * 1 + 20 * 100) / 1e6),
        "saved": pytest.approx(700 * 9 / 1e6),
    }
    assert (server.calls, answer.meter["tokens_cached"]) == (1, 700.0)


def test_what_is_sent() -> None:
    _, server = asking(GOOD, reasoning_effort="high", thinking=2000, max_tokens=5000)
    sent = server.asks[0].body
    assert (sent["model"], sent["max_tokens"], sent["stream"]) == ("m", 5000, True)
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert sent["output_config"]["effort"] == "high"
    assert sent["output_config"]["format"]["schema"]["required"][-2:] == ["hypothesis_verdict", "challenges"]


def test_all_requests_of_a_kind_send_one_schema_where_the_prompt_is_cached() -> None:
    def schemas(**changed: Any) -> set[str]:
        asked = (made.first_step(), made.propose_step(), made.knowing_step())
        sent = [asking(GOOD, request=each, asks=1, **changed)[1].asks[0] for each in asked]
        assert all(('"source":' in sent[at].prompt) is (at == 2 and not changed) for at in range(3))
        return {json.dumps(each.body["output_config"]["format"]["schema"]) for each in sent}

    assert len(schemas()) == 1
    assert len(schemas(cache=False)) == 3


def test_an_address_may_have_its_version() -> None:
    with ModelServer(speaking(GOOD)) as server:
        backend = AnthropicBackend(settings(server, base_url=server.base_url), "claude", environment={"MY_KEY": KEY})

        async def ask() -> Answer:
            answer = await backend.answer(made.survey_task())
            await backend.aclose()
            return answer

        assert anyio.run(ask).reply == json.loads(SURVEY)


def test_the_part_that_all_prompts_share_is_cached() -> None:
    requests = (made.survey_task(), made.propose_step(), made.write_solution(), made.repair_solution())
    shared = set()
    for request in requests:
        _, server = asking(GOOD, request=request, asks=1)
        first, rest = server.asks[0].body["messages"][0]["content"]
        assert first["cache_control"] == {"type": "ephemeral"}
        assert "cache_control" not in rest
        shared.add((server.asks[0].body["system"][0]["text"], first["text"]))
    assert len(shared) == 1, "to the byte"
    _, server = asking(GOOD, cache=False)
    assert not any("cache_control" in part for part in server.asks[0].body["messages"][0]["content"])


def test_what_the_server_refuses_is_left_out() -> None:
    outcome, server = asking(GOOD, thinking=2000, temperature=0.5)
    assert answered(outcome).retries == 1
    assert ["temperature" in ask.body for ask in server.asks] == [True, False]

    def old(ask: Ask) -> Play:
        refusal = failing(400, "invalid_request_error", "output_config: Extra inputs are not permitted")
        return refusal if "output_config" in ask.body else GOOD

    outcome, server = asking(old)
    assert answered(outcome).retries == 1
    assert ["output_config" in ask.body for ask in server.asks] == [True, False]


@pytest.mark.parametrize(
    "turn",
    [
        failing(529, "overloaded_error", "Overloaded"),
        failing(429, "rate_limit_error", "slow down", {"retry-after": "0.01"}),
        failing(500, "api_error", "oh no"),
        drop(),
        Play(body=GOOD.body, manner="half"),
        body(b"<html>bad gateway</html>"),
        messages(SURVEY, end=False),
        Play(
            body=(event("ping") + event("error", error={"type": "overloaded_error", "message": "Overloaded"})).encode()
        ),
    ],
)
def test_faults_that_may_pass_are_tried_again_and_then_pause_the_run(turn: Play) -> None:
    outcome, server = asking(turn, turn, GOOD)
    assert answered(outcome).retries == 2
    outcome, server = asking(turn, retries=1)
    assert isinstance(outcome, Outage)
    assert "resume" in str(outcome).lower()
    assert server.calls == 2


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (failing(401, "authentication_error", f"invalid x-api-key {KEY}"), "refuses the key in MY_KEY"),
        (failing(404, "not_found_error", "model: m"), "has no model 'm'"),
        (failing(400, "invalid_request_error", "Your credit balance is too low"), "Your credit balance is too low"),
        (hang(), "no answer within 0.3 s"),
    ],
)
def test_what_will_not_pass_pauses_the_run(turn: Play, words: str) -> None:
    outcome, server = asking(turn, timeout=0.3, retries=0)
    assert isinstance(outcome, Outage)
    assert words in str(outcome)
    assert KEY not in str(outcome)
    assert server.calls == 1


@pytest.mark.parametrize(
    ("stop", "words"),
    [
        ("max_tokens", "cut off at the limit"),
        ("refusal", "the model refused"),
        ("model_context_window_exceeded", "cut off at the limit"),
    ],
)
def test_an_answer_that_is_no_whole_reply_is_asked_for_again(stop: str, words: str) -> None:
    outcome, server = asking(messages(SURVEY, stop=stop), GOOD)
    assert answered(outcome).retries == 1
    assert words in server.asks[1].prompt


def test_a_prompt_that_is_too_long_is_asked_shorter() -> None:
    request = made.assess_trial(output="line of output\n" * 3000, wanted=())
    too_long = failing(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")
    outcome, server = asking(too_long, messages('{"observations": ""}'), request=request)
    assert answered(outcome).cut
    assert len(server.asks[1].prompt) < len(server.asks[0].prompt)


def test_no_other_credential_of_the_environment_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "sk-of-another")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    outcome, server = asking(GOOD)
    assert answered(outcome)
    assert "sk-of-another" not in str(server.asks[0].headers)


def test_missing_packages_and_keys_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    far = Settings(kind="anthropic", model="claude-opus-4-5")
    assert far.api_key_env == "ANTHROPIC_API_KEY"
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY is not set"):
        AnthropicBackend(far, "claude", environment={})
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(UsageError, match=r"pip install 'gome\[anthropic\]'"):
        AnthropicBackend(far, "claude", environment={"ANTHROPIC_API_KEY": KEY})
