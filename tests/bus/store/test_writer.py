"""What the writer's thread promises of a batch: nothing twice, all or nothing, and nothing after a failure."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from gome.bus.message import Draft, Envelope, Subscription
from gome.bus.store.head import Head
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import SqliteLog, open_log
from gome.bus.store.tables import FILE_NAME
from gome.bus.store.writer import Write, Writer
from gome.errors import GomeError, LogError, Outage
from tests.bus.town import VOCABULARY, Answered, ask

PATIENCE = 60.0
"""Seconds after which a reply that never comes fails the test."""
FULL = 2
"""SQLite's number for the level at which a commit is on the disk before it returns."""


def answer(number: int) -> Draft:
    return Draft(Answered(number=number))


def with_log(folder: Path, work: Callable[[SqliteLog], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_log(folder, "r1", vocabulary=VOCABULARY) as log:
            await work(log)

    anyio.run(main)


def numbers(folder: Path, kind: str) -> list[int]:
    """The numbers in the log's messages of one kind, in order."""
    with LogReader(folder, VOCABULARY) as reader:
        return [each.message.number for each in reader.envelopes(kinds=[kind])]  # type: ignore[attr-defined]


class Desk:
    """A writer of a log that holds one question, and what it delivers and fails.

    What is put before `start` is one batch.
    """

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.folder = folder
        self.asked = self._opened()
        self.connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None, check_same_thread=False)
        self.delivered: queue.SimpleQueue[list[Write]] = queue.SimpleQueue()
        self.failed: queue.SimpleQueue[tuple[list[Write], GomeError]] = queue.SimpleQueue()
        self.levels: list[int] = []
        self.started = self.closed = False
        self.writer = Writer(
            self.connection,
            folder,
            VOCABULARY,
            Head(),
            self._deliver,
            lambda batch, error: self.failed.put((batch, error)),
        )
        self._loop = loop

    def _opened(self) -> Envelope:
        found: list[Envelope] = []

        async def work(log: SqliteLog) -> None:
            found.extend(await log.append("user", [ask(1)]))

        with_log(self.folder, work)
        return found[0]

    def _deliver(self, batch: list[Write]) -> None:
        self.levels.append(self.connection.execute("PRAGMA synchronous").fetchone()[0])
        self.delivered.put(batch)

    def append(
        self, *drafts: Draft, sender: str = "user", cause: Envelope | None = None, key: str | None = None
    ) -> Write:
        return self._put(sender, cause, drafts, None if key is None else [key], moves=False)

    def commit(self, actor: str, *drafts: Draft) -> Write:
        """The question as handled by that actor."""
        return self._put(actor, self.asked, drafts, range(len(drafts)), moves=True)

    def _put(
        self,
        sender: str,
        cause: Envelope | None,
        drafts: tuple[Draft, ...],
        keys: Sequence[int | str] | None,
        moves: bool,
    ) -> Write:
        bodies = [each.message.model_dump_json() for each in drafts]
        write = Write(sender, cause, drafts, bodies, keys, moves, self._loop.create_future())
        self.writer.put(write)
        return write

    def start(self) -> None:
        self.started = True
        self.writer.start()

    def close(self) -> None:
        if self.started and not self.closed:
            self.closed = True
            self.writer.close()

    def next_delivered(self) -> list[Write]:
        return self.delivered.get(timeout=PATIENCE)

    def next_failed(self) -> tuple[list[Write], GomeError]:
        return self.failed.get(timeout=PATIENCE)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """What another connection gets, which does not wait for a lock."""
        with closing(sqlite3.connect(self.folder / FILE_NAME, isolation_level=None, timeout=0)) as other:
            return other.execute(statement).fetchall()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(asyncio.new_event_loop()) as loop:
        made = Desk(tmp_path, loop)
        yield made
        made.close()
        made.connection.close()


def test_a_message_handled_again_is_delivered_to_nobody(tmp_path: Path) -> None:
    async def work(log: SqliteLog) -> None:
        listener = log.subscribe(Subscription(frozenset({"answered"})))
        first, second = await log.append("user", [ask(1), ask(2)])
        said = await log.commit("a-0", first, [answer(1)])
        said += await log.commit("a-0", second, [answer(2)])
        assert await log.commit("a-0", first, [answer(3)]) == said[:1]
        assert (log.head, log.cursors) == (4, {"a-0": 2}), "neither goes back"
        said += await log.append("user", [answer(4)])
        assert [await listener.next() for _ in said] == said

    with_log(tmp_path, work)
    assert numbers(tmp_path, "answered") == [1, 2, 4]


def test_a_message_handled_again_in_a_later_session_is_delivered_to_nobody(tmp_path: Path) -> None:
    said: list[Envelope] = []

    async def first(log: SqliteLog) -> None:
        (asked,) = await log.append("user", [ask(1)])
        said.extend(await log.commit("a-0", asked, [answer(1)]))

    async def second(log: SqliteLog) -> None:
        (asked,) = await log.read(0, 1)
        listener = log.subscribe(Subscription(frozenset({"answered"})), after=log.head)
        assert await log.commit("a-0", asked, [answer(2)]) == said
        (last,) = await log.append("user", [answer(3)])
        assert await listener.next() == last

    with_log(tmp_path, first)
    with_log(tmp_path, second)


def test_a_key_used_again_is_delivered_to_nobody(tmp_path: Path) -> None:
    async def work(log: SqliteLog) -> None:
        listener = log.subscribe(Subscription(frozenset({"asked"})))
        first = await log.append("user", [ask(1)], key="opening")
        second = await log.append("user", [ask(2)])
        assert await log.append("user", [ask(3)], key="opening") == first
        assert log.head == 2
        third = await log.append("user", [ask(4)])
        assert [await listener.next() for _ in range(3)] == first + second + third

    with_log(tmp_path, work)


def test_a_message_handled_twice_in_one_batch_has_one_outcome(desk: Desk) -> None:
    once, again = desk.commit("a-0", answer(1), answer(2)), desk.commit("a-0", answer(3), answer(4))
    other = desk.commit("a-1", answer(5))
    desk.start()
    assert desk.next_delivered() == [once, again, other]
    assert [each.fresh for each in (once, again, other)] == [True, False, True]
    assert [each.seq for each in once.envelopes] == [2, 3]
    assert again.envelopes == once.envelopes
    desk.close()
    assert numbers(desk.folder, "answered") == [1, 2, 5]


@pytest.mark.parametrize("caused", [False, True])
def test_a_key_used_twice_in_one_batch_is_appended_once(desk: Desk, caused: bool) -> None:
    cause = desk.asked if caused else None
    once, again = (desk.append(answer(number), sender="clock", cause=cause, key="tick") for number in (1, 2))
    other = desk.append(answer(3), sender="clock", cause=cause, key="tock")
    desk.start()
    assert desk.next_delivered() == [once, again, other]
    assert [each.fresh for each in (once, again, other)] == [True, False, True]
    assert again.envelopes == once.envelopes
    desk.close()
    assert numbers(desk.folder, "answered") == [1, 3]


def test_messages_without_a_key_are_all_appended_though_they_are_alike(desk: Desk) -> None:
    writes = [desk.append(ask(7)) for _ in range(3)]
    desk.start()
    assert desk.next_delivered() == writes
    assert len({each.envelopes[0].id for each in writes} | {desk.asked.id}) == 4
    desk.close()
    assert numbers(desk.folder, "asked") == [1, 7, 7, 7]


def test_a_batch_that_fails_leaves_nothing_of_it_and_holds_no_lock(desk: Desk) -> None:
    desk.execute("ALTER TABLE cursors RENAME TO mislaid")
    writes = [desk.append(ask(2)), desk.commit("a-0", answer(1))]
    desk.start()
    failed, error = desk.next_failed()
    assert failed == writes
    assert isinstance(error, Outage)
    desk.execute("BEGIN IMMEDIATE")
    desk.execute("ALTER TABLE mislaid RENAME TO cursors")
    assert desk.execute("SELECT count(*) FROM messages") == [(1,)]
    assert desk.execute("SELECT * FROM cursors") == []


def test_telemetry_that_fails_holds_no_lock(desk: Desk) -> None:
    desk.execute("ALTER TABLE telemetry RENAME TO mislaid")
    desk.start()
    desk.writer.tell("a-0", "progress", "half")
    failed, error = desk.next_failed()
    assert failed == []
    assert isinstance(error, Outage)
    desk.execute("BEGIN IMMEDIATE")


def test_after_a_failure_nothing_is_written_though_the_file_is_well_again(desk: Desk) -> None:
    """A later message must not stand in the log without an earlier one that was queued before it."""
    desk.execute("ALTER TABLE cursors RENAME TO mislaid")
    desk.start()
    desk.append(ask(2))
    _, first = desk.next_failed()
    desk.execute("ALTER TABLE mislaid RENAME TO cursors")
    late = desk.append(ask(3))
    assert desk.next_failed() == ([late], first)
    desk.writer.tell("a-0", "progress", "half")
    desk.close()
    assert desk.delivered.empty()
    assert numbers(desk.folder, "asked") == [1]
    assert desk.execute("SELECT count(*) FROM telemetry") == [(0,)]


def test_a_bug_in_the_writer_reaches_whoever_waits(desk: Desk) -> None:
    good = desk.append(ask(2))
    odd = Write("user", None, [ask(3)], [], None, False, good.waiter)
    desk.writer.put(odd)
    desk.start()
    failed, error = desk.next_failed()
    assert failed == [good, odd]
    assert type(error) is LogError
    assert "bug" in str(error)
    desk.execute("BEGIN IMMEDIATE")
    desk.close()
    assert numbers(desk.folder, "asked") == [1], "of a batch all is written or nothing"


def test_a_message_after_telemetry_is_on_the_disk_before_it_is_delivered(desk: Desk) -> None:
    """Telemetry is written without waiting for the disk; the messages after it are not."""
    told = threading.Event()
    desk.connection.set_trace_callback(lambda statement: told.set() if "INTO telemetry" in statement else None)
    desk.start()
    desk.writer.tell("a-0", "progress", "half")
    assert told.wait(PATIENCE)
    desk.append(ask(2))
    desk.next_delivered()
    assert desk.levels == [FULL]


def test_telemetry_that_is_not_due_yet_is_written_at_the_close(desk: Desk) -> None:
    desk.start()
    for place in range(5):
        desk.writer.tell("a-0", "progress", str(place))
    desk.close()
    assert desk.execute("SELECT detail FROM telemetry ORDER BY seq") == [(str(place),) for place in range(5)]
