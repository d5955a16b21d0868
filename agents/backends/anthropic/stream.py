"""Assemble the events of a streamed message. A stream without its last event, or with an event that is not JSON, is an
error.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from gome.agents.backends.base import Usage
from gome.agents.backends.llm.replies import LONGEST_ANSWER
from gome.agents.backends.llm.wire import BodyError, Completion, ErrorBody, clean_text, count_of, ends_badly

__all__ = ["StreamedMessage"]

_PIECES = {"text_delta": "text", "thinking_delta": "thinking"}
"""Kinds of deltas → the field that has the piece."""


@dataclass(slots=True)
class StreamedMessage:
    """State of a message while it is read. `ended` is set by its last event."""

    asked_model: str
    pieces: dict[str, list[str]] = field(default_factory=lambda: {"text": [], "thinking": []})
    length: int = 0
    stop: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    ended: bool = False
    whole: list[str] = field(default_factory=list)

    def feed(self, line: str) -> bool:
        """Read a line; return whether the message grew or ended. Raises BodyError for an invalid event."""
        if self.whole or (not self.model and line.lstrip("\ufeff \t")[:1] in ("{", "[")):
            self.whole.append(line)  # a server that does not stream, or an error with status 200
            return False
        name, _, data = line.removeprefix("\ufeff").partition(":")
        if name != "data" or not data.strip():
            return False  # an event's name, which the data repeat, or the empty line between two
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise BodyError("a chunk of the stream is not JSON") from None
        match event:
            case {"type": "error"}:
                raise ErrorBody(event)
            case {"type": "message_start", "message": dict(message)}:
                self.model = str(message.get("model") or "")
                self._count(message.get("usage"))
            case {"type": "content_block_start", "content_block": dict(block)}:
                return self._grow(block)
            case {"type": "content_block_delta", "delta": dict(delta)}:
                return self._grow(delta)
            case {"type": "message_delta", "delta": dict(delta)}:
                self.stop = delta.get("stop_reason") or self.stop
                self._count(event.get("usage"))
            case {"type": "message_stop"}:
                self.ended = True
                return True
            case {"type": str()}:
                pass  # pings and the ends of blocks
            case _:
                raise BodyError("a chunk of the stream is no event")
        return False

    def completion(self) -> Completion:
        """The message. Raises BodyError where the stream broke off before its end, or is no message."""
        if self.whole:
            self._take_whole()
        if not self.ended:
            raise BodyError("the stream broke off before its end")
        text, thoughts = (clean_text("".join(self.pieces[name])) for name in ("text", "thinking"))
        fault = "the model refused" if self.stop == "refusal" else ends_badly(self.stop)
        return Completion(text, fault, self.model or self.asked_model, self._usage(), thoughts)

    def _take_whole(self) -> None:
        """The message of a server that did not stream it. Raises BodyError where it is none."""
        try:
            body = json.loads("\n".join(self.whole))
        except (ValueError, RecursionError):
            raise BodyError("it is not JSON") from None
        if not isinstance(body, dict) or body.get("error"):
            raise ErrorBody(body)
        for part in body.get("content") or ():
            if isinstance(part, dict):
                self._grow(part)
        self.model, self.stop = str(body.get("model") or ""), body.get("stop_reason")
        self._count(body.get("usage"))
        self.ended = body.get("type") == "message"

    def _grow(self, part: dict[str, Any]) -> bool:
        grown = 0
        for name in dict.fromkeys([_PIECES.get(str(part.get("type")), ""), str(part.get("type"))]):
            piece = part.get(name) if name in self.pieces else None
            if isinstance(piece, str) and piece:
                self.pieces[name].append(piece)
                grown += len(piece)
        self.length += grown
        if self.length > 2 * LONGEST_ANSWER:
            self.stop, self.ended = "max_tokens", True  # a model that does not end: cut off, as at its limit of tokens
        return grown > 0

    def _count(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self.usage |= {name: value for name, value in usage.items() if value is not None}

    def _usage(self) -> Usage:
        """Input is told without what was read from and written to the cache; here it is all of it."""
        taken, read, written = (
            count_of(self.usage, name)
            for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        )
        return Usage(
            input=None if taken is None else taken + (read or 0) + (written or 0),
            cached=read,
            written=written,
            output=count_of(self.usage, "output_tokens"),
            reasoning=count_of(self.usage.get("output_tokens_details"), "thinking_tokens"),
        )
