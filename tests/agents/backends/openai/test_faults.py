"""The `openai` backend and what goes wrong: for each fault of a real HTTP server, what is done about it."""

import json
from typing import Any

import anyio
import pytest

from gome.agents.backends.base import Answer
from gome.agents.backends.llm.faults import retry_after
from gome.agents.backends.openai.backend import OpenAIBackend
from gome.errors import Outage
from gome.scenarios.config.scenario import OpenAIBackend as Settings
from tests.agents.backends.openai.test_backend import GOOD, KEY, SURVEY, asking, settings
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.asking import answered
from tests.agents.helpers.model_server import ModelServer, body, drop, fail, half, hang, refuse, say


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (say("{ }"), "challenges: Field required"),
        (say(SURVEY[:-2]), "not well formed"),
        (say("I would rather talk."), "no JSON object"),
        (say(""), "the answer is empty"),
        (say(None), "the answer is empty"),
        (say(None, choices=False), "empty list of choices"),
        (say(SURVEY[:40], finish="length"), "cut off at the limit of tokens"),
        (say(SURVEY, finish="error"), "an error ended the answer"),
        (say(None, reasoning="I had better " * 9), "ends within its thoughts, after 117 characters"),
        (say([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]), "ends within its thoughts"),
        (say("", finish="content_filter"), "content filter"),
        (say(None, refusal="I cannot help with that."), "refused: I cannot help"),
        (say("x" * 2_000_000), "2000000 characters"),
        (say("<think>and so on"), "ends within its thoughts"),
    ],
)
def test_what_does_not_fit_is_asked_again_with_the_error_and_then_given_up(turn: Any, words: str) -> None:
    outcome, server = asking(turn, GOOD)
    answer = answered(outcome)
    assert (server.calls, answer.retries, answer.meter["calls"]) == (2, 1, 2.0)
    assert "could not be used" not in server.asks[0].prompt
    assert words in server.asks[1].prompt
    assert len(server.asks[1].body["messages"]) == 2, "a fresh context, without the answer that did not fit"
    assert answer.usage is not None
    assert answer.usage.input == 200, "the answer that did not fit was paid for as well"

    outcome, server = asking(turn, asks=2)
    answer = answered(outcome)
    assert words in answer.failure
    assert "survey_task" in answer.failure
    assert (server.calls, answer.meter["calls"]) == (2, 2.0)
    assert answer.reply == {}
    assert answer.meter["tokens"] == 2 * 120, "what came to nothing was paid for as well"


@pytest.mark.parametrize(
    "turn",
    [
        fail(429, headers={"Retry-After": "0.01"}),
        fail(429, headers={"retry-after-ms": "5"}),
        fail(429),
        fail(500),
        fail(503),
        fail(408),
        drop(),
        half(),
        body(b"<html>bad gateway</html>"),
        body(b'{"choices"'),
        body(b"[" * 100_000),
        body(b"[]"),
        body(b'{"choices": [{}]}'),
        body(b"<html>", status=502),
    ],
)
def test_faults_that_may_pass_are_tried_again_and_then_pause_the_run(turn: Any) -> None:
    outcome, server = asking(turn, turn, GOOD)
    assert answered(outcome).retries == 2
    assert server.calls == 3

    outcome, server = asking(turn, retries=1)
    assert isinstance(outcome, Outage)
    assert "127.0.0.1" in str(outcome)
    assert "resume" in str(outcome).lower()
    assert server.calls == 2


def test_a_server_that_never_answers_is_given_up() -> None:
    outcome, server = asking(hang(), timeout=0.2, retries=1)
    assert isinstance(outcome, Outage)
    assert "no answer within 0.2 s" in str(outcome)
    assert server.calls == 2


def test_a_server_that_drips_is_given_up_as_a_whole() -> None:
    """A bound on the whole call: each single read of a dripping answer is in time."""
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def drip() -> None:
            line, _ = listener.accept()
            with line:
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not ended.wait(0.05):
                    try:
                        line.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()

        async def ask() -> None:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            backend = OpenAIBackend(
                Settings(kind="openai", model="m", base_url=url, timeout=0.3, retries=0, context=32_000),
                "x",
                environment={},
            )
            with pytest.raises(Outage, match="no answer within"):
                await backend.answer(made.survey_task())
            await backend.aclose()

        anyio.run(ask)
        ended.set()
        thread.join()


def test_a_server_that_is_not_there_pauses_the_run() -> None:
    with ModelServer(GOOD) as server:
        gone = settings(server)

    async def ask() -> None:
        backend = OpenAIBackend(gone, "local", environment={}, first_wait=0.001)
        with pytest.raises(Outage, match="Check that the local server is running"):
            await backend.answer(made.survey_task())
        await backend.aclose()

    anyio.run(ask)


def test_a_server_that_asks_for_more_patience_than_we_have_pauses_the_run_at_once() -> None:
    outcome, server = asking(fail(429, headers={"Retry-After": "3600"}))
    assert isinstance(outcome, Outage)
    assert "after that time" in str(outcome)
    assert server.calls == 1


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (fail(401, "Incorrect API key provided: sk-ca***89"), "refuses the key in MY_KEY .status 401"),
        (fail(403), "refuses the key in MY_KEY .status 403"),
        (fail(404, "The model `m` does not exist"), "has no model 'm'"),
        (fail(400, "unknown field"), "refuses the request .* unknown field"),
        (fail(429, "You exceeded your current quota", code="insufficient_quota"), "Top up the quota"),
    ],
)
def test_what_will_not_pass_by_itself_is_not_tried_again(turn: Any, words: str) -> None:
    outcome, server = asking(turn, api_key_env="MY_KEY", environment={"MY_KEY": KEY})
    assert isinstance(outcome, Outage)
    with pytest.raises(Outage, match=words):
        raise outcome
    assert server.calls == 1
    assert "sk-ca" not in str(outcome)


@pytest.mark.parametrize("parameter", ["temperature", "seed", "reasoning_effort"])
def test_a_refused_parameter_is_left_out_from_then_on(parameter: str) -> None:
    with ModelServer(refuse(parameter, GOOD)) as server:

        async def ask() -> list[Answer]:
            backend = OpenAIBackend(
                settings(server, temperature=0.1, seed=True, reasoning_effort="low"), "x", environment={}
            )
            answers = [await backend.answer(made.survey_task()) for _ in range(2)]
            await backend.aclose()
            return answers

        first, second = anyio.run(ask)
    assert [parameter in ask.body for ask in server.asks] == [True, False, False]
    assert (first.retries, second.retries) == (1, 0)


def test_a_limit_of_tokens_is_sent_under_its_other_name() -> None:
    _, server = asking(refuse("max_tokens", GOOD), max_tokens=300)
    assert [ask.body.get("max_completion_tokens") for ask in server.asks] == [None, 300]


def test_a_schema_falls_back_to_json_mode_and_then_to_words() -> None:
    outcome, server = asking(refuse("response_format", GOOD))
    assert answered(outcome).reply == json.loads(SURVEY)
    forms = [ask.body.get("response_format", {}).get("type") for ask in server.asks]
    assert forms == ["json_schema", "json_object", None]


def test_many_calls_at_once_refused_alike_fall_back_one_step() -> None:
    def turn(ask: Any) -> Any:
        schema = ask.body.get("response_format", {}).get("type") == "json_schema"
        return fail(400, "json_schema is not supported") if schema else GOOD

    with ModelServer(turn) as server:

        async def ask() -> None:
            backend = OpenAIBackend(settings(server, concurrency=8), "x", environment={})
            async with anyio.create_task_group() as group:
                for _ in range(8):
                    group.start_soon(backend.answer, made.survey_task())
            await backend.aclose()

        anyio.run(ask)
    forms = [ask.body["response_format"]["type"] for ask in server.asks]
    assert forms.count("json_object") == 8


def test_a_prompt_that_is_too_long_is_asked_again_shorter() -> None:
    request = made.assess_trial(output="line of output\n" * 3000, wanted=())
    reply = say('{"alignment": "aligned", "accept": true, "reason": "", "observations": "", "finding": "", '
                '"hypothesis_verdict": "confirmed"}')  # fmt: skip
    too_long = fail(400, "the request exceeds the available context size", code="exceed_context_size_error")
    outcome, server = asking(too_long, reply, request=request)
    assert len(server.asks[1].prompt) < len(server.asks[0].prompt)
    assert any("what the script printed" in cut for cut in answered(outcome).cut)

    outcome, server = asking(too_long, request=made.write_solution())
    answer = answered(outcome)
    assert "set `context` of the backend" in answer.failure, "a script cannot be cut"
    assert (server.calls, answer.meter["calls"], answer.meter["tokens"]) == (1, 1.0, 0.0)


def test_a_prompt_against_the_endpoints_policy_is_invalid_and_no_outage() -> None:
    outcome, server = asking(fail(400, "no", code="content_policy_violation"))
    assert "does not answer this prompt" in answered(outcome).failure
    assert server.calls == 1


def test_a_dead_endpoint_is_asked_once_until_it_answers_again() -> None:
    with ModelServer(*[fail(500)] * 4, GOOD) as server:

        async def ask() -> None:
            backend = OpenAIBackend(settings(server), "x", environment={}, first_wait=0.001)
            for calls in (3, 4):
                with pytest.raises(Outage):
                    await backend.answer(made.survey_task())
                assert server.calls == calls
            assert await backend.answer(made.survey_task())
            await backend.aclose()

        anyio.run(ask)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, 0.0),
        ({}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
