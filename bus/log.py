"""Interface of a log, independent of its storage.

    outside ──append──►┌─────┐──route by (kind, trace)──► mailbox ──► actor
    actor ──commit────►│ log │
                       └─────┘  a message is delivered only after it is on disk

`append` and `commit` return when their messages are synced to disk. `commit` advances a cursor and appends the output
of the handler atomically.
"""

from collections.abc import Sequence
from typing import Protocol

from gome.bus.message import Draft, Envelope, Subscription, Vocabulary

__all__ = ["Log", "Mailbox"]


class Mailbox(Protocol):
    """Messages routed to one subscriber, in log order. A slow subscriber lags and reads from disk; none is dropped."""

    async def next(self) -> Envelope | None:
        """Wait for the next message; None once the mailbox is closed. Raises the log's failure where the log failed."""

    def close(self) -> None:
        """Stop delivery. Queued messages are not delivered either; they remain in the log."""


class Log(Protocol):
    """An append-only sequence of messages with one cursor per actor."""

    @property
    def run(self) -> str:
        """The id of the run."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The message classes that can be written."""

    @property
    def head(self) -> int:
        """The last sequence number that was delivered; 0 before the first message."""

    @property
    def cursors(self) -> dict[str, int]:
        """Sequence number of the last message that each actor has handled. Actors without one are left out."""

    def elapsed(self) -> float:
        """Live seconds of the run, summed over all processes that ran it."""

    async def append(
        self, sender: str, drafts: Sequence[Draft], cause: Envelope | None = None, key: str | None = None
    ) -> list[Envelope]:
        """Append messages outside of a handler's commit, in one transaction.

        With a `key` the ids derive from (cause, sender, key), and a second append returns the stored messages. Without
        a key the ids derive from a counter per sender. Raises Outage where the disk fails, and ValueError for a
        message that does not survive encoding and decoding unchanged.
        """

    async def commit(self, actor: str, handled: Envelope, drafts: Sequence[Draft]) -> list[Envelope]:
        """Advance the actor's cursor past `handled` and append the handler's output, in one transaction, exactly once.

        A second commit of the same message writes nothing and returns what the first one wrote. Raises as `append`.
        """

    def subscribe(self, subscription: Subscription, after: int = 0) -> Mailbox:
        """Open a mailbox for the matching messages with a sequence number above `after`."""

    async def read(
        self, after: int, upto: int, subscription: Subscription | None = None, limit: int = 1000
    ) -> list[Envelope]:
        """At most `limit` messages with after < seq ≤ upto, in order (all kinds where there is no subscription)."""

    async def answers(self) -> dict[tuple[str, str], int]:
        """Number of messages in the log per (sender, cause), without activity records."""

    def tell(self, actor: str, event: str, detail: str) -> None:
        """Publish telemetry (`detail` is JSON). It is written shortly after, without its own sync, and may be lost."""
