"""A bounded mailbox on the log, in three states.

    live ──────── more than ROOM wait ──────► lagging      what comes is only noted, not kept
    lagging ───── queue empty: read a page ─► lagging      the pages come from the log, off the event loop
    lagging ───── the page reached the end ─► live
    any ───────── close, or the log failed ─► closed, failed

A live mailbox hands on the very objects that were committed; a lagging one reads them again.
"""

from collections import deque
from collections.abc import Awaitable, Callable

import anyio

from gome.bus.message import Envelope, Subscription
from gome.errors import GomeError

__all__ = ["ROOM", "LogMailbox"]

ROOM = 256
"""Messages that wait in memory for one subscriber, and the size of a page when it lags."""

ReadPage = Callable[[int, int, Subscription, int], Awaitable[list[Envelope]]]
Forget = Callable[["LogMailbox"], None]


class LogMailbox:
    """One subscriber's mailbox. For one reader at a time; lives on the event loop."""

    def __init__(self, subscription: Subscription, after: int, head: int, read: ReadPage, forget: Forget) -> None:
        self.subscription = subscription
        self._read = read
        self._forget = forget
        self._queue: deque[Envelope] = deque()
        self._last = after  # the last sequence number that was queued
        self._newest = head  # the newest that was delivered while lagging, maybe not routed here
        self._lagging = head > after
        self._closed = False
        self._failure: GomeError | None = None
        self._wake: anyio.Event | None = None

    @property
    def lagging(self) -> bool:
        """Whether it reads from the log instead of memory."""
        return self._lagging

    def feed(self, envelope: Envelope) -> None:
        """Called for each message routed here, in log order."""
        if self._lagging:
            self._newest = envelope.seq
        elif len(self._queue) >= ROOM:
            self._lagging = True
            self._newest = envelope.seq
        else:
            self._queue.append(envelope)
            self._last = envelope.seq
        self._rouse()

    async def next(self) -> Envelope | None:
        """The next message; None when closed. Raises what stopped the log when it failed."""
        while not self._closed:
            if self._queue:
                return self._queue.popleft()
            if self._failure is not None:
                raise type(self._failure)(*self._failure.args)
            if self._lagging:
                await self._catch_up()
            else:
                self._wake = anyio.Event()
                await self._wake.wait()
        return None

    def close(self) -> None:
        """Deliver no more."""
        if not self._closed:
            self._closed = True
            self._forget(self)
            self._rouse()

    def fail(self, error: GomeError) -> None:
        """The log failed: whoever waits here hears of it."""
        self._failure = error
        self._rouse()

    async def _catch_up(self) -> None:
        upto = self._newest
        page = await self._read(self._last, upto, self.subscription, ROOM)
        self._queue.extend(page)
        if len(page) == ROOM:
            self._last = page[-1].seq
        else:
            self._last = upto
            # Anything newer came while the page was read, and was only noted.
            self._lagging = self._newest > upto

    def _rouse(self) -> None:
        if self._wake is not None:
            self._wake.set()
            self._wake = None
