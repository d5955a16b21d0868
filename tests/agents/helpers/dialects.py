"""The protocols in which models are asked, each with a strict server, and what such a server may play in each."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import TypeAdapter

from gome.agents.backends.base import Answer
from gome.agents.backends.factory import make_backend
from gome.errors import GomeError
from gome.scenarios.config.backends import Backend
from tests.agents.helpers import messages_server, responses_server
from tests.agents.helpers.asking import outcome_of
from tests.agents.helpers.messages_server import failing, messages, speaking
from tests.agents.helpers.model_server import Ask, ModelServer, Play, Turn, fail, say, stream
from tests.agents.helpers.responses_server import responding, response, streamed

__all__ = ["AUTOGEN", "DIALECTS", "MODEL_INFO", "Dialect", "put"]

Playing = Callable[[str], Play]
MODEL_INFO = {
    "vision": False, "function_calling": False, "json_output": True, "family": "unknown", "structured_output": True,
}  # fmt: skip
"""What AutoGen's client wants to be told about a model that it does not know."""


@dataclass(frozen=True)
class Dialect:
    """A protocol. Every play says a text, or is about one.

    `strict` makes of a turn one that refuses what the protocol has not. `whole` is streamed; `cut_short` ends before
    its last event, `corrupt` has a torn one; `at_limit` says that tokens ran out, `refusal` that the model will not;
    `empty` says nothing, `thought` says all of it within the thoughts, `endless` does not say why it ended. `error`
    takes a status, words and a code.
    """

    settings: dict[str, Any]
    key: str
    strict: Callable[[Turn], Turn]
    whole: Playing
    unstreamed: Playing
    cut_short: Playing
    corrupt: Playing
    at_limit: Playing
    refusal: Playing
    empty: Playing
    thought: Playing
    endless: Playing
    error: Callable[[int, str, str | None], Play]
    version: str = "/v1"

    def backend(self, server: ModelServer, **changed: Any) -> dict[str, Any]:
        """The settings of a backend that asks that server; its key is in MY_KEY."""
        url = server.base_url.removesuffix("/v1") + self.version
        return self.settings | {"model": "m", "base_url": url, "api_key_env": "MY_KEY", "timeout": 20} | changed


def _torn(play: Play) -> Play:
    """The same stream with one event in its middle torn."""
    events = play.body.split(b"\n\n")
    at = len(events) // 2
    events[at] = events[at][: events[at].index(b"data:") + 25]
    return Play(play.status, b"\n\n".join(events), play.headers)


def _of_chat(turn: Turn) -> Turn:
    """Chat completions, which plays are written in: a server that streams where it is asked to, and wants the key."""

    def strict(ask: Any) -> Play:
        if ask.path != "/v1/chat/completions":
            return fail(404, f"Invalid URL (POST {ask.path})")
        if ask.headers.get("authorization") != f"Bearer {responses_server.KEY}":
            return fail(401, "You didn't provide an API key.")
        wrong = next(_wrong(ask), None)
        if wrong is not None:
            return fail(400, wrong[1], code="invalid_request_error", param=wrong[0])
        return turn(ask) if callable(turn) else turn

    return strict


def _wrong(ask: Ask) -> Iterator[tuple[str, str]]:
    """The parameter that is wrong in a request for a chat completion, and how the reference puts it."""
    sent = ask.body
    if ask.headers.get("content-type") != "application/json":
        yield "", "You must send a body of the type application/json."
    yield from ((name, f"Unknown parameter: '{name}'.") for name in sorted(sent.keys() - _CHAT))
    yield from (
        (name, f"Missing required parameter: '{name}'.") for name in sorted({"model", "messages"} - sent.keys())
    )
    for at, message in enumerate(sent["messages"]):
        more = (f"messages[{at}].{name}" for name in sorted(message.keys() - {"role", "content", "name"}))
        yield from ((name, f"Unknown parameter: '{name}'.") for name in more)
    roles = [message["role"] for message in sent["messages"]]
    if roles not in (["system", "user"], ["user"]):
        yield "messages", f"Invalid order of messages: {roles}"
    if "stream_options" in sent and not sent.get("stream"):
        yield "stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled."


_CHAT = {
    "model", "messages", "stream", "stream_options", "temperature", "max_tokens", "max_completion_tokens", "seed",
    "reasoning_effort", "response_format", "service_tier", "prompt_cache_key",
}  # fmt: skip


def _answer(text: str, **changed: Any) -> Play:
    """A response that is not streamed."""
    return Play(body=json.dumps(response(text) | changed).encode())


def _refused(words: str) -> Play:
    return _answer("", output=[{"type": "message", "content": [{"type": "refusal", "refusal": words}]}])


def _thought(text: str) -> Play:
    return _answer("", output=[{"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}])


def _message(text: str) -> Play:
    """A message that is not streamed."""
    usage = messages_server.USAGE | {"output_tokens": 20}
    told = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
    return Play(body=json.dumps(told | {"content": [{"type": "text", "text": text}], "usage": usage}).encode())


_LIMIT: dict[str, Any] = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
DIALECTS = {
    "chat": Dialect(
        {"kind": "openai"},
        responses_server.KEY,
        _of_chat,
        whole=stream,
        unstreamed=say,
        cut_short=lambda text: stream(text, end=False),
        corrupt=lambda text: stream(text, corrupt=True),
        at_limit=lambda text: say(text, finish="length"),
        refusal=lambda words: say(None, refusal=words),
        empty=lambda _: say(None, choices=False),
        thought=lambda text: say(None, reasoning_content=text),
        endless=lambda text: say(text, finish=None),
        error=lambda status, words, code: fail(status, words, code=code),
    ),
    "responses": Dialect(
        {"kind": "openai", "api": "responses"},
        responses_server.KEY,
        responding,
        whole=lambda text: streamed(response(text)),
        unstreamed=_answer,
        cut_short=lambda text: streamed(response(text), end=False),
        corrupt=lambda text: _torn(streamed(response(text))),
        at_limit=lambda text: streamed(response(text, **_LIMIT)),
        refusal=_refused,
        empty=lambda _: _answer("", output=[]),
        thought=_thought,
        endless=lambda text: _answer(text, status=None),
        error=lambda status, words, code: fail(status, words, code=code),
    ),
    "messages": Dialect(
        {"kind": "anthropic"},
        messages_server.KEY,
        speaking,
        whole=messages,
        unstreamed=_message,
        cut_short=lambda text: messages(text, end=False),
        corrupt=lambda text: _torn(messages(text)),
        at_limit=lambda text: messages(text, stop="max_tokens"),
        refusal=lambda words: messages(words, stop="refusal"),
        empty=lambda _: messages(""),
        thought=lambda text: messages("", thoughts=text),
        endless=lambda text: messages(text, stop=None),
        error=lambda status, words, code: failing(status, code or "api_error", words),
        version="",
    ),
}
"""The protocols by name."""


class _Component(Dialect):
    """Chat completions by a client of AutoGen."""

    def backend(self, server: ModelServer, **changed: Any) -> dict[str, Any]:
        config = {"model": "m", "base_url": server.base_url, "model_info": MODEL_INFO}
        component = {"provider": "OpenAIChatCompletionClient", "config": config}
        return self.settings | {"component": component, "api_key_env": "MY_KEY", "timeout": 20} | changed


AUTOGEN = _Component(**vars(DIALECTS["chat"]) | {"settings": {"kind": "autogen"}, "whole": say})
"""What AutoGen asks and reads: it does not stream."""


def put(dialect: Dialect, *turns: Turn, request: Any = None, **changed: Any) -> tuple[Answer | GomeError, ModelServer]:
    """What one question (default: a survey) to a strict server that plays those turns comes to."""
    with ModelServer(*map(dialect.strict, turns)) as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("MY_KEY", dialect.key)
        settings = _SETTINGS.validate_python(dialect.backend(server, **{"retries": 1} | changed))
        return outcome_of(make_backend("frontier", settings), request), server


_SETTINGS: TypeAdapter[Backend] = TypeAdapter(Backend)
