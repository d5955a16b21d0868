"""Assemble a streamed chat completion into the body of an unstreamed one.

Stricter than the client library: a stream without an end, or with a chunk that is not JSON, is an error.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from gome.agents.backends.llm.replies import LONGEST_ANSWER
from gome.agents.backends.llm.wire import BodyError, ErrorBody, read_parts

__all__ = ["Streamed"]

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


@dataclass(slots=True)
class Streamed:
    """State of a stream while it is read. `length` counts characters; `ended` is set by the final `[DONE]`."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    length: int = 0
    finish: str | None = None
    usage: Any = None
    model: str | None = None
    error: Any = None
    tier: str | None = None
    whole: list[str] = field(default_factory=list)
    ended: bool = False

    def feed(self, line: str) -> bool:
        """Read a line of the stream; return whether the answer grew or ended. Raises BodyError for an invalid chunk."""
        if self.whole or (not self.texts and line.lstrip("\ufeff \t")[:1] in ("{", "[")):
            self.whole.append(line)  # a server that does not stream
            return False
        name, _, data = line.removeprefix("\ufeff").partition(":")
        data = data.strip()
        if name != "data" or not data:
            return False  # a comment, an event's name, the empty line between two, or a chunk of nothing
        if data == "[DONE]":
            self.ended = True
            return True
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            raise BodyError("a chunk of the stream is not JSON") from None
        if not isinstance(chunk, dict):
            raise BodyError("a chunk of the stream is no object")
        if chunk.get("error") and not chunk.get("choices"):
            raise ErrorBody(chunk)
        return self._take(chunk)

    def body(self) -> Any:
        """The body as if it had not been streamed.

        Raises BodyError where the stream has no end, ValueError where an answer that was not streamed is not JSON.
        """
        if self.whole:
            return json.loads("\n".join(self.whole))
        if self.finish is None and not self.ended:
            raise BodyError("the stream broke off before its finish reason")
        message: dict[str, Any] = {name: "".join(parts) for name, parts in self.texts.items()}
        said = {"content": None, **message}
        choice = {"index": 0, "finish_reason": self.finish, "message": said, "error": self.error}
        return {"model": self.model, "choices": [choice], "usage": self.usage, "service_tier": self.tier}

    def _take(self, chunk: dict[str, Any]) -> bool:
        self.usage = chunk.get("usage") or self.usage
        self.model = chunk.get("model") or self.model
        self.tier = chunk.get("service_tier") or self.tier
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return False
        self.finish = choice.get("finish_reason") or self.finish
        self.error = choice.get("error") or self.error
        delta = choice.get("delta")
        pieces = {name: delta.get(name) for name in _TEXTS} if isinstance(delta, dict) else {}
        if isinstance(pieces.get("content"), list):
            pieces["content"], pieces["reasoning_content"] = read_parts(pieces["content"])
        grown = 0
        for name, piece in pieces.items():
            if isinstance(piece, str) and piece:
                self.texts.setdefault(name, []).append(piece)
                grown += len(piece)
        self.length += grown
        if self.length > 2 * LONGEST_ANSWER:
            self.finish, self.ended = "length", True  # a model that does not end: cut off, as at its limit of tokens
        return grown > 0
