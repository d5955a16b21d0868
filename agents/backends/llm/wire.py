"""The chat-completions protocol: response bodies.

Pure functions over received data; `openai/endpoint.py` makes the calls.
"""

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from gome.agents.backends.base import Usage
from gome.agents.backends.llm.refusals import error_words

__all__ = [
    "BodyError",
    "Completion",
    "ErrorBody",
    "Vectors",
    "clean_text",
    "count_of",
    "ends_badly",
    "lines_of",
    "read_body",
    "read_parts",
    "read_vectors",
    "total",
]

_CUT = "the answer was cut off at the limit of tokens: be briefer, and end with the whole reply"
_FILTERED = "the endpoint's content filter stopped the answer"
_BROKEN = "the endpoint reports that an error ended the answer"
_FAILED_ENDS = {
    **dict.fromkeys(
        ("length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded"), _CUT
    ),
    **dict.fromkeys(("content_filter", "safety", "recitation", "prohibited_content", "sensitive"), _FILTERED),
    **dict.fromkeys(("error", "abort", "cancelled", "network_error", "insufficient_system_resource"), _BROKEN),
}
"""What the reasons mean with which servers end an answer that is no whole reply."""


_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details")
"""Fields beside the content in which servers send thoughts."""
_LONGEST_LINE = 3_200_000
"""Bytes of a line of a stream; no answer has more."""
_MOST_COUNTED = 10**12
"""Tokens; a server that counts more is mistaken, and a sum of such counts would be no number any more."""
Vectors = tuple[tuple[float, ...], ...]


class BodyError(ValueError):
    """The endpoint answered with status 200, but the body is not a chat completion."""


class ErrorBody(BodyError):
    """The endpoint answered with status 200, but the body is that of an error."""

    def __init__(self, body: Any) -> None:
        super().__init__("it reports an error")
        self.body = body

    @property
    def status(self) -> int:
        """The status that the body names; 200 if it names none."""
        inner = self.body.get("error") if isinstance(self.body, dict) else None
        named = inner.get("code", inner.get("status")) if isinstance(inner, dict) else None
        return int(named) if isinstance(named, int | str) and str(named).isdigit() and 400 <= int(named) < 600 else 200


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. `fault`: why its text is not a complete reply, None if it is; `thoughts`: reasoning from a separate
    field; `tier`: the service tier that the server names, empty if none.
    """

    text: str
    fault: str | None
    model: str
    usage: Usage
    thoughts: str = ""
    tier: str = ""


def read_body(body: Any, asked_model: str) -> Completion:
    """Read the completion from a decoded body. Raises BodyError where the body is not a completion.

    An answer without a finish reason is taken as it is: the server has said that it ended, and a reply that was
    truncated does not parse.
    """
    if isinstance(body, dict) and body.get("error") and not body.get("choices"):
        raise ErrorBody(body)
    if not isinstance(body, dict) or not isinstance(body.get("choices"), list):
        raise BodyError("it has no list of choices")
    model = body["model"] if isinstance(body.get("model"), str) and body["model"] else asked_model
    usage = read_usage(body.get("usage"))
    if not body["choices"]:
        return Completion("", "the endpoint sent an empty list of choices", model, usage)
    choice = body["choices"][0]
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise BodyError("its first choice has no message")
    text, thought = read_parts(message.get("content"))
    thoughts = thought or next(filter(None, (_flat(message.get(name)) for name in _THOUGHTS)), "")
    tier = body.get("service_tier")
    return Completion(text, _fault(choice, message), model, usage, thoughts, tier if isinstance(tier, str) else "")


def read_parts(content: Any) -> tuple[str, str]:
    """Text and thoughts of a content, which is a text or a list of parts."""
    if not isinstance(content, list):
        return clean_text(content), ""
    said: dict[bool, list[str]] = {True: [], False: []}
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        is_thought = kind in {"thinking", "reasoning", "thought"} or (
            isinstance(part, dict) and part.get("thought") is True
        )
        said[is_thought].append(_flat(part))
    return "".join(said[False]), "".join(said[True])


def read_usage(body: Any) -> Usage:
    """Tokens as counted by the endpoint; a count that it does not report is None, not zero."""
    if not isinstance(body, dict):
        return Usage()
    return Usage(
        input=count_of(body, "prompt_tokens"),
        cached=_cached(body),
        output=count_of(body, "completion_tokens"),
        reasoning=count_of(body.get("completion_tokens_details"), "reasoning_tokens"),
    )


def read_vectors(body: Any, wanted: int) -> tuple[Vectors, int | None]:
    """The vectors of `wanted` texts, in their order, and the token count. Raises BodyError for an invalid body."""
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or len(data) != wanted:
        raise BodyError(f"it has no list of {wanted} embeddings")
    found = {each.get("index"): each.get("embedding") for each in data if isinstance(each, dict)}
    vectors = [found.get(index) for index in range(wanted)]
    first = vectors[0] if vectors else []
    for vector in vectors:
        if not isinstance(vector, list) or not isinstance(first, list) or not vector or len(vector) != len(first):
            raise BodyError("its embeddings are not vectors of one length")
        if not all(isinstance(value, int | float) and math.isfinite(value) for value in vector):
            raise BodyError("an embedding has a value that is not a finite number")
    made = tuple(tuple(float(value) for value in vector) for vector in vectors if isinstance(vector, list))
    return made, count_of(body.get("usage"), "prompt_tokens")


def total(usages: list[Usage]) -> Usage:
    """The sum, field by field; a field is None if it is None in one of them."""

    def add(values: list[Any]) -> Any:
        return None if not values or any(value is None for value in values) else sum(values)

    return Usage(**{name: add([getattr(each, name) for each in usages]) for name in Usage.model_fields})


def _fault(choice: dict[str, Any], message: dict[str, Any]) -> str | None:
    reason = choice.get("finish_reason")
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        return f"the model refused: {message['refusal'][:300]}"
    fault = ends_badly(reason)
    if fault is _BROKEN and choice.get("error"):
        return f"{fault}: {error_words(choice['error'])[:300]}"
    return fault


def ends_badly(reason: Any) -> str | None:
    """Why an answer that ended for that reason is no whole reply; None if it is one."""
    return _FAILED_ENDS.get(str(reason).lower())


def _flat(value: Any) -> str:
    """All text of a value: a text, a part with a text, or a list of these."""
    match value:
        case str():
            return clean_text(value)
        case list():
            return "".join(map(_flat, value))
        case {"thinking": inner} | {"text": inner} | {"reasoning": inner} | {"summary": inner} | {"content": inner}:
            return _flat(inner)
        case _:
            return ""


def clean_text(value: Any) -> str:
    """A text that can be encoded as UTF-8: lone surrogates become question marks."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _cached(body: dict[str, Any]) -> int | None:
    """Input tokens that the server had cached, in OpenAI's form or in DeepSeek's."""
    cached = count_of(body.get("prompt_tokens_details"), "cached_tokens")
    return count_of(body, "prompt_cache_hit_tokens") if cached is None else cached


def count_of(body: Any, name: str) -> int | None:
    """A count in a body; None where there is none."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, int) and 0 <= value <= _MOST_COUNTED else None


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The lines of a stream of bytes, which end with a line feed alone: a text may hold any other separator.

    Raises BodyError for a line that is longer than any answer.
    """
    pieces: list[bytes] = []
    length = 0
    async for chunk in chunks:
        first, *others = chunk.split(b"\n")
        for following in others:
            yield _line([*pieces, first])
            first, pieces, length = following, [], 0
        pieces.append(first)
        length += len(first)
        if length > _LONGEST_LINE:
            raise BodyError(f"a line of the stream is longer than {_LONGEST_LINE} bytes")
    if length:
        yield _line(pieces)


def _line(pieces: list[bytes]) -> str:
    return b"".join(pieces).removesuffix(b"\r").decode(errors="replace")
