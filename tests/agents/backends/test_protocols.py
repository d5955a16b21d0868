"""What holds in each protocol alike: a strict server carries a whole run, and what servers send beside it is taken."""

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any

import anyio
import pytest

from gome.agents.backends.base import Answer
from gome.agents.backends.factory import make_backend
from gome.agents.runtime.replay import replay_run
from gome.scenarios.config.backends import model_of_kind
from tests.agents.backends.openai.test_servers import SCHEMA_REFUSED
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.asking import outcome_of
from tests.agents.helpers.dialects import DIALECTS, Dialect
from tests.agents.helpers.messages_server import event, messages
from tests.agents.helpers.model_server import Ask, ModelServer, Play, Turn, body, say
from tests.agents.helpers.responses_server import response, streamed
from tests.agents.helpers.runs import conducted
from tests.agents.helpers.stubs import knobbed, small, small_task, writing

SURVEY = json.dumps({"challenges": [made.CHALLENGE.model_dump()]})
EACH = pytest.mark.parametrize("protocol", DIALECTS)


def asking(dialect: Dialect, *turns: Turn, request: Any = None) -> tuple[Answer, ModelServer]:
    """What one question to a strict server comes to."""
    with ModelServer(*map(dialect.strict, turns)) as server:
        given = dialect.backend(server, retries=1)
        backend = make_backend("frontier", model_of_kind(given["kind"]).model_validate(given))
        outcome = outcome_of(backend, request)
    assert isinstance(outcome, Answer), outcome
    return outcome, server


@pytest.fixture(autouse=True)
def key(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", DIALECTS[request.node.callspec.params["protocol"]].key)


@EACH
def test_a_strict_server_carries_a_whole_run_that_replays(protocol: str, tmp_path: Path) -> None:
    dialect, write = DIALECTS[protocol], writing(knobbed)

    def turn(ask: Ask) -> Play:
        return dialect.whole(json.loads(write(ask).body)["choices"][0]["message"]["content"])

    with ModelServer(dialect.strict(turn)) as server:
        changed = {"backends": {"scripted": dialect.backend(server)}, "traces": 1, "budget": {"trials": 2}}
        run = conducted(small(small_task(tmp_path), server, **changed), tmp_path / "run")
    assert run.finished.winner is not None
    assert (run.finished.trials, run.finished.accepted, run.finished.dead_letters) == (2, 2, 0)
    assert server.calls == 1 + 2 * 3, "none was refused"
    assert dialect.key.encode() not in b"".join(
        path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()
    )
    assert anyio.run(lambda: replay_run(run.folder)).handled > 0


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


@EACH
def test_text_that_a_server_could_not_read_as_json_is_read_or_asked_for_again(protocol: str) -> None:
    dialect = DIALECTS[protocol]

    def failed(text: str) -> Play:
        error = {"message": "Failed to generate JSON.", "code": "json_validate_failed", "failed_generation": text}
        return body(json.dumps({"error": error}).encode(), status=400)

    answer, server = asking(dialect, failed("Well,"), dialect.whole(SURVEY))
    assert (answer.failure, server.calls) == ("", 2)
    answer, server = asking(dialect, failed(SURVEY.replace("}]", "},]")))
    assert (answer.reply, server.calls) == (json.loads(SURVEY), 1)


@EACH
@pytest.mark.parametrize("slip", ["a byte-order mark", "empty data lines", "line ends of Windows"])
def test_a_stream_with_slips_is_taken(protocol: str, slip: str) -> None:
    dialect = DIALECTS[protocol]
    play = dialect.whole(SURVEY)
    changed = {
        "a byte-order mark": b"\xef\xbb\xbf" + play.body,
        "empty data lines": play.body.replace(b"\n\n", b"\n\ndata:\n\ndata: \n\n"),
        "line ends of Windows": play.body.replace(b"\n", b"\r\n"),
    }
    answer, server = asking(dialect, Play(body=changed[slip], headers=play.headers))
    assert (answer.reply, server.calls) == (json.loads(SURVEY), 1)


@EACH
@pytest.mark.parametrize(
    "text",
    [
        made.SCRIPT,
        f"```python title=solution.py\n{made.SCRIPT}```",
        f"Here it is: ```python3.11\n{made.SCRIPT}```<|im_end|>",
        f"[THINK]```python\nx = 1\n```[/THINK]\n```\n{made.SCRIPT}```",
        f"<seed:think>```python\nx = 1\n```</seed:think>\n```py\n{made.SCRIPT}```",
        f"<|channel|>analysis<|message|>```python\nx = 1\n```<|end|><|channel|>final<|message|>```\n{made.SCRIPT}```",
        "1. The script:\n\n" + indent(f"```python\n{made.SCRIPT}```", "   "),
    ],
)
def test_the_one_script_is_found(protocol: str, text: str) -> None:
    answer, server = asking(DIALECTS[protocol], DIALECTS[protocol].whole(text), request=made.write_solution())
    assert (answer.failure, server.calls) == ("", 1)
    assert answer.reply["script"].strip() == made.SCRIPT.strip()


@EACH
@pytest.mark.parametrize(
    "text",
    [
        SURVEY.replace("}]", "},]"),
        f'{{"reply": {SURVEY}}}',
        f"[{SURVEY}]",
        SURVEY.replace("Errors", "Errors\n"),
        SURVEY.replace('"scenario"', '"Scenario"'),
        repr(json.loads(SURVEY)),
    ],
    ids=["a comma", "a wrapper", "a list of one", "a raw newline", "another case", "Python literals"],
)
def test_json_that_has_one_meaning_is_taken(protocol: str, text: str) -> None:
    answer, server = asking(DIALECTS[protocol], DIALECTS[protocol].whole(text))
    assert (answer.failure, server.calls) == ("", 1)
    assert answer.reply["challenges"][0]["category"] == made.CHALLENGE.category


@EACH
def test_only_a_line_feed_ends_a_line_of_a_script_that_is_edited(protocol: str) -> None:
    base = 'TEXT = "a\x0cb\u2028c\x85d"\n\x0c\ndone = 1\n'
    edit = "<<<<<<< SEARCH\ndone = 1\n=======\ndone = 2\n>>>>>>> REPLACE"
    answer, server = asking(DIALECTS[protocol], DIALECTS[protocol].whole(edit), request=made.write_solution(base=base))
    assert (answer.failure, server.calls) == ("", 1)
    assert answer.reply["script"] == base.replace("done = 1", "done = 2")
    whole = f"```python\n{base}```"
    answer, server = asking(DIALECTS[protocol], DIALECTS[protocol].whole(whole), request=made.write_solution())
    assert (answer.reply["script"], server.calls) == (base, 1)
    quoting = '<<<<<<< SEARCH\nTEXT = "a\x0cb\u2028c\x85d"\n=======\nTEXT = "e\u2028f"\n>>>>>>> REPLACE'
    answer, server = asking(
        DIALECTS[protocol], DIALECTS[protocol].whole(quoting), request=made.write_solution(base=base)
    )
    assert answer.reply["script"] == 'TEXT = "e\u2028f"\n\x0c\ndone = 1\n'


@EACH
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
    dialect = DIALECTS[protocol]

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
def test_an_answer_in_parts_is_joined_and_its_thoughts_are_kept_apart(protocol: str) -> None:
    answer, server = asking(DIALECTS[protocol], IN_PARTS[protocol](SURVEY[:30], SURVEY[30:]))
    assert (answer.reply, answer.raw, answer.thoughts) == (json.loads(SURVEY), SURVEY, "let me think")
    assert server.calls == 1


@EACH
def test_an_answer_that_ended_in_an_error_is_asked_for_again(protocol: str) -> None:
    answer, server = asking(DIALECTS[protocol], FAILED_AT_THE_END[protocol](SURVEY), DIALECTS[protocol].whole(SURVEY))
    assert (answer.reply, answer.failure, server.calls) == (json.loads(SURVEY), "", 2)


def _blocks(first: str, second: str) -> Play:
    """Two blocks of text in a message, after one of thoughts."""
    said = messages(first, thoughts="let me think").body.decode()
    more = event("content_block_start", index=2, content_block={"type": "text", "text": ""})
    more += event("content_block_delta", index=2, delta={"type": "text_delta", "text": second})
    more += event("content_block_stop", index=2)
    end = said.index("event: message_delta")
    return Play(body=(said[:end] + more + said[end:]).encode(), headers={"Content-Type": "text/event-stream"})


def _items(first: str, second: str) -> Play:
    """A response with two parts in a message, after an item of reasoning."""
    parts = [{"type": "output_text", "text": first}, {"type": "output_text", "text": second}]
    thoughts = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "let me think"}]}
    output = [thoughts, {"type": "message", "role": "assistant", "content": parts}]
    return Play(body=json.dumps(response("") | {"output": output}).encode())


IN_PARTS: dict[str, Callable[[str, str], Play]] = {
    "chat": lambda first, second: say(
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": "let me think"}]},
            {"type": "text", "text": first},
            {"type": "text", "text": second},
        ]
    ),
    "responses": _items,
    "messages": _blocks,
}
"""Plays that say a text in two parts, by protocol."""
FAILED_AT_THE_END: dict[str, Callable[[str], Play]] = {
    "chat": lambda text: say(text, finish="error"),
    "responses": lambda text: streamed(
        response(text, status="failed", error={"code": "server_error", "message": "The model had an error."})
    ),
    "messages": lambda text: Play(
        body=messages(text, end=False).body
        + event("error", error={"type": "overloaded_error", "message": "Overloaded"}).encode(),
        headers={"Content-Type": "text/event-stream"},
    ),
}
"""Plays that say a text and then that an error ended it, by protocol."""
