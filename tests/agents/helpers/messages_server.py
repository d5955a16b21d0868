"""Turns of a `ModelServer` that speaks Anthropic's Messages, as strictly as the public reference says.

What the reference does not have is refused: a missing header, an unknown field, a message in the wrong order.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.agents.helpers.model_server import Ask, Play, Turn, piece_of

__all__ = ["KEY", "event", "failing", "messages", "speaking"]

KEY = "sk-ant-canary-0123456789"
FIELDS = {
    "model", "messages", "max_tokens", "system", "stream", "temperature", "thinking", "output_config", "metadata",
    "service_tier", "stop_sequences", "tools", "tool_choice", "top_k", "top_p", "cache_control",
}  # fmt: skip
USAGE = {"input_tokens": 100, "cache_read_input_tokens": 700, "cache_creation_input_tokens": 200}


def speaking(turn: Turn) -> Callable[[Ask], Play]:
    """That turn, which says a chat completion, as a stream of Messages; a request that is not strict is refused."""

    def strict(ask: Ask) -> Play:
        stopped = _turned_away(ask)
        if stopped is not None:
            return stopped
        wrong = next(_wrong(ask), None)
        if wrong is not None:
            return failing(400, "invalid_request_error", wrong)
        play = turn(ask) if callable(turn) else turn
        if play.status != 200 or b'"choices"' not in play.body:
            return play
        said = json.loads(play.body)["choices"][0]["message"]
        return messages(said["content"], thoughts="Let me think.")

    return strict


def messages(
    text: str,
    *,
    thoughts: str = "",
    stop: str | None = "end_turn",
    end: bool = True,
    usage: dict[str, Any] | None = None,
) -> Play:
    """A message as a stream of events; without `end`, it breaks off before the last."""
    first = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "model-as-answered"}
    counted = (USAGE if usage is None else usage) | {"output_tokens": 1}
    sent = [event("message_start", message=first | {"stop_reason": None, "usage": counted}), event("ping")]
    blocks = [("thinking", thoughts)] * bool(thoughts) + [("text", text)]
    for at, (kind, content) in enumerate(blocks):
        sent.append(event("content_block_start", index=at, content_block={"type": kind, kind: ""}))
        size = piece_of(content, 40)
        for begin in range(0, len(content), size):
            delta = {"type": f"{kind}_delta", kind: content[begin : begin + size]}
            sent.append(event("content_block_delta", index=at, delta=delta))
        if kind == "thinking":
            signed = {"type": "signature_delta", "signature": "c2lnbmVk"}
            sent.append(event("content_block_delta", index=at, delta=signed))
        sent.append(event("content_block_stop", index=at))
    sent.append(event("message_delta", delta={"stop_reason": stop}, usage={"output_tokens": 20}))
    if end:
        sent.append(event("message_stop"))
    return Play(body="".join(sent).encode(), headers={"Content-Type": "text/event-stream"})


def event(kind: str, **fields: Any) -> str:
    """One server-sent event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n"


def failing(status: int, kind: str, words: str, headers: dict[str, str] | None = None) -> Play:
    """An error in the form of the reference."""
    error = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_1"}
    return Play(status, json.dumps(error).encode(), headers or {})


def _turned_away(ask: Ask) -> Play | None:
    """The answer to a request whose body is not read: to another path, or without the key."""
    if ask.path != "/v1/messages":
        return failing(404, "not_found_error", f"no such path: {ask.path}")
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return failing(401, "authentication_error", "authorization: header is required")
    return None


def _wrong(ask: Ask) -> Iterator[str]:
    """What is wrong with a request, in the reference's manner."""
    if ask.headers.get("content-type") != "application/json":
        yield "content-type: must be application/json"
    if ask.headers.get("anthropic-version") != "2026-10-21":
        yield "anthropic-version: header is required"
    yield from (f"{name}: Extra inputs are not permitted" for name in sorted(ask.body.keys() - FIELDS))
    yield from (f"{name}: Field required" for name in sorted({"model", "messages", "max_tokens"} - ask.body.keys()))
    roles = [message.get("role") for message in ask.body["messages"]]
    if roles != ["user", "assistant"] * (len(roles) // 2) + ["user"]:
        yield "messages: roles must alternate, and begin and end with user"
    parts = [*ask.body.get("system", []), *(part for message in ask.body["messages"] for part in message["content"])]
    for part in parts:
        if part.keys() - {"type", "text", "cache_control"} or part["type"] != "text" or not part["text"].strip():
            yield "messages: text content blocks must be non-empty"
    if sum("cache_control" in part for part in parts) > 4:
        yield "A maximum of 4 blocks with cache_control may be provided."
    if ask.body.get("thinking", {}).get("type") == "enabled" and ask.body.get("temperature") is not None:
        yield "`temperature` may only be set to 1 when thinking is enabled"
    if ask.body.get("thinking", {}).get("budget_tokens", 0) >= ask.body["max_tokens"]:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`"
    output = ask.body.get("output_config", {})
    yield from (
        f"output_config.{name}: Extra inputs are not permitted" for name in output.keys() - {"effort", "format"}
    )
    form = output.get("format")
    if form is not None and (form.keys() != {"type", "schema"} or form["type"] != "json_schema"):
        yield "output_config.format: Extra inputs are not permitted"
    if form is not None and not _closed(form["schema"]):
        yield "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"


def _closed(schema: Any) -> bool:
    """Whether all objects of the schema are closed."""
    if isinstance(schema, dict):
        is_open = schema.get("type") == "object" and schema.get("additionalProperties") is not False
        return not is_open and all(map(_closed, schema.values()))
    return all(map(_closed, schema)) if isinstance(schema, list) else True
