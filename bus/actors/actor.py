"""Actor base class: a cursor on the log with two methods. `handle` decides, `apply` updates the state.

For each message routed to an actor, in log order, one at a time:

    apply(input) ──► handle(input) ──► commit(cursor, outputs) ──► apply(output) for each output

Kinds in `notes` are applied but not handled. A message that an actor sends to itself is applied once, when it is sent.
After a crash the state is computed from the same messages in the same order: each input up to the cursor, followed by
the outputs it caused.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from gome.bus.message import Draft, Envelope, Subscription

__all__ = ["ActivityResult", "Actor", "Context"]


class ActivityResult(BaseModel):
    """Base class of results of side effects. `meter` is the resource use by unit; the budget sums it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    meter: dict[str, float] = {}


R = TypeVar("R", bound=ActivityResult)


class Context(Protocol):
    """What a handler may do besides returning messages; valid for the one message it handles."""

    @property
    def envelope(self) -> Envelope:
        """The message being handled."""

    async def perform(
        self,
        kind: str,
        request: BaseModel,
        result: type[R],
        call: Callable[[], Awaitable[R]],
        label: str = "",
    ) -> R:
        """Run a side effect once: record its start, call it, record its result, return the result.

        When the message is delivered again, the recorded result is returned and `call` is not made. Records are keyed
        by (message, actor, ordinal, hash of `request`); the ordinal counts the calls of `perform`, so several may run
        at once in a task group. Raises ActivityChanged where the recorded request differs, and what `call` raises.
        """

    def tell(self, event: str, **detail: str | float | None) -> None:
        """Publish telemetry about this actor. It may be lost and is never applied."""


class Actor(ABC):
    """Base class of actors. Kinds in `handles` and `notes` are routed here, of one `trace` or (None) of all."""

    handles: ClassVar[frozenset[str]] = frozenset()
    notes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, name: str, trace: int | None = None) -> None:
        self.name = name
        self.trace = trace

    @property
    def subscription(self) -> Subscription:
        """Which messages the log routes to this actor."""
        return Subscription(self.handles | self.notes, self.trace)

    @abstractmethod
    def apply(self, envelope: Envelope) -> None:
        """Update the state by a received or sent message. Deterministic: no clock, no randomness, no I/O."""

    @abstractmethod
    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Return the messages to send; must not change the state. They are committed together with the cursor."""
