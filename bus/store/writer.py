"""Writer thread of a log. It alone owns the write connection and assigns sequence numbers, times and ordinals.

    queue ──take all queued writes──► one transaction, one sync ──► back to the event loop

Group commit without a delay: a single write is synced at once; writes that queue up during a sync share the next one.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gome.bus.message import Draft, Envelope, Vocabulary, message_id
from gome.bus.store import tables as schema
from gome.bus.store.head import Head
from gome.errors import GomeError, LogDamaged, LogError, Outage

__all__ = ["Clock", "Write", "Writer"]

BATCH = 512
"""Maximum number of writes in one transaction; bounds the latency of the first of them."""
TELL_EVERY = 0.25
"""Seconds between two writes of telemetry."""
_PATIENCE = 2000
"""Milliseconds to wait for readers at the end of a session."""
TELL_ROOM = 4096
"""Telemetry events kept in memory until they are written."""


class Clock:
    """Clock of live seconds; continues at the last time in the log."""

    def __init__(self, start: float) -> None:
        self._offset = start - time.monotonic()

    def now(self) -> float:
        """Seconds since the run's start, without the time in which no process was running it."""
        return self._offset + time.monotonic()


@dataclass(slots=True)
class Write:
    """Messages of one sender to be written atomically, with their JSON bodies and the future that awaits them.

    `moves`: the sender's cursor advances past `cause`. `keys` are the ordinals of the ids; None: the writer counts
    them. `fresh` becomes false where the messages were in the log already.
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
    """An entry of the queue that is not a write."""


_CLOSE = _Signal()
_WAKE = _Signal()


class Writer:
    """Writes batches in its own thread, from which it calls `deliver` and `fail`.

    `put` and `tell` may be called from other threads. After the first failure nothing more is written: every later
    batch fails with the same error.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        folder: Path,
        vocabulary: Vocabulary,
        head: Head,
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
        self._noted = head
        self.head, last = schema.last_place(connection)
        self.clock = Clock(last)
        self._counts: Counter[str] = Counter()
        self._queue: queue.SimpleQueue[Write | _Signal] = queue.SimpleQueue()
        self._events: deque[tuple[float, str, str, str]] = deque(maxlen=TELL_ROOM)
        self._events_due = 0.0
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Write what is queued, then end the thread. Blocks until it has ended."""
        self._queue.put(_CLOSE)
        self._thread.join()

    def put(self, write: Write) -> None:
        """Queue a write."""
        self._queue.put(write)

    def tell(self, actor: str, event: str, detail: str) -> None:
        """Queue a telemetry event. Where TELL_ROOM events are queued, the oldest is dropped."""
        idle = not self._events
        self._events.append((self.clock.now(), actor, event, detail))
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
                if failure is None and self._events and (time.monotonic() >= self._events_due or not open_):
                    self._write_telemetry()
            except (sqlite3.Error, OSError) as error:
                failure = self._translated(error)
            except Exception as error:  # noqa: BLE001 - a bug here must reach whoever waits, not die with the thread
                failure = LogError(
                    f"the log's writer failed: {error!r}. This is a bug in gome; what was committed is safe."
                )
                failure.__cause__ = error
            if failure is not None:
                self._fail(batch, failure)
            elif batch:
                self._deliver(batch)
        if failure is None:
            _join_files(self._connection)
        self._connection.close()

    def _take(self) -> tuple[list[Write], bool]:
        """Wait for writes, or until telemetry is due; return the queued writes, and False once the writer is closed."""
        batch: list[Write] = []
        wait = max(0.0, self._events_due - time.monotonic()) if self._events else None
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
            if self._events and time.monotonic() >= self._events_due:
                self._insert_events()
            connection.execute("COMMIT")
        except Exception:
            _roll_back(connection)
            raise
        self._noted.write(self._folder)

    def _place(self, write: Write, now: float, rows: list[schema.Row], moved: dict[str, int]) -> None:
        """Assign id and sequence number to each draft and add its row to the batch, unless the log has them already."""
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
            row = (self.head, identifier, message.kind, sender, trace, step, cause_id, correlation, now, body)
            rows.append(row)
            self._noted.add(row)

    def _counted(self, sender: str, count: int) -> range:
        """The next ordinals of a sender whose messages have no key."""
        if sender not in self._counts:
            query = "SELECT count(*) FROM messages INDEXED BY outside WHERE cause IS NULL AND sender = ?"
            self._counts[sender] = self._connection.execute(query, (sender,)).fetchone()[0]
        start = self._counts[sender]
        self._counts[sender] += count
        return range(start, start + count)

    def _found(self, rows: list[schema.Row], ids: list[str], cause: Envelope | None) -> list[Envelope]:
        """Messages with these ids. They come after their cause, which bounds the search."""
        found: list[Envelope] = []
        for identifier in ids:
            if cause is None:
                found += self._written(rows, "cause IS NULL AND id = ?", identifier)
            else:
                found += self._written(rows, "seq > ? AND id = ?", cause.seq, identifier)
        return found

    def _written(self, rows: list[schema.Row], condition: str, *parameters: str | int) -> list[Envelope]:
        """Messages in the log that match a condition. Inserts the pending rows of this batch first."""
        self._connection.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        rows.clear()
        query = f"SELECT {schema.COLUMNS} FROM messages WHERE {condition} ORDER BY seq"  # noqa: S608 - our own words
        return list(schema.decode(self._connection.execute(query, parameters), self.run, self._vocabulary))

    def _insert_events(self) -> None:
        # Popped one by one: the event loop may be adding to the deque.
        events = [self._events.popleft() for _ in range(len(self._events))]
        self._connection.executemany("INSERT INTO telemetry (time, actor, event, detail) VALUES (?, ?, ?, ?)", events)
        self._events_due = time.monotonic() + TELL_EVERY

    def _write_telemetry(self) -> None:
        """Write telemetry without a sync: events may be lost, and the sync of the next message covers them."""
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._insert_events()
            self._connection.execute("COMMIT")
        except Exception:
            _roll_back(self._connection)
            raise
        self._connection.execute("PRAGMA synchronous = FULL")

    def _translated(self, error: Exception) -> GomeError:
        """The gome error for a failed write: Outage for the disk, LogDamaged for the content of the file."""
        if isinstance(error, OSError | sqlite3.OperationalError):
            return Outage(
                f"the log in {self._folder} could not be written: {error}. "
                "What was committed is safe. Free disk space or make the folder writable, then resume."
            )
        return LogDamaged(
            f"the log in {self._folder} could not be written: {error}. Resume the run: the log is then checked."
        )


def _join_files(connection: sqlite3.Connection) -> None:
    """Move all messages from the WAL to the log's file, so that a copy of that file alone is whole.

    A viewer that is reading just now can prevent it. Then the WAL stays, and nothing is lost.
    """
    with suppress(sqlite3.Error):
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # SQLite rolls back by itself when the disk is full
        connection.execute("ROLLBACK")
