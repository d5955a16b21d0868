"""The thread that writes a log: it alone owns the connection and every number that is counted (seq, time, ordinals).

    queue ──take all that waits──► one transaction, one sync ──► back to the event loop

It never waits for more: alone, a message is synced alone; under load those that queued behind a sync share the next.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gome.bus.message import Draft, Envelope, Vocabulary, message_id
from gome.bus.store import tables as schema
from gome.errors import GomeError, LogDamaged, LogError, Outage

__all__ = ["Clock", "Write", "Writer"]

BATCH = 512
"""Most writes in one transaction, so that the first of them is not kept waiting for long."""
TELL_EVERY = 0.25
TELL_ROOM = 4096


class Clock:
    """Seconds during which a run was live: goes on from where the log ended."""

    def __init__(self, start: float) -> None:
        self._offset = start - time.monotonic()

    def now(self) -> float:
        """Seconds since the run's start, without the nights between crash and resume."""
        return self._offset + time.monotonic()


@dataclass(slots=True)
class Write:
    """Messages of one sender that are written together, with their bodies in JSON, and who waits for them.

    `moves` is set where the sender's cursor moves past `cause`. `keys` are the ordinals of the ids; None: the log
    counts. `fresh` is false where they were in the log already.
    """

    sender: str
    cause: Envelope | None
    drafts: Sequence[Draft]
    bodies: list[str]
    keys: Sequence[int | str] | None
    moves: bool
    waiter: "asyncio.Future[list[Envelope]]"
    envelopes: list[Envelope] = field(default_factory=list)
    fresh: bool = True


class _Signal:
    """Something on the queue that is no write."""


_CLOSE = _Signal()
_WAKE = _Signal()


class Writer:
    """Writes batches in its own thread. `deliver` and `fail` are called from that thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        folder: Path,
        vocabulary: Vocabulary,
        deliver: Callable[[list[Write]], None],
        fail: Callable[[list[Write], GomeError], None],
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._vocabulary = vocabulary
        self._deliver = deliver
        self._fail = fail
        self.run = schema.run_of(connection)
        self._cursors = schema.read_cursors(connection)
        self.head, last = schema.last_place(connection)
        self.clock = Clock(last)
        self._counts: Counter[str] = Counter()
        self._queue: queue.SimpleQueue[Write | _Signal] = queue.SimpleQueue()
        self._told: deque[tuple[float, str, str, str]] = deque(maxlen=TELL_ROOM)
        self._tell_due = 0.0
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, then end. Blocks until the thread has ended."""
        self._queue.put(_CLOSE)
        self._thread.join()

    def put(self, write: Write) -> None:
        """Queue a write."""
        self._queue.put(write)

    def tell(self, actor: str, event: str, detail: str) -> None:
        """Queue telemetry. When there is no room the oldest of it is lost."""
        idle = not self._told
        self._told.append((self.clock.now(), actor, event, detail))
        if idle:
            self._queue.put(_WAKE)

    def _work(self) -> None:
        failure: GomeError | None = None
        open_ = True
        while open_:
            batch, open_ = self._take()
            try:
                if failure is None and batch:
                    self._write(batch)
                if failure is None and self._told and (time.monotonic() >= self._tell_due or not open_):
                    self._write_told()
            except (sqlite3.Error, OSError) as error:
                failure = self._translated(error)
            except Exception as error:  # noqa: BLE001 - a bug here must reach whoever waits, not die with the thread
                failure = LogError(f"the log's writer failed, which is a bug: {error!r}")
                failure.__cause__ = error
            if failure is not None:
                self._fail(batch, failure)
            elif batch:
                self._deliver(batch)
        self._connection.close()

    def _take(self) -> tuple[list[Write], bool]:
        """The writes that wait, at least one of them unless telemetry is due; False with them at the end."""
        batch: list[Write] = []
        wait = max(0.0, self._tell_due - time.monotonic()) if self._told else None
        try:
            item = self._queue.get(timeout=wait)
            while item is not _CLOSE:
                if isinstance(item, Write):
                    batch.append(item)
                    if len(batch) == BATCH:
                        break
                item = self._queue.get_nowait()
        except queue.Empty:
            return batch, True
        return batch, item is not _CLOSE

    def _write(self, batch: list[Write]) -> None:
        connection = self._connection
        rows: list[schema.Row] = []
        moved: dict[str, int] = {}
        now = self.clock.now()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for write in batch:
                self._place(write, now, rows, moved)
            connection.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            connection.executemany("INSERT OR REPLACE INTO cursors VALUES (?, ?)", moved.items())
            if self._told and time.monotonic() >= self._tell_due:
                self._insert_told()
            connection.execute("COMMIT")
        except Exception:
            _roll_back(connection)
            raise

    def _place(self, write: Write, now: float, rows: list[schema.Row], moved: dict[str, int]) -> None:
        """Give each draft of a write its place, unless the log has them; add its rows to those of the batch."""
        sender, cause = write.sender, write.cause
        if write.moves and cause is not None:
            if self._cursors.get(sender, 0) >= cause.seq:
                write.fresh = False
                write.envelopes = self._written(
                    rows, "cause = ? AND sender = ? AND seq > ?", cause.id, sender, cause.seq
                )
                return
            self._cursors[sender] = moved[sender] = cause.seq
        cause_id = cause.id if cause is not None else None
        keys = write.keys if write.keys is not None else self._counted(sender, len(write.drafts))
        ids = [message_id(cause_id, sender, key) for key in keys]
        if write.keys is not None and not write.moves and (found := self._found(rows, ids, cause)):
            write.fresh = False
            write.envelopes = found
            return
        for identifier, draft, body in zip(ids, write.drafts, write.bodies, strict=True):
            self.head += 1
            correlation = identifier if cause is None or draft.opens else cause.correlation
            message, trace, step = draft.message, draft.trace, draft.step
            write.envelopes.append(
                Envelope(identifier, self.head, self.run, sender, trace, step, cause_id, correlation, now, message)
            )
            rows.append((self.head, identifier, message.kind, sender, trace, step, cause_id, correlation, now, body))

    def _counted(self, sender: str, count: int) -> range:
        """The next ordinals of a sender outside the ring."""
        if sender not in self._counts:
            query = "SELECT count(*) FROM messages INDEXED BY outside WHERE cause IS NULL AND sender = ?"
            self._counts[sender] = self._connection.execute(query, (sender,)).fetchone()[0]
        start = self._counts[sender]
        self._counts[sender] += count
        return range(start, start + count)

    def _found(self, rows: list[schema.Row], ids: list[str], cause: Envelope | None) -> list[Envelope]:
        """Messages with these ids. They stand after their cause, which bounds the search."""
        found: list[Envelope] = []
        for identifier in ids:
            if cause is None:
                found += self._written(rows, "cause IS NULL AND id = ?", identifier)
            else:
                found += self._written(rows, "seq > ? AND id = ?", cause.seq, identifier)
        return found

    def _written(self, rows: list[schema.Row], condition: str, *parameters: str | int) -> list[Envelope]:
        """What the log has already; rows of this batch that are not yet in the table are put there first."""
        self._connection.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        rows.clear()
        query = f"SELECT {schema.COLUMNS} FROM messages WHERE {condition} ORDER BY seq"  # noqa: S608 - our own words
        return list(schema.decode(self._connection.execute(query, parameters), self.run, self._vocabulary))

    def _insert_told(self) -> None:
        # Popped one by one: the event loop may be adding to the deque.
        told = [self._told.popleft() for _ in range(len(self._told))]
        self._connection.executemany("INSERT INTO telemetry (time, actor, event, detail) VALUES (?, ?, ?, ?)", told)
        self._tell_due = time.monotonic() + TELL_EVERY

    def _write_told(self) -> None:
        """Telemetry alone: without a sync, which the next message brings. It may be lost, so it may not cost."""
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._insert_told()
            self._connection.execute("COMMIT")
        except Exception:
            _roll_back(self._connection)
            raise
        self._connection.execute("PRAGMA synchronous = FULL")

    def _translated(self, error: Exception) -> GomeError:
        if isinstance(error, OSError | sqlite3.OperationalError):
            return Outage(
                f"the log in {self._folder} could not be written: {error}. "
                "What was committed is safe. Make room on the disk, or the folder writable, then resume."
            )
        return LogDamaged(f"the log in {self._folder} could not be written: {error}. Resume to see what can be read.")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # SQLite rolls back by itself when the disk is full
        connection.execute("ROLLBACK")
