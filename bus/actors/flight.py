"""What a handler has in the air, and how long that may go on once the run stops."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio

__all__ = ["Flight"]


@dataclass(eq=False)
class Flight:
    """The calls in flight of one handler, by ordinal, as their kinds; `scope` cancels the handler.

    Once the run stops, a handler gets `grace` seconds to end, and more where `patience` has more for the kind of a call
    in flight. A call of such a kind is not begun any more, since it would be cut off and made again.
    """

    grace: float
    patience: Mapping[str, float]
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    calls: dict[int, str] = field(default_factory=dict)
    stopped: bool = False

    async def begin(self, ordinal: int, kind: str) -> None:
        """Note a call that is about to begin; where it may not, the handler is cancelled here."""
        if self.stopped and kind in self.patience:
            self.scope.cancel()
            await anyio.sleep_forever()
        self.calls[ordinal] = kind

    def end(self, ordinal: int) -> None:
        """Note that a call has ended, however it did."""
        self.calls.pop(ordinal, None)

    def stop(self, grace: float | None) -> None:
        """Let it end within its time, or within `grace` seconds; may be called again to shorten it."""
        self.stopped = True
        if grace is None:
            grace = max((self.patience.get(kind, self.grace) for kind in self.calls.values()), default=self.grace)
        self.scope.deadline = min(self.scope.deadline, asyncio.get_running_loop().time() + grace)
