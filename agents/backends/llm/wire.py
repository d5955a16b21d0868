"""The chat-completions protocol, parsed strictly: response bodies and the meaning of errors.

Pure functions over received data; `openai/endpoint.py` makes the calls.
"""

import math
from dataclasses import dataclass
from typing import Any

from gome.agents.backends.base import Usage

__all__ = [
    "BodyError",
    "Completion",
    "Vectors",
    "is_context_error",
    "is_policy_error",
    "read_body",
    "read_vectors",
    "refused",
    "total",
]

PARAMETERS = (
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "seed",
    "reasoning_effort",
    "stream_options",
)
_FAILED_ENDS = {
    "length": "the answer was cut off at the limit of tokens: be briefer, and end with the whole reply",
    "content_filter": "the endpoint's content filter stopped the answer",
}


Vectors = tuple[tuple[float, ...], ...]


class BodyError(ValueError):
    """The endpoint answered with status 200, but the body is not a chat completion."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. `fault`: why its text is not a complete reply, None if it is; `thoughts`: reasoning from a separate
    field.
    """

    text: str
    fault: str | None
    model: str
    usage: Usage
    thoughts: str = ""


def read_body(body: Any, asked_model: str) -> Completion:
    """Read the completion from a decoded body. Raises BodyError where the body is not a completion.

    An answer counts as complete only with a finish reason: nothing else shows that a reply was truncated.
    """
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
    text = _text(message.get("content"))
    return Completion(text, _fault(choice, message, text), model, usage, _thoughts(message))


def read_usage(body: Any) -> Usage:
    """Tokens as counted by the endpoint; a count that it does not report is None, not zero."""
    if not isinstance(body, dict):
        return Usage()
    return Usage(
        input=_count(body, "prompt_tokens"),
        cached=_cached(body),
        output=_count(body, "completion_tokens"),
        reasoning=_count(body.get("completion_tokens_details"), "reasoning_tokens"),
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
    return made, _count(body.get("usage"), "prompt_tokens")


def total(usages: list[Usage]) -> Usage:
    """The sum, field by field; a field is None if it is None in one of them."""

    def add(values: list[Any]) -> Any:
        return None if not values or any(value is None for value in values) else sum(values)

    return Usage(**{name: add([getattr(each, name) for each in usages]) for name in Usage.model_fields})


def refused(parameters: dict[str, Any], param: str | None, message: str) -> str | None:
    """The sent parameter that a 400 objects to; None if it names none."""
    sent = [name for name in PARAMETERS if name in parameters]
    named = [name for name in sent if param is not None and param.split(".")[0].split("[")[0] == name]
    hinted = [name for name in sent if name in message]
    if "response_format" in sent and ("json_schema" in message or "json_object" in message):
        hinted.append("response_format")
    return next(iter(named + hinted), None)


def is_context_error(code: str | None, message: str) -> bool:
    """Whether the prompt was too long for the model's window."""
    words = message.lower()
    return code in {"context_length_exceeded", "exceed_context_size_error"} or (
        "context" in words and any(word in words for word in ("exceed", "maximum", "too long", "length"))
    )


def is_policy_error(code: str | None, message: str) -> bool:
    """Whether the endpoint refuses to answer this prompt by policy."""
    return (
        code in {"content_filter", "content_policy_violation", "invalid_prompt"}
        or "content management policy" in message
    )


def _fault(choice: dict[str, Any], message: dict[str, Any], text: str) -> str | None:
    reason = choice.get("finish_reason")
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        return f"the model refused: {message['refusal'][:300]}"
    if reason is None:
        return "the answer has no finish reason: it broke off"
    if reason in _FAILED_ENDS:
        return _FAILED_ENDS[reason]
    return None if text.strip() else "the answer is empty"


def _thoughts(message: dict[str, Any]) -> str:
    return _text(message.get("reasoning_content")) or _text(message.get("reasoning"))


def _text(value: Any) -> str:
    """A text that can be encoded as UTF-8: lone surrogates become question marks."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _cached(body: dict[str, Any]) -> int | None:
    """Input tokens that the server had cached, in OpenAI's form or in DeepSeek's."""
    cached = _count(body.get("prompt_tokens_details"), "cached_tokens")
    return _count(body, "prompt_cache_hit_tokens") if cached is None else cached


def _count(body: Any, name: str) -> int | None:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, int) and value >= 0 else None
