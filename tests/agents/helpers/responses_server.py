"""Turns of a `ModelServer` that speaks OpenAI's Responses, as strictly as the public reference says."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.agents.helpers.model_server import Ask, Play, Turn, fail, piece_of

__all__ = ["KEY", "event", "responding", "response", "streamed"]

KEY = "sk-canary-0123456789"
FIELDS = {
    "model", "input", "instructions", "max_output_tokens", "temperature", "reasoning", "text", "stream", "store",
    "prompt_cache_key", "service_tier", "metadata", "include", "top_p", "tools", "truncation",
}  # fmt: skip
USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 0},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 1020,
}


def responding(turn: Turn) -> Callable[[Ask], Play]:
    """That turn, which says a chat completion, as a streamed response; a request that is not strict is refused."""

    def strict(ask: Ask) -> Play:
        if ask.path != "/v1/responses":
            return fail(404, f"Invalid URL (POST {ask.path})")
        if ask.headers.get("authorization") != f"Bearer {KEY}":
            return fail(401, "You didn't provide an API key.")
        wrong = next(_wrong(ask), None)
        if wrong is not None:
            return fail(400, wrong[1], code="invalid_request_error", param=wrong[0])
        play = turn(ask) if callable(turn) else turn
        if play.status != 200 or b'"choices"' not in play.body:
            return play
        said = json.loads(play.body)["choices"][0]["message"]
        return streamed(response(said["content"], tier=ask.body.get("service_tier", "default")))

    return strict


def response(text: str, *, tier: str = "default", **changed: Any) -> dict[str, Any]:
    """A whole response with a reasoning item before its message."""
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Let me think."}]}
    outline = {"id": "resp_1", "object": "response", "status": "completed", "error": None, "incomplete_details": None}
    output = {"model": "model-as-answered", "output": [reasoning, message], "usage": USAGE, "service_tier": tier}
    return outline | output | changed


def streamed(whole: dict[str, Any], *, end: bool = True) -> Play:
    """A response as a stream of events; without `end`, it breaks off before the last."""
    text = whole["output"][-1]["content"][0].get("text", "")
    sent = [event("response.created", response={"id": "resp_1"}), event("response.in_progress")]
    sent.append(event("response.reasoning_summary_text.delta", delta="Let me think."))
    size = piece_of(text, 40)
    sent += [event("response.output_text.delta", delta=text[at : at + size]) for at in range(0, len(text), size)]
    kinds = {"incomplete": "response.incomplete", "failed": "response.failed"}
    if end:
        sent.append(event(kinds.get(whole["status"], "response.completed"), response=whole))
    return Play(body="".join(sent).encode(), headers={"Content-Type": "text/event-stream"})


def event(kind: str, **fields: Any) -> str:
    """One server-sent event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n"


def _wrong(ask: Ask) -> Iterator[tuple[str, str]]:
    """The parameter that is wrong in a request, and how the reference puts it."""
    sent = ask.body
    if ask.headers.get("content-type") != "application/json":
        yield "", "You must send a body of the type application/json."
    yield from ((name, f"Unknown parameter: '{name}'.") for name in sorted(sent.keys() - FIELDS))
    yield from ((name, f"Missing required parameter: '{name}'.") for name in sorted({"model", "input"} - sent.keys()))
    yield from _misplaced(sent.get("input"))
    if len(sent.get("prompt_cache_key", "")) > 64:
        yield "prompt_cache_key", "Invalid 'prompt_cache_key': string too long."
    if sent.keys() & {"temperature"} and "reasoning" in sent:
        yield "temperature", "Unsupported parameter: 'temperature' is not supported with this model."
    more = sent.get("reasoning", {}).keys() - {"effort", "summary"}
    yield from ((f"reasoning.{name}", f"Unknown parameter: 'reasoning.{name}'.") for name in more)
    form = sent.get("text", {}).get("format", {"type": "text"})
    allowed = {"json_schema": {"type", "name", "schema", "strict"}}.get(form["type"], {"type"})
    yield from ((f"text.format.{name}", f"Unknown parameter: 'text.format.{name}'.") for name in form.keys() - allowed)
    if form["type"] == "json_schema" and allowed - form.keys():
        yield "text.format.name", "Missing required parameter: 'text.format.name'."


def _misplaced(asked: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with the input, which is a text or a list of messages: the user's is the last."""
    turns = asked if isinstance(asked, list) else []
    for at, each in enumerate(turns):
        more = each.keys() - {"role", "content", "type"}
        yield from ((f"input[{at}].{name}", f"Unknown parameter: 'input[{at}].{name}'.") for name in sorted(more))
    if turns and turns[-1].get("role") != "user":
        yield "input", "Invalid order of 'input': the last message must be of the user."
