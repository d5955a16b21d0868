"""Messages, the envelopes in which the log stores them, and the vocabulary that decodes them.

    Message ──(handler returns)──► Draft ──(log appends)──► Envelope ──(cursor reads)──► handler

A message holds the payload only. Its id, position, sender and cause are in the envelope.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict

__all__ = ["Draft", "Envelope", "Message", "Subscription", "Vocabulary", "message_id"]

_LARGE = 1 << 20  # characters of a body


class Message(BaseModel):
    """Base class of all messages. A subclass declares `kind: Literal["its_name"] = "its_name"`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kind: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is not in the log yet, with its trace and step.

    `trace` and `step` are None for messages about the whole run. `opens` starts a new conversation: the envelope's
    correlation is then its own id instead of the correlation of its cause.
    """

    message: Message
    trace: int | None = None
    step: int | None = None
    opens: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message as it is stored in the log.

    `seq` counts from 1 within a run. `time` is in live seconds: time during which a process was running the run, so
    the time between a crash and the resume is not counted. `cause` is the id of the message whose handling produced
    this one.
    """

    id: str
    seq: int
    run: str
    sender: str
    trace: int | None
    step: int | None
    cause: str | None
    correlation: str
    time: float
    message: Message

    @property
    def kind(self) -> str:
        """The kind of the contained message."""
        return self.message.kind


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which messages are routed to an actor: these kinds, of this trace (None: all traces and the whole run)."""

    kinds: frozenset[str]
    trace: int | None = None

    def matches(self, kind: str, trace: int | None) -> bool:
        """Whether a message is routed here. A subscriber of one trace also receives messages without a trace."""
        return kind in self.kinds and (self.trace is None or trace is None or trace == self.trace)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The message classes that a log may contain, by kind.

    A large message is one object for all who decode it in this process, as long as somebody has it: a run's first one
    has the profile of the data, which takes a third of the memory of a table with thousands of columns.
    """

    classes: dict[str, type[Message]] = field(default_factory=dict)
    _held: WeakValueDictionary[bytes, Message] = field(default_factory=WeakValueDictionary, compare=False, repr=False)

    @classmethod
    def of(cls, classes: Iterable[type[Message]]) -> "Vocabulary":
        """A vocabulary of those classes. Raises ValueError where two of them have the same kind, or one has none."""
        by_kind: dict[str, type[Message]] = {}
        for each in classes:
            kind = each.model_fields["kind"].default
            if not isinstance(kind, str) or kind in by_kind:
                raise ValueError(f"{each.__name__} needs a kind of its own, not {kind!r}")
            by_kind[kind] = each
        return cls(by_kind)

    def decode(self, kind: str, body: str | bytes) -> Message:
        """Decode a JSON body. Raises KeyError for an unknown kind and pydantic's ValidationError for a wrong body."""
        if len(body) < _LARGE:
            return self.classes[kind].model_validate_json(body)
        message = self._held.get(_mark(kind, body))
        if message is None:
            message = self.classes[kind].model_validate_json(body)
            self.hold(message, body)
        return message

    def hold(self, message: Message, body: str | bytes) -> None:
        """Give this message to all who decode its JSON body, if it is large."""
        if len(body) >= _LARGE:
            self._held[_mark(message.kind, body)] = message


def _mark(kind: str, body: str | bytes) -> bytes:
    return blake2b(kind.encode() + b"\0" + (body.encode() if isinstance(body, str) else body)).digest()


def message_id(cause: str | None, sender: str, ordinal: int | str) -> str:
    """Id of the `ordinal`-th message that `sender` returns for `cause`: 16 hex digits, equal on every delivery."""
    return blake2b(f"{cause or ''}\x1f{sender}\x1f{ordinal}".encode(), digest_size=8).hexdigest()
