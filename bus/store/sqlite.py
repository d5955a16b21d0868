"""The log in SQLite: `folder/log.sqlite` in WAL mode with synchronous=FULL, one writer thread, one process at a time.

async with open_log(folder, run="…", vocabulary=VOCABULARY) as log:
    await log.append("user", [Draft(RunOpened(…))])
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread
from pydantic import ValidationError

from gome.bus.mailbox import LogMailbox
from gome.bus.message import Draft, Envelope, Message, Subscription, Vocabulary
from gome.bus.routes import Routes
from gome.bus.store import tables as schema
from gome.bus.store.artefacts import sync_folder
from gome.bus.store.head import Head, check
from gome.bus.store.lock import RunLock
from gome.bus.store.writer import Write, Writer
from gome.errors import GomeError, LogDamaged, LogError, Outage

__all__ = ["SqliteLog", "open_log"]


@asynccontextmanager
async def open_log(folder: Path, run: str | None = None, *, vocabulary: Vocabulary) -> AsyncIterator["SqliteLog"]:
    """Open the log in `folder` for writing; create it for `run` where there is none.

    Raises LogLocked where another process is writing to it, LogVersion for a log of another version, LogDamaged for a
    corrupt one, LogError where it belongs to another run (or is missing and `run` is None), and Outage where the folder
    cannot be written.
    """
    lock = RunLock(folder)
    await anyio.to_thread.run_sync(lock.__enter__)
    try:
        connection = await anyio.to_thread.run_sync(_connect, folder, run)
        head = await anyio.to_thread.run_sync(_checked, connection, folder)
        log = SqliteLog(connection, folder, vocabulary, head)
        try:
            yield log
        finally:
            with anyio.CancelScope(shield=True):
                await log.close()
    finally:
        lock.__exit__(None, None, None)


def _connect(folder: Path, run: str | None) -> sqlite3.Connection:
    path = folder / schema.FILE_NAME
    if not path.exists() and run is None:
        raise LogError(f"there is no log in {folder}, and no run id to create one for. Give the folder of a run.")
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
        try:
            _prepare(connection, path, run)
        except BaseException:
            connection.close()
            raise
    except sqlite3.OperationalError as error:
        raise Outage(
            f"the log in {folder} cannot be opened for writing: {error}. Make the folder writable and free disk space."
        ) from error
    except sqlite3.DatabaseError as error:
        raise LogDamaged(f"{path} is damaged: {error}. Nothing could be read; restore it from a copy.") from error
    return connection


def _checked(connection: sqlite3.Connection, folder: Path) -> Head:
    """The head of the log, noted anew. Closes the connection where it raises LogDamaged or Outage."""
    try:
        head = check(connection, folder)
        head.write(folder)
    except OSError as error:
        connection.close()
        raise Outage(f"cannot write to {folder}: {error.strerror}. Free some space, then resume.") from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise LogDamaged(f"the log in {folder} is damaged: {error}. Restore it from a copy.") from error
    except BaseException:
        connection.close()
        raise
    return head


def _prepare(connection: sqlite3.Connection, path: Path, run: str | None) -> None:
    """Configure the connection; create the tables of a new file, check an existing one."""
    schema.set_page_size(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 2000")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] and run is not None:
        schema.create(connection, run)
        sync_folder(path.parent)
        return
    schema.examine(connection, path, thorough=True)
    found = schema.run_of(connection)
    if run is not None and found != run:
        raise LogError(f"{path} is the log of run {found}, not of {run}. Give the folder of that run.")
    # A write that changes nothing, so that a read-only folder or a full disk is detected now and not during the run.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE meta SET value = value WHERE key = 'run'")
    connection.execute("COMMIT")


class SqliteLog:
    """A `Log` in SQLite, created by `open_log`. All methods must be called on the event loop's thread."""

    def __init__(self, connection: sqlite3.Connection, folder: Path, vocabulary: Vocabulary, head: Head) -> None:
        self.folder = folder
        self._vocabulary = vocabulary
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(connection, folder, vocabulary, head, self._from_writer, self._failed_in_writer)
        self._reading = _connect_reader(folder / schema.FILE_NAME)
        self._reader = anyio.CapacityLimiter(1)  # one connection, and no pages in the memory of many threads
        self._head = self._writer.head
        self._cursors = schema.read_cursors(self._reading)
        # Actors keep the message that opened the run, which is large where a table has thousands of columns.
        self._held: WeakValueDictionary[int, Message] = WeakValueDictionary()
        self._routes: Routes[LogMailbox] = Routes()
        self._failure: GomeError | None = None
        self._closed = False
        self._writer.start()

    @property
    def run(self) -> str:
        """The id of the run."""
        return self._writer.run

    @property
    def vocabulary(self) -> Vocabulary:
        """The message classes that can be written."""
        return self._vocabulary

    @property
    def head(self) -> int:
        """The last sequence number that was delivered; 0 before the first message."""
        return self._head

    @property
    def cursors(self) -> dict[str, int]:
        """Sequence number of the last message that each actor has handled."""
        return self._cursors.copy()

    def elapsed(self) -> float:
        """Live seconds of the run, summed over all processes that ran it."""
        return self._writer.clock.now()

    async def append(
        self, sender: str, drafts: Sequence[Draft], cause: Envelope | None = None, key: str | None = None
    ) -> list[Envelope]:
        """Append messages outside of a handler's commit; see `Log.append`. With a `cause`, a `key` is required."""
        if cause is not None and key is None:
            raise ValueError("a message with a cause needs a key: its id derives from both")
        keys = None if key is None else [key if place == 0 else f"{key}/{place}" for place in range(len(drafts))]
        return await self._submit(sender, cause, drafts, keys, moves=False)

    async def commit(self, actor: str, handled: Envelope, drafts: Sequence[Draft]) -> list[Envelope]:
        """Advance the actor's cursor past `handled` and append the handler's output; see `Log.commit`."""
        return await self._submit(actor, handled, drafts, range(len(drafts)), moves=True)

    def subscribe(self, subscription: Subscription, after: int = 0) -> LogMailbox:
        """Open a mailbox for the matching messages with a sequence number above `after`."""
        mailbox = LogMailbox(subscription, after, self._head, self.read, self._forget)
        if self._failure is not None:
            mailbox.fail(self._failure)
        self._routes.add(subscription, mailbox)
        return mailbox

    def _forget(self, mailbox: LogMailbox) -> None:
        self._routes.remove(mailbox.subscription, mailbox)

    async def read(
        self, after: int, upto: int, subscription: Subscription | None = None, limit: int = 1000
    ) -> list[Envelope]:
        """At most `limit` messages with after < seq ≤ upto, in order: those that are still in use, as they are."""
        return await anyio.to_thread.run_sync(self._read, after, upto, subscription, limit, limiter=self._reader)

    async def answers(self) -> dict[tuple[str, str], int]:
        """Number of messages in the log per (sender, cause), without activity records."""
        return await anyio.to_thread.run_sync(schema.read_answers, self._reading, limiter=self._reader)

    def tell(self, actor: str, event: str, detail: str) -> None:
        """Publish telemetry; see `Log.tell`."""
        if not self._closed:
            self._writer.tell(actor, event, detail)

    async def close(self) -> None:
        """Write what is queued and close the file. `open_log` calls this at its end."""
        if not self._closed:
            self._closed = True
            self._reading.close()  # first, so that the writer can empty the WAL
            await anyio.to_thread.run_sync(self._writer.close)

    async def _submit(
        self,
        sender: str,
        cause: Envelope | None,
        drafts: Sequence[Draft],
        keys: Sequence[int | str] | None,
        moves: bool,
    ) -> list[Envelope]:
        if self._failure is not None:
            raise type(self._failure)(*self._failure.args)
        if self._closed:
            raise LogError("the log is closed; open it again to write")
        bodies = [self._encode(draft.message) for draft in drafts]
        waiter: asyncio.Future[list[Envelope]] = self._loop.create_future()
        self._writer.put(Write(sender, cause, drafts, bodies, keys, moves, waiter))
        return await waiter

    def _encode(self, message: Message) -> str:
        """The message as JSON. Raises ValueError where decoding changes it: live and resumed runs would differ."""
        body = message.model_dump_json()
        try:
            back = self._vocabulary.decode(message.kind, body)
        except KeyError as error:
            raise ValueError(f"{message.kind} is not in this log's vocabulary") from error
        except ValidationError as error:
            raise ValueError(f"{message.kind} does not survive the log unchanged: {error}") from error
        if back != message:
            fields = [
                name for name in type(message).model_fields if getattr(back, name, None) != getattr(message, name)
            ]
            raise ValueError(f"{message.kind} does not survive the log unchanged: {', '.join(fields)}")
        self._vocabulary.hold(message, body)
        return body

    def _from_writer(self, batch: list[Write]) -> None:
        self._loop.call_soon_threadsafe(self._deliver, batch)

    def _failed_in_writer(self, batch: list[Write], error: GomeError) -> None:
        self._loop.call_soon_threadsafe(self._fail, batch, error)

    def _deliver(self, batch: list[Write]) -> None:
        for write in batch:
            if write.moves and write.cause is not None and write.fresh:
                self._cursors[write.sender] = write.cause.seq
            if write.fresh:
                for envelope in write.envelopes:
                    self._head = envelope.seq
                    self._held[envelope.seq] = envelope.message
                    for mailbox in self._routes.listeners(envelope.message.kind, envelope.trace):
                        mailbox.feed(envelope)
            if not write.waiter.done():
                write.waiter.set_result(write.envelopes)

    def _fail(self, batch: list[Write], error: GomeError) -> None:
        if self._failure is None:
            self._failure = error
            for mailbox in self._routes:
                mailbox.fail(error)
        for write in batch:
            if not write.waiter.done():
                write.waiter.set_exception(type(error)(*error.args))

    def _read(self, after: int, upto: int, subscription: Subscription | None, limit: int) -> list[Envelope]:
        condition, parameters = ("TRUE", {}) if subscription is None else schema.routed(subscription)
        query = (
            f"SELECT {schema.COLUMNS} FROM messages WHERE seq > :after AND seq <= :upto AND {condition} "  # noqa: S608
            "ORDER BY seq LIMIT :limit"
        )
        values = {**parameters, "after": after, "upto": upto, "limit": limit}
        try:
            rows = self._reading.execute(query, values)
            return list(schema.decode(rows, self.run, self._vocabulary, self._held))
        except sqlite3.DatabaseError as error:
            raise LogDamaged(f"the log in {self.folder} cannot be read: {error}. Restore it from a copy.") from error


def _connect_reader(path: Path) -> sqlite3.Connection:
    """Open a second connection for reading, so that lagging mailboxes do not block the writer."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
    connection.execute("PRAGMA query_only = TRUE")
    return connection
