"""An actor: a cursor on the log with two methods. Handlers decide, `apply` remembers.

For each message routed to an actor, in log order, one at a time:

    apply(input) ──► handle(input) ──► commit(cursor, outputs) ──► apply(output) for each output

A kind in `notes` is applied and not handled. What an actor says to itself is applied once, when it is said.
After a crash the state is the same fold over the same messages: every input up to the cursor followed by the outputs
it caused.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from gome.bus.message import Draft, Envelope, Subscription

__all__ = ["ActivityResult", "Actor", "Context"]


class ActivityResult(BaseModel):
    """What a side effect brought back; `meter` is what it used, summed up by whoever watches a budget."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    meter: dict[str, float] = {}


R = TypeVar("R", bound=ActivityResult)


class Context(Protocol):
    """What a handler may do beside thinking, for the one message it handles."""

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
        """Run a side effect once: record its start, call it, record its result, return it.

        A message delivered again gets the recorded result, and `call` is not made. The key is (message, actor,
        ordinal, hash of `request`), the ordinal counted in the order of calls to `perform`, so several may run at
        once in a task group. Raises ActivityChanged where the recorded request differs.
        """

    def tell(self, event: str, **detail: str | float | None) -> None:
        """Telemetry: what this actor does now. May be lost; never folded."""


class Actor(ABC):
    """One role's hands: `handles` and `notes` say which kinds are routed here, `trace` whose (None: all)."""

    handles: ClassVar[frozenset[str]] = frozenset()
    notes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, name: str, trace: int | None = None) -> None:
        self.name = name
        self.trace = trace

    @property
    def subscription(self) -> Subscription:
        """What the log routes to this actor."""
        return Subscription(self.handles | self.notes, self.trace)

    @abstractmethod
    def apply(self, envelope: Envelope) -> None:
        """Fold a message, heard or said, into the state. Pure: no clock, no randomness, no input or output."""

    @abstractmethod
    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Decide what follows; must not change the state. What it returns is committed with the cursor."""
