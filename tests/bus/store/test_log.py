"""Guarantees of the log: durable before delivered, exactly once, in order, one writer, damage is detected."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from gome.bus.mailbox import ROOM
from gome.bus.message import Draft, Subscription, message_id
from gome.bus.store.lock import RunLock, holder
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import SqliteLog, open_log
from gome.bus.store.tables import FILE_NAME
from gome.errors import LogDamaged, LogError, LogLocked, LogVersion, Outage
from tests.bus.town import VOCABULARY, Answered, Ended, Loose, ask

ASKED = Subscription(frozenset({"asked"}))


def with_log(folder: Path, work: Callable[[SqliteLog], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_log(folder, "r1", vocabulary=VOCABULARY) as log:
            await work(log)

    anyio.run(main)


def numbers(folder: Path) -> list[int]:
    with LogReader(folder, VOCABULARY) as reader:
        return [each.message.number for each in reader.envelopes(kinds=["asked"])]  # type: ignore[attr-defined]


def test_what_is_appended_is_there_after_reopening(tmp_path: Path) -> None:
    async def first(log: SqliteLog) -> None:
        (one,) = await log.append("user", [ask(1, 0, 3)])
        assert (one.seq, one.run, one.sender, one.trace, one.step, one.cause) == (1, "r1", "user", 0, 3, None)
        assert one.correlation == one.id == message_id(None, "user", 0)

    async def second(log: SqliteLog) -> None:
        (two,) = await log.append("user", [ask(2)])
        (one,) = await log.read(0, 1)
        assert two.seq == 2 and two.id == message_id(None, "user", 1)
        assert two.time >= one.time
        assert one.message == ask(1).message

    with_log(tmp_path, first)
    with_log(tmp_path, second)


def test_a_keyed_message_is_appended_once(tmp_path: Path) -> None:
    async def work(log: SqliteLog) -> None:
        first = await log.append("user", [ask(1), ask(2)], key="opening")
        again = await log.append("user", [ask(8), ask(9)], key="opening")
        assert again == first and log.head == 2
        caused = await log.append("clock", [ask(3)], cause=first[0], key="tick")
        assert await log.append("clock", [ask(4)], cause=first[0], key="tick") == caused
        with pytest.raises(ValueError, match="key"):
            await log.append("clock", [ask(4)], cause=first[0])

    with_log(tmp_path, work)
    assert numbers(tmp_path) == [1, 2, 3]


def test_a_message_is_committed_once_with_its_cursor(tmp_path: Path) -> None:
    async def work(log: SqliteLog) -> None:
        (asked,) = await log.append("user", [ask(1)])
        drafts = [Draft(Answered(number=1)), Draft(Answered(number=2), opens=True)]
        said = await log.commit("a-0", asked, drafts)
        assert [each.id for each in said] == [message_id(asked.id, "a-0", place) for place in range(2)]
        assert [each.correlation for each in said] == [asked.correlation, said[1].id]
        assert await log.commit("a-0", asked, [Draft(Answered(number=7))]) == said
        assert log.head == 3 and log.cursors == {"a-0": 1}

    with_log(tmp_path, work)
    with LogReader(tmp_path, VOCABULARY) as reader:
        assert reader.cursors() == {"a-0": 1} and len(list(reader.envelopes())) == 3


def test_a_subscriber_gets_the_very_objects_routed_to_it_in_order(tmp_path: Path) -> None:
    async def work(log: SqliteLog) -> None:
        here = log.subscribe(Subscription(frozenset({"asked"}), 1))
        everywhere = log.subscribe(ASKED)
        other = log.subscribe(Subscription(frozenset({"ended"})))
        written = await log.append("user", [ask(1, 0), ask(2, 1), ask(3), Draft(Ended())])
        assert [await here.next() for _ in range(2)] == written[1:3]
        assert await everywhere.next() is written[0]
        assert await other.next() is written[3]
        here.close()
        await log.append("user", [ask(4, 1)])
        assert await here.next() is None

    with_log(tmp_path, work)


def test_subscribers_that_read_a_message_from_the_log_share_it(tmp_path: Path) -> None:
    async def work(log: SqliteLog) -> None:
        mailboxes = [log.subscribe(ASKED) for _ in range(2)]
        one, other = [await mailbox.next() for mailbox in mailboxes]
        assert one is not None and other is not None and one.message is other.message
        (written,) = await log.append("user", [ask(2)])
        (read,) = await log.read(1, 2)
        assert read.message is written.message

    async def opening(log: SqliteLog) -> None:
        await log.append("user", [ask(1)])

    with_log(tmp_path, opening)
    with_log(tmp_path, work)


def test_a_slow_subscriber_lags_and_loses_nothing(tmp_path: Path) -> None:
    async def work(log: SqliteLog) -> None:
        slow = log.subscribe(Subscription(frozenset({"asked"}), 0))
        late = None
        for place in range(10):
            await log.append("user", [ask(100 * place + each, each % 2) for each in range(100)])
            late = late or log.subscribe(ASKED, after=50)
        assert slow.lagging and late is not None
        got = []
        for place in range(500):
            if place == 300:  # more messages arrive while it catches up
                await log.append("user", [ask(1000, 0), ask(1001, 1), ask(1002, 0)])
            envelope = await slow.next()
            assert envelope is not None
            got.append(envelope.message.number)  # type: ignore[attr-defined]
        got += [(await slow.next()).message.number for _ in range(2)]  # type: ignore[union-attr]
        assert got == [*range(0, 1000, 2), 1000, 1002]
        assert not slow.lagging
        assert [(await late.next()).seq for _ in range(953)] == list(range(51, 1004))

    assert ROOM < 500
    with_log(tmp_path, work)


def test_concurrent_appends_keep_each_sender_in_order(tmp_path: Path) -> None:
    async def work(log: SqliteLog) -> None:
        async def publish(sender: str) -> None:
            for number in range(40):
                await log.append(sender, [ask(number)])

        async with anyio.create_task_group() as group:
            for place in range(20):
                group.start_soon(publish, f"user-{place}")

    with_log(tmp_path, work)
    with LogReader(tmp_path, VOCABULARY) as reader:
        by_sender: dict[str, list[int]] = {}
        for each in reader.envelopes():
            by_sender.setdefault(each.sender, []).append(each.message.number)  # type: ignore[attr-defined]
    assert len(by_sender) == 20 and all(each == list(range(40)) for each in by_sender.values())


@pytest.mark.parametrize("value", [float("nan"), (1, 2), {1: 2}], ids=["nan", "tuple", "number as key"])
def test_what_would_come_back_otherwise_is_refused(tmp_path: Path, value: object) -> None:
    async def work(log: SqliteLog) -> None:
        with pytest.raises(ValueError, match="does not survive the log unchanged: value"):
            await log.append("user", [ask(1), Draft(Loose(value=value))])
        await log.append("user", [Draft(Loose(value=[1, {"a": None}]))])
        assert log.head == 1

    with_log(tmp_path, work)


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path: Path) -> None:
    script = (
        "import sys, anyio, pathlib\n"
        "from gome.bus.store.sqlite import open_log\n"
        "from tests.bus.town import VOCABULARY\n"
        "async def main():\n"
        "    async with open_log(pathlib.Path(sys.argv[1]), 'r1', vocabulary=VOCABULARY):\n"
        "        print('open', flush=True)\n"
        "        await anyio.to_thread.run_sync(sys.stdin.read)\n"
        "anyio.run(main)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "open\n"
        assert holder(tmp_path) == child.pid
        with pytest.raises(LogLocked, match=f"process {child.pid} is writing"):
            with_log(tmp_path, _nothing)
        child.kill()
    assert holder(tmp_path) is None
    with_log(tmp_path, _nothing)  # the kernel released the lock


async def _nothing(log: SqliteLog) -> None:
    pass


def test_another_run_or_none_is_refused(tmp_path: Path) -> None:
    async def open_as(run: str | None) -> None:
        async with open_log(tmp_path, run, vocabulary=VOCABULARY):
            pass

    with pytest.raises(LogError, match="no log in"):
        anyio.run(open_as, None)
    anyio.run(open_as, "r1")
    anyio.run(open_as, None)
    with pytest.raises(LogError, match="is the log of run r1, not of r2"):
        anyio.run(open_as, "r2")


def test_another_version_is_refused(tmp_path: Path) -> None:
    with_log(tmp_path, _nothing)
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    content[63] = 9  # PRAGMA user_version, big-endian at 60
    path.write_bytes(content)
    with pytest.raises(LogVersion, match="version 9, which a later gome reads; this gome reads version 2"):
        with_log(tmp_path, _nothing)
    with pytest.raises(LogVersion, match="version 9"):
        LogReader(tmp_path, VOCABULARY)


def test_a_lock_that_is_a_link_or_a_pipe_is_none(tmp_path: Path) -> None:
    """A run may come from elsewhere: the file at a link's end would be emptied, and a pipe waited for."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    lock = tmp_path / "run" / "run.lock"
    lock.parent.mkdir()
    lock.symlink_to(precious)
    with pytest.raises(Outage), RunLock(lock.parent):
        pass
    assert precious.read_text() == "mine"
    lock.unlink()
    os.mkfifo(lock)
    assert holder(lock.parent) is None
    with pytest.raises(Outage), RunLock(lock.parent):
        pass


async def _fill(log: SqliteLog) -> None:
    for place in range(10):
        await log.append("user", [ask(10 * place + each, text="x" * 3000) for each in range(10)])


def test_a_torn_file_is_reported_with_what_could_be_read(tmp_path: Path) -> None:
    with_log(tmp_path, _fill)
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(LogDamaged, match=r"damaged .*\d+ messages could be read, up to seq \d+, asked|Nothing"):
        with_log(tmp_path, _nothing)


def test_a_page_overwritten_is_reported_with_what_could_be_read(tmp_path: Path) -> None:
    with_log(tmp_path, _fill)
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(LogDamaged, match=r"\d+ messages could be read, up to seq \d+, asked"):
        with_log(tmp_path, _nothing)


@pytest.mark.parametrize("content", [b"", b"not a database, and longer than a header" * 30, b"SQLite format 3\0" * 8])
def test_what_is_no_log_is_reported(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)

    async def resume() -> None:
        async with open_log(tmp_path, vocabulary=VOCABULARY):
            pass

    with pytest.raises(LogError, match=r"no log in|Nothing could be read|No message could be read"):
        anyio.run(resume)


def test_a_torn_tail_of_the_write_ahead_log_costs_only_what_was_not_committed(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()

    async def work(log: SqliteLog) -> None:
        await _fill(log)
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):  # what a power failure would leave
            (copy / name).write_bytes((tmp_path / name).read_bytes())

    with_log(tmp_path, work)
    wal = copy / f"{FILE_NAME}-wal"
    wal.write_bytes(wal.read_bytes()[: int(wal.stat().st_size * 0.6)] + b"\xff" * 1000)
    with_log(copy, _nothing)
    left = numbers(copy)
    assert 0 < len(left) < 100 and len(left) % 10 == 0 and left == list(range(len(left)))


def test_a_failure_of_the_writer_reaches_everybody_who_waits(tmp_path: Path) -> None:
    async def work(log: SqliteLog) -> None:
        mailbox = log.subscribe(ASKED)
        (asked,) = await log.append("user", [ask(1)])
        assert await mailbox.next() is asked
        with sqlite3.connect(tmp_path / FILE_NAME) as other:
            other.execute("DROP TABLE cursors")
        other.close()
        failed = []

        async def fails(awaitable: Awaitable[object]) -> None:
            with pytest.raises(Outage, match=f"the log in {tmp_path} could not be written"):
                await awaitable
            failed.append(awaitable)

        async with anyio.create_task_group() as group:
            group.start_soon(fails, mailbox.next())
            for number in range(10):
                group.start_soon(fails, log.append("user", [ask(number)]))
            group.start_soon(fails, log.commit("a-0", asked, []))
        await fails(log.append("user", [ask(2)]))
        assert len(failed) == 13 and log.head == 1

    with_log(tmp_path, work)
    assert numbers(tmp_path) == [1]


def test_a_large_message_is_one_object_for_all_who_read_it_here(tmp_path: Path) -> None:
    """Its content takes megabytes, and actors, screens and trackers of one process all read it."""

    async def work(log: SqliteLog) -> None:
        large = Loose(value="x" * (1 << 20))
        await log.append("user", [Draft(large)])
        with LogReader(tmp_path, VOCABULARY) as reader:
            (read,) = reader.envelopes()
        assert read.message is large

    with_log(tmp_path, work)
