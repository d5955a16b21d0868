"""What a log promises, whatever it is made of.

    outside ──append──►┌─────┐──route by (kind, trace)──► mailbox ──► actor
    actor ──commit────►│ log │
                       └─────┘  a message is delivered after it is on disk, and never before

An append or a commit returns when its messages are synced. A commit holds a cursor's move and the messages that came of
it: both or neither.
"""

from collections.abc import Sequence
from typing import Protocol

from gome.bus.message import Draft, Envelope, Subscription, Vocabulary

__all__ = ["Log", "Mailbox"]


class Mailbox(Protocol):
    """What is routed to one subscriber, in log order. A slow one lags and reads the log again; nothing is dropped."""

    async def next(self) -> Envelope | None:
        """The next message; None when the mailbox is closed. Raises what stopped the log (Outage) when it failed."""

    def close(self) -> None:
        """Deliver no more, not even what waits: it stands in the log."""


class Log(Protocol):
    """An append-only sequence of messages with a cursor for each actor."""

    @property
    def run(self) -> str:
        """The id of the run."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The kinds that can be written."""

    @property
    def head(self) -> int:
        """The last sequence number that was delivered, 0 before the first."""

    @property
    def cursors(self) -> dict[str, int]:
        """How far each actor has handled what is routed to it; an actor that never handled anything is not in it."""

    def elapsed(self) -> float:
        """Seconds during which the run was live, over all its processes."""

    async def append(
        self, sender: str, drafts: Sequence[Draft], cause: Envelope | None = None, key: str | None = None
    ) -> list[Envelope]:
        """Append messages of a sender outside the ring, in one transaction.

        With a `key` the ids follow from (cause, sender, key), and appending again returns what is there. Without, the
        log counts what the sender has appended. Raises Outage where the disk fails, ValueError for a message that
        would not come back from the log as it is.
        """

    async def commit(self, actor: str, handled: Envelope, drafts: Sequence[Draft]) -> list[Envelope]:
        """Move the actor's cursor past `handled` and append what came of it, in one transaction, exactly once.

        A second commit of a handled message writes nothing and returns what the first one wrote. Raises as `append`.
        """

    def subscribe(self, subscription: Subscription, after: int = 0) -> Mailbox:
        """A mailbox of what is routed so and stands after that sequence number."""

    async def read(
        self, after: int, upto: int, subscription: Subscription | None = None, limit: int = 1000
    ) -> list[Envelope]:
        """At most `limit` messages with after < seq ≤ upto, in order (all kinds where there is no subscription)."""

    async def answers(self) -> dict[tuple[str, str], int]:
        """How many messages each (sender, cause) has in the log, activities not counted."""

    def tell(self, actor: str, event: str, detail: str) -> None:
        """Telemetry, `detail` in JSON: written within a moment, without a sync of its own, or lost."""
