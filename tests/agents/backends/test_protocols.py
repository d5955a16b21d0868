"""What holds in each protocol alike: a strict server carries a whole run, and what servers send beside it is taken."""

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any

import anyio
import pytest

from gome.agents.backends.base import Answer
from gome.agents.runtime.replay import replay_run
from gome.errors import Outage
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.asking import answered
from tests.agents.helpers.dialects import AUTOGEN, DIALECTS, Dialect, put
from tests.agents.helpers.messages_server import event, messages
from tests.agents.helpers.model_server import Ask, ModelServer, Play, Turn, say, slowly
from tests.agents.helpers.responses_server import response, streamed
from tests.agents.helpers.runs import conducted
from tests.agents.helpers.stubs import knobbed, quick_task, small, writing

SURVEY = json.dumps({"challenges": [made.CHALLENGE.model_dump()]})
ALL = DIALECTS | {"autogen": AUTOGEN}
"""The protocols, and a client of AutoGen, which speaks the first of them."""
EACH, BY_ALL = (pytest.mark.parametrize("protocol", each) for each in (DIALECTS, ALL))


def asking(dialect: Dialect, *turns: Turn, request: Any = None) -> tuple[Answer, ModelServer]:
    """The answer to one question, which may be a failure."""
    outcome, server = put(dialect, *turns, request=request)
    return answered(outcome), server


@BY_ALL
def test_a_strict_server_carries_a_whole_run_that_replays(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect, write = ALL[protocol], writing(knobbed)
    monkeypatch.setenv("MY_KEY", dialect.key)

    def turn(ask: Ask) -> Play:
        return dialect.whole(json.loads(write(ask).body)["choices"][0]["message"]["content"])

    with ModelServer(dialect.strict(turn)) as server:
        changed = {"backends": {"scripted": dialect.backend(server)}, "traces": 1, "budget": {"trials": 2}}
        run = conducted(small(quick_task(tmp_path), server, **changed), tmp_path / "run")
    assert run.finished.winner is not None
    assert (run.finished.trials, run.finished.accepted, run.finished.dead_letters) == (2, 2, 0)
    assert server.calls == 1 + 2 * 3, "none was refused"
    assert dialect.key.encode() not in b"".join(
        path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()
    )
    assert anyio.run(lambda: replay_run(run.folder)).handled > 0


@EACH
@pytest.mark.parametrize("slip", ["a byte-order mark", "empty data lines", "line ends of Windows", "a last [DONE]"])
def test_a_stream_with_slips_is_taken(protocol: str, slip: str) -> None:
    dialect = DIALECTS[protocol]
    play = dialect.whole(SURVEY)
    changed = {
        "a byte-order mark": b"\xef\xbb\xbf" + play.body,
        "empty data lines": play.body.replace(b"\n\n", b"\n\ndata:\n\ndata: \n\n"),
        "line ends of Windows": play.body.replace(b"\n", b"\r\n"),
        "a last [DONE]": play.body.removesuffix(b"data: [DONE]\n\n") + b"data: [DONE]\n\n",
    }
    answer, server = asking(dialect, Play(body=changed[slip], headers=play.headers))
    assert (answer.reply, server.calls) == (json.loads(SURVEY), 1)


@BY_ALL
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
    answer, server = asking(ALL[protocol], ALL[protocol].whole(text), request=made.write_solution())
    assert (answer.failure, server.calls) == ("", 1)
    assert answer.reply["script"].strip() == made.SCRIPT.strip()


@BY_ALL
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
    answer, server = asking(ALL[protocol], ALL[protocol].whole(text))
    assert (answer.failure, server.calls) == ("", 1)
    assert answer.reply["challenges"][0]["category"] == made.CHALLENGE.category


@BY_ALL
def test_only_a_line_feed_ends_a_line_of_a_script_that_is_edited(protocol: str) -> None:
    base = 'TEXT = "a\x0cb\u2028c\x85d"\n\x0c\ndone = 1\n'
    edit = "<<<<<<< SEARCH\ndone = 1\n=======\ndone = 2\n>>>>>>> REPLACE"
    answer, server = asking(ALL[protocol], ALL[protocol].whole(edit), request=made.write_solution(base=base))
    assert (answer.failure, server.calls) == ("", 1)
    assert answer.reply["script"] == base.replace("done = 1", "done = 2")
    whole = f"```python\n{base}```"
    answer, server = asking(ALL[protocol], ALL[protocol].whole(whole), request=made.write_solution())
    assert (answer.reply["script"], server.calls) == (base, 1)
    quoting = '<<<<<<< SEARCH\nTEXT = "a\x0cb\u2028c\x85d"\n=======\nTEXT = "e\u2028f"\n>>>>>>> REPLACE'
    answer, server = asking(ALL[protocol], ALL[protocol].whole(quoting), request=made.write_solution(base=base))
    assert answer.reply["script"] == 'TEXT = "e\u2028f"\n\x0c\ndone = 1\n'


@BY_ALL
def test_a_rating_between_two_is_rounded(protocol: str) -> None:
    idea = made.idea(scores=made.SCORES).model_dump()
    idea["scores"]["impact"] = 8.5
    text = json.dumps({"candidates": [idea], "choice": [1], "reason": "as it is", "sketch": "so"})
    answer, server = asking(ALL[protocol], ALL[protocol].whole(text), request=made.propose_step(ranked=True))
    assert (answer.failure, server.calls) == ("", 1)
    assert answer.reply["candidates"][0]["scores"]["impact"] == 8


@EACH
@pytest.mark.parametrize("streamed", [True, False])
def test_an_answer_in_parts_is_joined_and_its_thoughts_are_kept_apart(protocol: str, streamed: bool) -> None:
    parts = IN_PARTS[protocol](SURVEY[:30], SURVEY[30:])
    answer, server = asking(DIALECTS[protocol], parts[0] if streamed else parts[1])
    assert (answer.reply, answer.raw, answer.thoughts) == (json.loads(SURVEY), SURVEY, "let me think")
    assert server.calls == 1


@BY_ALL
def test_an_answer_that_stands_in_its_thoughts_is_used(protocol: str) -> None:
    answer, server = asking(ALL[protocol], ALL[protocol].thought(SURVEY))
    assert (answer.reply, answer.failure, server.calls) == (json.loads(SURVEY), "", 1)


@BY_ALL
def test_an_answer_without_a_reason_of_its_end_is_taken(protocol: str) -> None:
    answer, server = asking(ALL[protocol], ALL[protocol].endless(SURVEY))
    assert (answer.reply, answer.failure, server.calls) == (json.loads(SURVEY), "", 1)


def test_autogen_keeps_thoughts_apart() -> None:
    answer, _ = asking(AUTOGEN, say(SURVEY, reasoning_content="let me think"))
    assert (answer.reply, answer.thoughts) == (json.loads(SURVEY), "let me think")


@EACH
def test_time_counts_from_the_last_byte_of_the_answer(protocol: str) -> None:
    dialect = DIALECTS[protocol]
    whole = dialect.whole(SURVEY + " " * 400)
    events = whole.body.count(b"\n\n")
    pause, timeout = 4.0 / events, 3.0
    assert pause * events > timeout > 5 * pause, "longer in all than the limit, and each part far below it"
    outcome, server = put(dialect, slowly(whole, pause), timeout=timeout, retries=0)
    assert (answered(outcome).reply, server.calls) == (json.loads(SURVEY), 1)


@EACH
def test_lines_that_keep_a_connection_alive_are_no_answer(protocol: str) -> None:
    alive = event("ping") if protocol == "messages" else ": still here\n\n"
    outcome, server = put(DIALECTS[protocol], slowly(_as_stream(alive * 200), 0.05), timeout=1, retries=0)
    assert isinstance(outcome, Outage)
    assert "no answer within 1 s" in str(outcome)
    assert server.calls == 1


@EACH
def test_an_answer_that_ended_in_an_error_is_asked_for_again(protocol: str) -> None:
    answer, server = asking(DIALECTS[protocol], FAILED_AT_THE_END[protocol](SURVEY), DIALECTS[protocol].whole(SURVEY))
    assert (answer.reply, answer.failure, server.calls) == (json.loads(SURVEY), "", 2)


def _chunks(first: str, second: str) -> tuple[Play, Play]:
    """A completion whose content is a list of parts, the first of them thoughts; streamed, and whole."""
    parts: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "let me think"}]},
        {"type": "text", "text": first},
        {"type": "text", "text": second},
    ]
    deltas: list[dict[str, Any]] = [{"index": 0, "delta": {"content": [part]}} for part in parts]
    deltas.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    lines = [f"data: {json.dumps({'choices': [delta]})}\n\n" for delta in deltas]
    return _as_stream("".join([*lines, "data: [DONE]\n\n"])), say(parts)


def _blocks(first: str, second: str) -> tuple[Play, Play]:
    """Two blocks of text in a message, after one of thoughts."""
    said = messages(first, thoughts="let me think").body.decode()
    more = event("content_block_start", index=2, content_block={"type": "text", "text": ""})
    more += event("content_block_delta", index=2, delta={"type": "text_delta", "text": second})
    more += event("content_block_stop", index=2)
    end = said.index("event: message_delta")
    blocks = [
        {"type": "thinking", "thinking": "let me think"},
        *({"type": "text", "text": each} for each in (first, second)),
    ]
    whole = json.loads(DIALECTS["messages"].unstreamed("").body) | {"content": blocks}
    return _as_stream(said[:end] + more + said[end:]), Play(body=json.dumps(whole).encode())


def _items(first: str, second: str) -> tuple[Play, Play]:
    """A response with two parts in a message, after an item of reasoning."""
    parts = [{"type": "output_text", "text": first}, {"type": "output_text", "text": second}]
    thoughts = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "let me think"}]}
    output = [thoughts, {"type": "message", "role": "assistant", "content": parts}]
    whole = response("") | {"output": output}
    return streamed(whole), Play(body=json.dumps(whole).encode())


def _as_stream(text: str) -> Play:
    return Play(body=text.encode(), headers={"Content-Type": "text/event-stream"})


IN_PARTS: dict[str, Callable[[str, str], tuple[Play, Play]]] = {
    "chat": _chunks,
    "responses": _items,
    "messages": _blocks,
}
"""Plays that say a text in two parts, streamed and whole, by protocol."""
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
