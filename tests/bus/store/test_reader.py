"""The reader, during and after writing."""

import contextlib
import sqlite3
from pathlib import Path

import anyio
import pytest

from gome.bus.actors.supervisor import Supervisor
from gome.bus.message import Vocabulary
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.reader import PAGE, LogReader
from gome.bus.store.sqlite import open_log
from gome.bus.telemetry import Telemetry
from gome.errors import LogDamaged, LogVersion, RunNotFound, UsageError
from tests.bus.town import VOCABULARY, Answerer, ask


async def _double(number: int) -> int:
    return 2 * number


def test_it_reads_beside_a_live_writer_and_after_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_log(tmp_path, "r1", vocabulary=VOCABULARY) as log:
            actor = Answerer("a-0", 0, _double)
            first, _ = await log.append("user", [ask(1, 0, 1), ask(2, 0, 2)])
            supervisor = Supervisor(log, Artefacts(tmp_path), Telemetry(log), [actor])
            last = await supervisor.run(lambda envelope: envelope.kind == "answered" and envelope.step == 2)
            assert last is not None
            with LogReader(tmp_path, VOCABULARY) as reader:
                assert [each.kind for each in reader.envelopes(step=1)] == [
                    "asked",
                    "activity_started",
                    "activity_finished",
                    "answered",
                ]
                assert reader.last() == last
                assert [each.id for each in reader.causes(last.id)] == [last.id, last.cause]
                assert reader.envelope(first.id[:8]) == first
                assert len(reader.effects(first.id)) == 3
                assert len(reader.thread(first.correlation)) == 4
                assert reader.in_flight() == []
                assert reader.cursors() == {"a-0": 2}
                assert reader.sql("SELECT count(*) FROM messages") == (["count(*)"], [(8,)])
        with LogReader(tmp_path, VOCABULARY) as reader:
            assert reader.doing()["a-0"].event == "handle.end"

    anyio.run(main)


def filled(folder: Path, count: int) -> None:
    async def main() -> None:
        async with open_log(folder, "r1", vocabulary=VOCABULARY) as log:
            drafts = [ask(number, number % 2, number // 10, text=f"Text {number}") for number in range(count)]
            await log.append("user", drafts[: count // 2])
            written = await log.append("clerk-1", drafts[count // 2 :])
            await log.commit("clerk-12", written[0], [ask(-1)])

    anyio.run(main)


def test_filters_hold_together_over_many_pages(tmp_path: Path) -> None:
    count = 2 * PAGE + 500
    filled(tmp_path, count)
    with LogReader(tmp_path, VOCABULARY) as reader:

        def numbers(**filters: object) -> list[int]:
            return [each.message.number for each in reader.envelopes(**filters)]  # type: ignore[arg-type, attr-defined]

        everything = [*range(count), -1]
        assert numbers() == everything
        assert numbers(newest_first=True) == everything[::-1]
        assert numbers(limit=PAGE + 7) == everything[: PAGE + 7]
        assert numbers(limit=PAGE + 7, newest_first=True) == everything[::-1][: PAGE + 7]
        assert numbers(after=count - 1) == [count - 1, -1]
        assert numbers(trace=1, step=3) == [31, 33, 35, 37, 39]
        assert numbers(grep="TEXT 12", limit=3) == [12, 120, 121]
        assert len(numbers(role="clerk")) == count // 2 + 1
        assert numbers(role="clerk-12") == [-1] == numbers(role="clerk", kinds=["asked"], after=count)
        assert numbers(role="cler") == numbers(kinds=[]) == numbers(kinds=["ended"]) == []
        last = reader.last()
        assert last is not None
        assert numbers(since=last.time) == numbers(since=last.time, until=last.time)[-1:] == [-1]
        assert numbers(until=-1.0) == []


def test_a_message_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    filled(tmp_path, 40)
    with LogReader(tmp_path, VOCABULARY) as reader:
        some = next(reader.envelopes(after=20))
        assert reader.envelope(some.id[:12].upper()) == some
        with pytest.raises(UsageError, match="more than one"):
            reader.envelope("")
        with pytest.raises(UsageError, match="no message of run r1"):
            reader.envelope("zz")


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM messages",
        "ATTACH 'other' AS other",
        "PRAGMA journal_mode = DELETE",
        "SELECT nothing",
        "SELECT 1; SELECT 2",
        "SELECT load_extension('x')",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    ],
)
def test_a_query_that_is_wrong_or_writes_or_never_ends_is_refused(tmp_path: Path, query: str) -> None:
    filled(tmp_path, 4)
    with LogReader(tmp_path, VOCABULARY) as reader:
        with pytest.raises(UsageError, match="the query failed"):
            reader.sql(query, seconds=0.2)
        assert reader.sql("SELECT seq, kind FROM messages ORDER BY seq", limit=2) == (
            ["seq", "kind"],
            [(1, "asked"), (2, "asked")],
        )


def test_where_there_is_no_log_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="no log in"):
        LogReader(tmp_path, VOCABULARY)
    (tmp_path / "log.sqlite").write_text("something else" * 100)
    with pytest.raises(LogDamaged, match="damaged"):
        LogReader(tmp_path, VOCABULARY)


def test_a_message_of_another_vocabulary_is_named(tmp_path: Path) -> None:
    filled(tmp_path, 4)
    with (
        LogReader(tmp_path, Vocabulary()) as reader,
        pytest.raises(LogVersion, match="kind asked was written by another"),
    ):
        list(reader.envelopes())


@pytest.mark.parametrize("chosen", [{"role": "clerk"}, {"trace": 1}, {"step": 3}, {"kinds": ["asked"]}])
def test_a_filter_by_place_walks_the_small_index_alone(tmp_path: Path, chosen: dict[str, object]) -> None:
    filled(tmp_path, 2 * PAGE)
    ran: list[str] = []
    with LogReader(tmp_path, VOCABULARY) as reader:
        reader._connection.set_trace_callback(ran.append)
        assert list(reader.envelopes(limit=5, newest_first=True, **chosen))  # type: ignore[arg-type]
        reader._connection.set_trace_callback(None)
        picking = next(each for each in ran if each.startswith("SELECT seq"))
        plan = str(reader._rows(f"EXPLAIN QUERY PLAN {picking}", ()))
    assert "COVERING INDEX places" in plan
    assert not any("body" in each and "seq IN" not in each for each in ran)


ENDLESS = """
CREATE VIEW messages AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c)
SELECT n AS seq, 'a' AS id, 'asked' AS kind, 'x' AS sender, 0 AS trace, 0 AS step, NULL AS cause, 'c' AS correlation,
0.0 AS time, '{}' AS body FROM c
"""


@pytest.mark.parametrize(
    "changes",
    [
        ["ALTER TABLE messages RENAME TO others", ENDLESS],
        ["CREATE VIEW more AS SELECT 1"],
        ["CREATE TRIGGER more AFTER INSERT ON cursors BEGIN DELETE FROM messages; END"],
        ["ALTER TABLE messages ADD COLUMN more TEXT GENERATED ALWAYS AS (hex(zeroblob(1000000000))) VIRTUAL"],
        ["DROP TABLE cursors"],
        ["DELETE FROM meta"],
        ["UPDATE messages SET time = 9e999 WHERE seq = 2"],
        ["INSERT INTO telemetry VALUES (1, 1.0, 'a', 'b', '[1')"],
        ["INSERT INTO telemetry VALUES (1, 1.0, 'a', 'b', '[1]')"],
        ["INSERT INTO telemetry VALUES (1, 9e999, 'a', 'b', '{}')"],
    ],
)
def test_a_log_that_gome_did_not_write_is_damaged(tmp_path: Path, changes: list[str]) -> None:
    filled(tmp_path, 4)
    with contextlib.closing(sqlite3.connect(tmp_path / "log.sqlite", isolation_level=None)) as connection:
        for change in changes:
            connection.execute(change)
    with pytest.raises(LogDamaged), LogReader(tmp_path, VOCABULARY) as reader:
        list(reader.envelopes())
        list(reader.telemetry())
        reader.cursors()


def _varint(data: bytearray, at: int) -> tuple[int, int]:
    """A number as SQLite writes it, and where it ends."""
    value = 0
    while data[at] & 0x80:
        value, at = value << 7 | data[at] & 0x7F, at + 1
    return value << 7 | data[at], at + 1


class Pages:
    """The pages of a log's file, to be rewritten as an attacker would, who can also write a right digest beside it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log.sqlite"
        connection = sqlite3.connect(self.path)
        connection.execute("PRAGMA journal_mode = DELETE")
        self.roots = dict(connection.execute("SELECT name, rootpage FROM sqlite_master"))
        connection.close()
        self.data = bytearray(self.path.read_bytes())
        self.size = int.from_bytes(self.data[16:18], "big")

    def cells(self, page: int) -> list[int]:
        """Where the cells of a page begin."""
        head = (page - 1) * self.size
        inner = self.data[head] == 5
        count = int.from_bytes(self.data[head + 3 : head + 5], "big")
        places = (head + (12 if inner else 8) + 2 * each for each in range(count))
        return [head + int.from_bytes(self.data[place : place + 2], "big") for place in places]

    def children(self, page: int) -> list[int]:
        """Where the numbers of a page's children stand; none of a leaf."""
        head = (page - 1) * self.size
        return [*self.cells(page), head + 8] if self.data[head] == 5 else []

    def renumber(self, page: int, changes: dict[int, int]) -> None:
        """Give rows below a page other numbers, of two bytes as they had."""
        for place in self.children(page):
            self.renumber(int.from_bytes(self.data[place : place + 4], "big"), changes)
        for cell in () if self.children(page) else self.cells(page):
            number, end = _varint(self.data, _varint(self.data, cell)[1])
            if number in changes:
                self.data[end - 2 : end] = bytes((0x80 | changes[number] >> 7, changes[number] & 0x7F))

    def tangle(self, page: int, levels: int) -> None:
        """Lead each way down from a page through so many further levels, all to the same pages."""
        last = self.children(page)
        leaf = bytes(self.data[last[0] : last[0] + 4])
        for _ in range(levels):
            head = (page - 1) * self.size
            self.data += self.data[head : head + self.size]
            fresh = len(self.data) // self.size
            for place in self.children(page):
                self.data[place : place + 4] = fresh.to_bytes(4, "big")
            page = fresh
        for place in self.children(page):
            self.data[place : place + 4] = leaf
        self.data[28:32] = (len(self.data) // self.size).to_bytes(4, "big")

    def write(self) -> None:
        self.path.write_bytes(self.data)


def test_a_log_whose_rows_lead_back_is_damaged_and_read_to_no_end(tmp_path: Path) -> None:
    """Each page of an answer begins after the last row of the one before."""
    filled(tmp_path, 2 * PAGE)
    pages = Pages(tmp_path)
    pages.renumber(pages.roots["messages"], {PAGE: PAGE // 2, PAGE + PAGE // 2: PAGE // 2})
    pages.write()
    with LogReader(tmp_path, VOCABULARY) as reader, pytest.raises(LogDamaged, match="out of order"):
        for place, _ in enumerate(reader.envelopes()):
            assert place < 5 * PAGE


def test_a_log_whose_pages_are_shared_many_times_is_damaged_and_read_to_no_end(tmp_path: Path) -> None:
    filled(tmp_path, 2)
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    rows = [(number, 0.0, "a", "e", '"' + "x" * 900 + '"') for number in range(100, 600)]
    connection.executemany("INSERT INTO telemetry VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    pages = Pages(tmp_path)
    pages.tangle(pages.roots["telemetry"], levels=7)
    pages.write()
    with LogReader(tmp_path, VOCABULARY) as reader, pytest.raises(LogDamaged, match="cannot be read"):
        reader.doing()
