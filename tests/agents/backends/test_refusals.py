"""What a server refuses, or says instead of an answer: in each protocol, and by AutoGen where it shows the same."""

import json
from typing import Any

import pytest

from gome.errors import Outage
from tests.agents.backends.openai.test_servers import SCHEMA_REFUSED
from tests.agents.backends.test_protocols import ALL, BY_ALL, EACH, SURVEY, asking
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.dialects import DIALECTS, put
from tests.agents.helpers.messages_server import event
from tests.agents.helpers.model_server import Ask, Play, body


@EACH
@pytest.mark.parametrize("case", SCHEMA_REFUSED)
def test_a_schema_that_is_refused_in_any_words_is_not_sent_again(protocol: str, case: str) -> None:
    dialect, (status, content) = DIALECTS[protocol], SCHEMA_REFUSED[case]

    def turn(ask: Ask) -> Play:
        sent = json.dumps([ask.body.get(name) for name in ("response_format", "text", "output_config")])
        return body(json.dumps(content).encode(), status=status) if "json_schema" in sent else dialect.whole(SURVEY)

    answer, server = asking(dialect, turn)
    assert (answer.reply, answer.failure, server.calls) == (json.loads(SURVEY), "", 2)
    assert '"challenges":' in server.asks[1].prompt, "its form is in the prompt now"


@BY_ALL
def test_text_that_a_server_could_not_read_as_json_is_read_or_asked_for_again(protocol: str) -> None:
    dialect = ALL[protocol]

    def failed(text: str) -> Play:
        error = {"message": "Failed to generate JSON.", "code": "json_validate_failed", "failed_generation": text}
        return body(json.dumps({"error": error}).encode(), status=400)

    answer, server = asking(dialect, failed("Well,"), dialect.whole(SURVEY))
    assert (answer.failure, server.calls) == ("", 2)
    answer, server = asking(dialect, failed(SURVEY.replace("}]", "},]")))
    assert (answer.reply, server.calls) == (json.loads(SURVEY), 1)


@BY_ALL
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (500, "System role not supported"),
        (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
        (400, "Developer instruction is not enabled for models/gemma-3"),
        (400, "This model does not support 'system' prompts"),
        (422, "instructions are not supported by this model"),
    ],
)
def test_a_model_without_a_system_role_is_asked_in_one_message(protocol: str, status: int, words: str) -> None:
    dialect = ALL[protocol]

    def has_system(ask: Ask) -> bool:
        return bool({"system", "instructions"} & ask.body.keys()) or any(
            each["role"] == "system" for each in ask.body.get("messages", ())
        )

    def turn(ask: Ask) -> Play:
        return dialect.error(status, words, None) if has_system(ask) else dialect.whole(SURVEY)

    answer, server = asking(dialect, turn)
    assert (answer.reply, answer.failure, server.calls) == (json.loads(SURVEY), "", 2)
    assert [has_system(ask) for ask in server.asks] == [True, False]
    assert server.asks[1].prompt.split() == server.asks[0].prompt.split(), "nothing of it is lost"


@EACH
def test_words_that_refuse_every_form_are_shown(protocol: str) -> None:
    status, content = SCHEMA_REFUSED["xgrammar"]
    outcome, server = put(DIALECTS[protocol], body(json.dumps(content).encode(), status=status))
    assert isinstance(outcome, Outage)
    assert "features not supported by xgrammar" in str(outcome)
    assert [form_of(ask) for ask in server.asks] == FORMS[protocol]


FORMS = {
    "chat": ["json_schema", "json_object", None],
    "responses": ["json_schema", "json_object", None],
    "messages": ["json_schema", None],
}
"""The forms in which a reply is asked for, one after the other, by protocol."""


def form_of(ask: Ask) -> str | None:
    """The form of the reply that a request asks for beside its prompt."""
    for name in ("response_format", "text", "output_config"):
        if name in ask.body:
            return str(ask.body[name].get("format", ask.body[name])["type"])
    return None


TOO_LARGE = [
    (413, "Request too large for model `m` on tokens per minute (TPM): Limit 6000"),
    (429, "Request too large for m on tokens per min (TPM): Limit 30000. The input must be reduced."),
    (400, "prompt is too long: 210000 tokens > 200000 maximum"),
    (413, ""),
    (200, "maximum context length is 4096 tokens"),
]
POLICY = [
    (403, 'm requires moderation. Your input was flagged for "violence".', None),
    (403, "Content violates usage guidelines.", None),
    (400, "Content Exists Risk", None),
    (400, "Input data may contain inappropriate content.", "data_inspection_failed"),
    (200, "Your input was flagged by moderation", None),
]


def shown(protocol: str, status: int) -> bool:
    """Whether the words of an error are shown: AutoGen does not show an answer that it cannot read."""
    return protocol != "autogen" or status != 200


@pytest.mark.parametrize(
    ("protocol", "status", "words"), [(each, *case) for each in ALL for case in TOO_LARGE if shown(each, case[0])]
)
def test_a_request_that_is_too_large_is_asked_shorter_and_then_named(protocol: str, status: int, words: str) -> None:
    dialect, request = ALL[protocol], made.assess_trial(output="line of output\n" * 3000, wanted=())
    turn = dialect.error(status, words, None) if words else body(b"<html>413 Too Large</html>", status=413)
    if status == 200:
        turn = body(json.dumps({"error": {"message": words, "code": 400}}).encode())
    answer, server = asking(dialect, turn, dialect.whole('{"observations": ""}'), request=request)
    assert (answer.failure, server.calls, bool(answer.cut)) == ("", 2, True)
    assert len(server.asks[1].prompt) < len(server.asks[0].prompt)
    answer, server = asking(dialect, turn, request=request)
    assert "set `context` of the backend 'frontier'" in answer.failure
    assert server.calls == 2


@pytest.mark.parametrize(
    ("protocol", "status", "words", "code"), [(each, *case) for each in ALL for case in POLICY if shown(each, case[0])]
)
def test_what_is_not_answered_by_policy_is_a_matter_of_this_prompt(
    protocol: str, status: int, words: str, code: str | None
) -> None:
    turn = ALL[protocol].error(status, words, code)
    if status == 200:
        turn = body(json.dumps({"error": {"message": words, "code": 403}}).encode())
    answer, server = asking(ALL[protocol], turn)
    assert f"does not answer this prompt: {words}" in answer.failure
    assert server.calls == 1


@EACH
@pytest.mark.parametrize("streamed", [True, False])
def test_an_error_within_an_answer_of_status_200_is_told_in_its_words(protocol: str, streamed: bool) -> None:
    dialect, words = DIALECTS[protocol], "Provider returned error: no capacity"
    turn = _STREAMED_ERRORS[protocol](words) if streamed else dialect.error(200, words, None)
    answer, server = asking(dialect, turn, dialect.whole(SURVEY))
    assert (answer.failure, server.calls) == ("", 2)
    outcome, server = put(dialect, turn)
    assert isinstance(outcome, Outage)
    assert words in str(outcome)
    assert "is running" not in str(outcome)
    assert server.calls == 2


def _as_stream(text: str) -> Play:
    return Play(body=text.encode(), headers={"Content-Type": "text/event-stream"})


_STREAMED_ERRORS: dict[str, Any] = {
    "chat": lambda words: _as_stream(f"data: {json.dumps({'error': {'message': words}})}\n\n"),
    "responses": lambda words: _as_stream(event("error", code="server_error", message=words, param=None)),
    "messages": lambda words: _as_stream(event("error", error={"type": "api_error", "message": words})),
}
"""Streams that have an error in place of the answer, by protocol."""


def test_a_body_that_autogen_cannot_read_is_no_server_that_is_not_there() -> None:
    outcome, _ = put(ALL["autogen"], ALL["autogen"].error(200, "no capacity", None))
    assert isinstance(outcome, Outage)
    assert "cannot answer for m: the call failed" in str(outcome)
    assert "is running" not in str(outcome)
