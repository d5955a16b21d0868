"""The `openai` backend speaking Responses to a strict server: alone and with each fault."""

import json
from typing import Any

import pytest

from gome.agents.backends.base import Answer
from gome.agents.backends.openai.backend import OpenAIBackend
from gome.errors import GomeError, Outage
from gome.scenarios.config.scenario import OpenAIBackend as Settings
from tests.agents.helpers import asking as asking_helper
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.asking import outcome_of
from tests.agents.helpers.model_server import ModelServer, Play, Turn, drop, fail
from tests.agents.helpers.responses_server import KEY, USAGE, event, responding, response, streamed

SURVEY = json.dumps({"challenges": [made.CHALLENGE.model_dump()]})
GOOD = streamed(response(SURVEY))


def settings(server: ModelServer, **changed: Any) -> Settings:
    given = {"kind": "openai", "api": "responses", "model": "m", "base_url": server.base_url, "api_key_env": "MY_KEY"}
    return Settings.model_validate(given | {"retries": 2, "timeout": 20} | changed)


def asking(*turns: Turn, request: Any = None, **changed: Any) -> tuple[Answer | GomeError, ModelServer]:
    """What one question to a strict server comes to."""
    with ModelServer(*map(responding, turns)) as server:
        backend = OpenAIBackend(settings(server, **changed), "ours", environment={"MY_KEY": KEY}, first_wait=0.001)
        return outcome_of(backend, request), server


def answered(outcome: Answer | GomeError) -> Answer:
    answer = asking_helper.answered(outcome)
    assert not answer.failure
    return answer


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_is_typed_metered_and_its_thoughts_are_kept(stream: bool) -> None:
    whole = Play(body=json.dumps(response(SURVEY)).encode())
    outcome, server = asking(GOOD if stream else whole, stream=stream, prices={"input": 10, "output": 100, "cached": 1})
    answer = answered(outcome)
    assert (answer.reply, answer.raw, answer.thoughts) == (json.loads(SURVEY), SURVEY, "Let me think.")
    assert answer.usage is not None
    counted = (answer.usage.input, answer.usage.cached, answer.usage.output, answer.usage.reasoning)
    assert counted == (1000, 600, 20, 5)
    assert answer.usage.usd == pytest.approx((400 * 10 + 600 * 1 + 20 * 100) / 1e6)
    assert server.calls == 1


def test_what_is_sent() -> None:
    _, server = asking(GOOD, reasoning_effort="high", max_tokens=5000, seed=True)
    sent = server.asks[0].body
    assert (sent["model"], sent["max_output_tokens"], sent["store"], sent["stream"]) == ("m", 5000, False, True)
    assert sent["reasoning"] == {"effort": "high", "summary": "auto"}
    assert sent["text"]["format"]["name"] == "diagnoser_reply"
    assert sent["instructions"] and isinstance(sent["input"], str)


def test_all_prompts_of_a_run_name_their_shared_part_alike() -> None:
    keys = set()
    for request in (made.survey_task(), made.propose_step(), made.write_solution(), made.repair_solution()):
        _, server = asking(GOOD, request=request, asks=1)
        keys.add(server.asks[0].body["prompt_cache_key"])
    assert len(keys) == 1
    other = made.survey_task(task=made.TASK.model_copy(update={"description": "another"}))
    _, server = asking(GOOD, request=other)
    assert server.asks[0].body["prompt_cache_key"] not in keys


def test_all_requests_of_a_kind_send_one_schema_and_say_in_the_prompt_what_they_ask() -> None:
    steps = (made.first_step(), made.propose_step(), made.knowing_step(), made.propose_step(ranked=True))
    sent = [asking(GOOD, request=each, asks=1)[1].asks[0] for each in steps]
    assert len({json.dumps(each.body["text"]["format"]) for each in sent}) == 1
    assert ['"scores":' in each.prompt for each in sent] == [False, False, False, True]
    assert all("Fields that it does not have are null or empty." in each.prompt for each in sent)
    nulls = {"kind": None, "recalled": None, "source": None, "answer": None}
    idea = made.idea(challenge=1).model_dump() | {"scores": None}
    reply = {"candidates": [idea], "choice": [1], "reason": "as it is", "sketch": "so", **nulls}
    outcome, server = asking(streamed(response(json.dumps(reply))), request=made.propose_step())
    assert (answered(outcome).reply["kind"], server.calls) == ("edit", 1)


@pytest.mark.parametrize(
    ("given", "tier", "share"),
    [
        ("flex", "flex", 0.5),
        ({"diagnoser": "flex", "proposer": "default"}, "flex", 0.5),
        ({"proposer": "flex"}, None, 1),
    ],
)
def test_a_service_tier_by_role_and_its_price(given: Any, tier: str | None, share: float) -> None:
    served = streamed(response(SURVEY, tier=tier or "default"))
    outcome, server = asking(served, service_tier=given, prices={"input": 10, "output": 100})
    assert server.asks[0].body.get("service_tier") == tier
    answer = answered(outcome)
    assert answer.usage is not None
    assert answer.usage.usd == pytest.approx(share * (1000 * 10 + 20 * 100) / 1e6)


def test_what_a_model_refuses_is_left_out() -> None:
    outcome, server = asking(GOOD, temperature=0.5)
    assert answered(outcome).retries == 1
    assert ["temperature" in ask.body for ask in server.asks] == [True, False]

    def unverified(ask: Any) -> Play:
        words = "Your organization must be verified to generate reasoning summaries."
        return fail(400, words, param="reasoning.summary") if "reasoning" in ask.body else GOOD

    outcome, server = asking(unverified)
    assert answered(outcome).retries == 1
    assert ["reasoning" in ask.body for ask in server.asks] == [True, False]


@pytest.mark.parametrize(
    "turn",
    [
        fail(429, "slow down"),
        fail(503, "flex is not available now"),
        drop(),
        Play(body=GOOD.body, manner="half"),
        streamed(response(SURVEY), end=False),
        streamed(response(SURVEY, status="failed", error={"code": "server_error", "message": "oh no"})),
        Play(body=event("error", code="server_error", message="oh no", param=None).encode()),
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
    ("changed", "words"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "cut off at the limit"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content filter"),
        (
            {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]},
            "the model refused: No.",
        ),
    ],
)
def test_an_answer_that_is_no_whole_reply_is_asked_for_again(changed: dict[str, Any], words: str) -> None:
    outcome, server = asking(streamed(response(SURVEY, **changed)), GOOD)
    answer = answered(outcome)
    assert answer.retries == 1
    assert words in server.asks[1].prompt
    assert answer.usage is not None
    assert answer.usage.input == 2 * int(str(USAGE["input_tokens"])), "what came to nothing was paid for as well"


def test_only_openais_own_server_is_spoken_to_in_responses_unasked() -> None:
    environment = {"OPENAI_API_KEY": KEY, "XAI_API_KEY": KEY}
    spoken = {}
    for name, given in {
        "own": {},
        "chat": {"api": "chat"},
        "local": {"base_url": "http://127.0.0.1:1/v1"},
        "xai": {"kind": "xai"},
    }.items():
        asked = Settings.model_validate({"kind": "openai", "model": "m"} | given)
        spoken[name] = OpenAIBackend(asked, name, environment=environment).speaks_responses
    assert spoken == {"own": True, "chat": False, "local": False, "xai": True}
