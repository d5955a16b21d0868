"""What servers in the field send beside what the protocol says, each by a server that sends it."""

import json
from typing import Any

import pytest

from gome.errors import Outage
from tests.agents.backends.openai.test_backend import GOOD, KEY, SURVEY, asking
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.asking import answered
from tests.agents.helpers.model_server import Ask, Play, body, fail, refuse, say, stream

PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "let me think"}]},
    {"type": "text", "text": SURVEY[:20]},
    {"type": "text", "text": SURVEY[20:]},
]


def chunks(*deltas: dict[str, Any], finish: str | None = "stop", end: bool = True) -> Play:
    """A stream of these deltas."""
    events = [{"choices": [{"index": 0, "delta": each}]} for each in deltas]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    lines = [f"data: {json.dumps(each, ensure_ascii=False)}" for each in events] + (["data: [DONE]"] if end else [])
    return Play(body=("\n\n".join(lines) + "\n\n").encode(), headers={"Content-Type": "text/event-stream"})


@pytest.mark.parametrize(
    ("turn", "streamed"),
    [
        (say(PARTS), False),
        (chunks({"content": PARTS[:1]}, {"content": PARTS[1:2]}, {"content": PARTS[2:]}), True),
        (say(SURVEY, reasoning="let me think"), False),
        (say(SURVEY, reasoning_details=[{"type": "reasoning.text", "text": "let me think"}]), False),
        (
            say([{"type": "text", "text": "let me think", "thought": True}, {"type": "output_text", "text": SURVEY}]),
            False,
        ),
        (chunks({"reasoning": "let me "}, {"reasoning": "think"}, {"content": SURVEY}), True),
    ],
)
def test_parts_are_joined_and_thoughts_kept_apart(turn: Play, streamed: bool) -> None:
    answer = answered(asking(turn, stream=streamed)[0])
    assert (answer.reply, answer.raw, answer.thoughts) == (json.loads(SURVEY), SURVEY, "let me think")


@pytest.mark.parametrize(
    ("turn", "streamed"),
    [
        (say(None, reasoning_content=SURVEY), False),
        (say("", reasoning=f"Let me see.\n{SURVEY}"), False),
        (say(None, reasoning_content=f"I draft {{}}.</think>{SURVEY}"), False),
        (say(f"<think>I draft.\n{SURVEY}"), False),
        (chunks({"reasoning_content": SURVEY[:9]}, {"reasoning_content": SURVEY[9:]}), True),
    ],
)
def test_an_answer_among_the_thoughts_is_used(turn: Play, streamed: bool) -> None:
    outcome, server = asking(turn, stream=streamed)
    assert answered(outcome).reply == json.loads(SURVEY)
    assert server.calls == 1


@pytest.mark.parametrize(
    ("turn", "streamed"),
    [
        (say(SURVEY, finish=None), False),
        (chunks({"content": SURVEY}, finish=None), True),
        (Play(body=b"\xef\xbb\xbf" + stream(SURVEY).body), True),
        (Play(body=stream(SURVEY).body.replace(b"\n\n", b"\n\ndata:\n\ndata: \n\n").replace(b"\n", b"\r\n")), True),
        (chunks({"content": SURVEY.replace("Errors", "Errors\u2028")}), True),
    ],
    ids=["no finish", "no finish in a stream", "BOM", "empty data", "a separator of Unicode"],
)
def test_what_is_whole_is_taken(turn: Play, streamed: bool) -> None:
    outcome, server = asking(turn, stream=streamed)
    assert answered(outcome).retries == 0
    assert server.calls == 1


@pytest.mark.parametrize("finish", ["error", "abort", "insufficient_system_resource"])
@pytest.mark.parametrize("streamed", [True, False])
def test_an_answer_that_ended_in_an_error_is_asked_for_again(finish: str, streamed: bool) -> None:
    broken = chunks({"content": SURVEY}, finish=finish) if streamed else say(SURVEY, finish=finish)
    outcome, server = asking(broken, stream(SURVEY) if streamed else GOOD, stream=streamed)
    assert answered(outcome).retries == 1
    assert "an error ended the answer" in server.asks[1].prompt


def test_text_that_a_server_could_not_read_as_json_is_read_or_asked_for_again() -> None:
    def failed(text: str) -> Play:
        error = {"message": "Failed to generate JSON.", "code": "json_validate_failed", "failed_generation": text}
        return body(json.dumps({"error": error}).encode(), status=400)

    outcome, server = asking(failed("Well,"), GOOD)
    assert (answered(outcome).retries, server.calls) == (1, 2)
    assert "no JSON object" in server.asks[1].prompt
    outcome, server = asking(failed(""), GOOD)
    assert (answered(outcome).retries, server.calls) == (1, 2)
    assert "Failed to generate JSON" in server.asks[1].prompt
    outcome, server = asking(failed(SURVEY.replace("}]", "},]")))
    assert (answered(outcome).reply, server.calls) == (json.loads(SURVEY), 1)


SCHEMA_REFUSED = {
    "xgrammar": (400, {"error": {"message": "The provided JSON schema contains features not supported by xgrammar."}}),
    "a grammar": (500, {"error": {"message": "failed to parse grammar"}}),
    "a vocabulary": (500, {"error": "failed to load model vocabulary required for format"}),
    "no endpoint": (
        404,
        {"error": {"message": "No endpoints found that support the requested parameters."}},
    ),
    "details": (422, {"detail": [{"loc": ["body", "response_format", "type"], "msg": "Input should be 'text'"}]}),
    "detail": (422, {"detail": "response_format of this type is not supported"}),
    "a list": (400, [{"error": {"code": 400, "message": "Unknown name \"strict\" at 'response_format.json_schema'"}}]),
    "bare": (400, {"object": "error", "message": "guided_json is not supported by this backend", "code": 40001}),
}


@pytest.mark.parametrize("case", SCHEMA_REFUSED)
def test_a_schema_that_is_refused_in_any_words_is_asked_for_in_the_next_form(case: str) -> None:
    status, content = SCHEMA_REFUSED[case]

    def turn(ask: Ask) -> Play:
        refuses = ask.body.get("response_format", {}).get("type") == "json_schema"
        return body(json.dumps(content).encode(), status=status) if refuses else GOOD

    outcome, server = asking(turn)
    assert answered(outcome).retries == 1
    assert [ask.body["response_format"]["type"] for ask in server.asks] == ["json_schema", "json_object"]


def test_words_that_refuse_every_form_are_shown() -> None:
    outcome, server = asking(body(json.dumps(SCHEMA_REFUSED["xgrammar"][1]).encode(), status=400))
    assert isinstance(outcome, Outage)
    assert "not supported by xgrammar" in str(outcome)
    assert [ask.body.get("response_format", {}).get("type") for ask in server.asks] == [
        "json_schema",
        "json_object",
        None,
    ]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (500, "System role not supported"),
        (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
        (400, "Unsupported value: 'messages[0].role' does not support 'system' with this model."),
        (400, "Developer instruction is not enabled for models/gemma-3"),
    ],
)
def test_a_model_without_a_system_role_is_asked_in_one_message(status: int, words: str) -> None:
    def turn(ask: Ask) -> Play:
        return fail(status, words) if ask.body["messages"][0]["role"] == "system" else GOOD

    outcome, server = asking(turn)
    assert answered(outcome).retries == 1
    (message,) = server.asks[1].body["messages"]
    assert all(each["content"] in message["content"] for each in server.asks[0].body["messages"])


@pytest.mark.parametrize(
    "turn",
    [
        fail(413, "Request too large for model `m` on tokens per minute (TPM): Limit 6000", code="rate_limit_exceeded"),
        fail(429, "Request too large for m on tokens per min (TPM): Limit 30000. The input must be reduced."),
        body(b"<html>413 Request Entity Too Large</html>", status=413),
        fail(400, "prompt is too long: 210000 tokens > 200000 maximum"),
        body(json.dumps({"error": {"message": "maximum context length is 4096 tokens", "code": 400}}).encode()),
    ],
)
def test_a_request_that_is_too_large_is_asked_shorter_and_then_named(turn: Play) -> None:
    request = made.assess_trial(output="line of output\n" * 3000, wanted=())
    reply = say('{"observations": ""}')
    outcome, server = asking(turn, reply, request=request)
    assert answered(outcome).cut
    assert len(server.asks[1].prompt) < len(server.asks[0].prompt)
    outcome, server = asking(turn, request=request)
    assert "set `context` of the backend 'frontier'" in answered(outcome).failure
    assert server.calls == 2


@pytest.mark.parametrize(
    "turn",
    [
        fail(403, 'm requires moderation. Your input was flagged for "violence".'),
        fail(403, "Content violates usage guidelines."),
        fail(400, "Content Exists Risk"),
        fail(400, "Input data may contain inappropriate content.", code="data_inspection_failed"),
        body(json.dumps({"error": {"message": "Your input was flagged by moderation", "code": 403}}).encode()),
    ],
)
def test_what_is_not_answered_by_policy_is_a_matter_of_this_prompt(turn: Play) -> None:
    outcome, server = asking(turn, api_key_env="MY_KEY", environment={"MY_KEY": KEY})
    failure = answered(outcome).failure
    assert "does not answer this prompt" in failure
    assert json.loads(turn.body)["error"]["message"] in failure
    assert server.calls == 1


@pytest.mark.parametrize("streamed", [True, False])
def test_an_error_within_an_answer_of_status_200_is_told_in_its_words(streamed: bool) -> None:
    error = {"error": {"message": "Provider returned error: no capacity"}}
    turn = Play(body=f"data: {json.dumps(error)}\n\n".encode()) if streamed else body(json.dumps(error).encode())
    outcome, server = asking(turn, stream(SURVEY) if streamed else GOOD, stream=streamed)
    assert answered(outcome).retries == 1
    outcome, server = asking(turn, stream=streamed, retries=1)
    assert isinstance(outcome, Outage)
    assert "Provider returned error: no capacity" in str(outcome)
    assert "is running" not in str(outcome)
    assert server.calls == 2


def test_an_error_within_an_answer_may_name_its_status() -> None:
    outcome, server = asking(body(json.dumps({"error": {"message": "no such model", "code": 404}}).encode()))
    assert isinstance(outcome, Outage)
    assert "has no model 'm'" in str(outcome)
    assert server.calls == 1


def test_a_script_without_a_fence_is_found() -> None:
    outcome, _ = asking(
        say(f"[THINK]```python\nx = 1\n```[/THINK]{made.SCRIPT}<|im_end|>"), request=made.write_solution()
    )
    assert answered(outcome).reply["script"].strip() == made.SCRIPT.strip()


def test_a_parameter_that_is_named_far_behind_is_left_out() -> None:
    words = "x " * 400 + "temperature must be 1"
    outcome, server = asking(refuse_with(words), temperature=0.1)
    assert answered(outcome).retries == 1
    assert ["temperature" in ask.body for ask in server.asks] == [True, False]


def refuse_with(words: str) -> Any:
    return lambda ask: fail(400, words) if "temperature" in ask.body else refuse("none", GOOD)(ask)
