"""A bounded mailbox on the log. Its states:

    live ──────── more than ROOM queued ────► lagging      new messages are counted, not kept in memory
    lagging ───── queue empty: read a page ─► lagging      pages are read from the log, off the event loop
    lagging ───── page reached the end ─────► live
    any ───────── close, or log failure ────► closed, failed

A live mailbox delivers the committed objects themselves; a lagging one decodes them from the log.
"""

from collections import deque
from collections.abc import Awaitable, Callable

import anyio

from gome.bus.message import Envelope, Subscription
from gome.errors import GomeError

__all__ = ["ROOM", "LogMailbox"]

ROOM = 256
"""Messages queued in memory per subscriber, and the page size while it lags."""

ReadPage = Callable[[int, int, Subscription, int], Awaitable[list[Envelope]]]
Forget = Callable[["LogMailbox"], None]


class LogMailbox:
    """The mailbox of one subscriber. Supports one reader at a time; must be used on the event loop's thread."""

    def __init__(self, subscription: Subscription, after: int, head: int, read: ReadPage, forget: Forget) -> None:
        self.subscription = subscription
        self._read = read
        self._forget = forget
        self._queue: deque[Envelope] = deque()
        self._last = after  # the last sequence number that was queued
        self._newest = head  # the newest sequence number seen while lagging; may not be routed here
        self._lagging = head > after
        self._closed = False
        self._failure: GomeError | None = None
        self._wake: anyio.Event | None = None

    @property
    def lagging(self) -> bool:
        """Whether messages are read from the log instead of memory."""
        return self._lagging

    def feed(self, envelope: Envelope) -> None:
        """Queue a message. The log calls this for each message routed here, in log order."""
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
        """Wait for the next message; None once closed. Raises the log's failure where the log failed."""
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
        """Stop delivery and wake the reader."""
        if not self._closed:
            self._closed = True
            self._forget(self)
            self._rouse()

    def fail(self, error: GomeError) -> None:
        """Record the log's failure; `next` raises it to the reader."""
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
            # Messages that were committed while the page was read are not in memory: read another page.
            self._lagging = self._newest > upto

    def _rouse(self) -> None:
        if self._wake is not None:
            self._wake.set()
            self._wake = None
