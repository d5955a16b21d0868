"""Reads a log for viewers: synchronous, read-only, beside a live writer or after it. Writes nothing.

What may be long is a generator that reads page by page: one that is left half-read (a pager, a slow browser) holds no
transaction open, which would keep the writer from tidying its files.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.message import Envelope, Vocabulary
from gome.bus.store import tables as schema
from gome.bus.store.artefacts import Artefacts
from gome.bus.telemetry import Told
from gome.errors import LogDamaged, LogError, RunNotFound, UsageError

__all__ = ["LogReader"]

PAGE = 1000
SQL_SECONDS = 10.0


class LogReader:
    """The log in `folder`, for reading. Raises RunNotFound where there is none, LogVersion, LogDamaged.

    May be used from several threads. Close it, or use it in `with`.
    """

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self.folder = folder
        self.artefacts = Artefacts(folder)
        self._vocabulary = vocabulary
        self._path = folder / schema.FILE_NAME
        self._connection = _connect(self._path)
        try:
            schema.examine(self._connection, self._path, thorough=False)
            self.run = schema.run_of(self._connection)
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise LogError(f"{self._path} cannot be read: {error}") from error
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> "LogReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def envelopes(
        self,
        after: int = 0,
        before: int | None = None,
        kinds: Sequence[str] | frozenset[str] | None = None,
        trace: int | None = None,
        step: int | None = None,
        role: str | None = None,
        since: float | None = None,
        until: float | None = None,
        grep: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Envelope]:
        """The messages for which all of these hold, in log order.

        `after` and `before` are seqs; `since` and `until` are live seconds; `role` is a sender's name, with its number
        or without; `grep` is a text that the message's JSON contains, in any case.
        """
        place, values = _conditions(kinds, trace, step, role, since, until)
        body = "TRUE"
        if grep is not None:
            body = "instr(lower(body), :grep) > 0"
            values["grep"] = grep.lower()
        left = sys.maxsize if limit is None else limit
        span = (after, sys.maxsize if before is None else before)
        if place and self.head() - after > PAGE:
            return self._picked(place, body, values, span, left, newest_first)
        return self._pages(" AND ".join([*place, body]), values, span, left, newest_first)

    def _pages(
        self, condition: str, values: dict[str, Any], span: tuple[int, int], left: int, newest_first: bool
    ) -> Iterator[Envelope]:
        """Read the messages themselves, in their order, and take those that fit."""
        low, high = span
        order = "DESC" if newest_first else "ASC"
        while left > 0:
            asked = min(PAGE, left)
            bounds = {"low": low, "high": high, "asked": asked}
            page = self._select(
                f"{condition} AND seq > :low AND seq < :high ORDER BY seq {order} LIMIT :asked", values | bounds
            )
            yield from page
            left -= asked
            if len(page) < asked:
                return
            low, high = (low, page[-1].seq) if newest_first else (page[-1].seq, high)

    def _picked(
        self,
        place: list[str],
        body: str,
        values: dict[str, Any],
        span: tuple[int, int],
        left: int,
        newest_first: bool,
    ) -> Iterator[Envelope]:
        """Pick the messages by the index of places, which is far smaller than the messages, then read those alone."""
        order = "DESC" if newest_first else "ASC"
        # The plus keeps SQLite from walking the messages for the sake of their order.
        within = " AND ".join([*place, "+seq > :low", "+seq < :high"])
        query = f"SELECT seq FROM messages WHERE {within} ORDER BY +seq {order} LIMIT :most"  # noqa: S608 - our own words
        most = left if body == "TRUE" else sys.maxsize
        picked = [row[0] for row in self._rows(query, values | {"low": span[0], "high": span[1], "most": most})]
        condition = " AND ".join(["seq IN (SELECT value FROM json_each(:page))", body])
        for start in range(0, len(picked), PAGE):
            page = {"page": json.dumps(picked[start : start + PAGE])}
            found = self._select(f"{condition} ORDER BY seq {order}", values | page)
            yield from found[:left]
            left -= len(found)
            if left <= 0:
                return

    def envelope(self, id_prefix: str) -> Envelope:
        """The message whose id begins so. Raises UsageError where none does, or more than one."""
        prefix = id_prefix.lower()
        found = list(
            self._select("substr(id, 1, :length) = :prefix LIMIT 3", {"length": len(prefix), "prefix": prefix})
        )
        if len(found) == 1 and prefix:
            return found[0]
        if not found:
            raise UsageError(f"no message of run {self.run} has an id that begins with {id_prefix!r}")
        raise UsageError(f"more than one message has an id that begins with {id_prefix!r}: give more of it")

    def causes(self, identifier: str) -> list[Envelope]:
        """That message, its cause, the cause of that, and so on to a message from outside the ring."""
        chain = [self.envelope(identifier)]
        while (cause := chain[-1].cause) is not None:
            chain += self._select("id = :id AND seq < :seq", {"id": cause, "seq": chain[-1].seq})
            if chain[-1].id != cause:
                raise LogDamaged(f"message {chain[-1].id} was caused by {cause}, which is not in the log")
        return chain

    def effects(self, identifier: str) -> list[Envelope]:
        """What handling that message brought about directly, activities included."""
        return self._select("cause = :id ORDER BY seq", {"id": identifier})

    def thread(self, correlation: str) -> list[Envelope]:
        """A conversation: every message of that correlation."""
        return self._select("correlation = :id ORDER BY seq", {"id": correlation})

    def head(self) -> int:
        """The last sequence number, 0 in an empty log."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM messages", ())[0][0])

    def last(self) -> Envelope | None:
        """The newest message, None in an empty log."""
        return next(self.envelopes(limit=1, newest_first=True), None)

    def telemetry(self, after: int = 0) -> Iterator[Told]:
        """Lines of telemetry after that number, oldest first."""
        query = "SELECT seq, time, actor, event, detail FROM telemetry WHERE seq > ? ORDER BY seq LIMIT ?"
        while page := self._rows(query, (after, PAGE)):
            yield from map(_told, page)
            after = page[-1][0]

    def doing(self) -> dict[str, Told]:
        """The newest line of telemetry of each actor: what it does now, or did last."""
        query = "SELECT max(seq), time, actor, event, detail FROM telemetry GROUP BY actor ORDER BY actor"
        return {told.actor: told for told in map(_told, self._rows(query, ()))}

    def cursors(self) -> dict[str, int]:
        """How far each actor has handled what is routed to it."""
        return schema.read_cursors(self._connection)

    def answers(self) -> dict[tuple[str, str], int]:
        """How many messages each (sender, cause) has in the log, activities not counted."""
        return schema.read_answers(self._connection)

    def in_flight(self) -> list[Envelope]:
        """Activities that were begun and have no result: what a resume would call again."""
        begun: dict[tuple[str, str | None, int], Envelope] = {}
        for envelope in self.envelopes(kinds=("activity_started", "activity_finished")):
            message = envelope.message
            if isinstance(message, ActivityStarted):
                begun[envelope.sender, envelope.cause, message.ordinal] = envelope
            elif isinstance(message, ActivityFinished):
                begun.pop((envelope.sender, envelope.cause, message.ordinal), None)
        return list(begun.values())

    def sql(
        self, query: str, limit: int = 10_000, seconds: float = SQL_SECONDS
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and at most `limit` rows of a query of the user's own, on a connection of its own.

        Raises UsageError for a query that is wrong, writes, reads another file or takes longer than `seconds`.
        """
        connection = _connect(self._path)
        deadline = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        connection.set_authorizer(_only_reading)
        try:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return names, cursor.fetchmany(limit)
        except (sqlite3.Error, sqlite3.Warning) as error:
            words = f"took longer than {seconds:g} s" if str(error) == "interrupted" else str(error)
            raise UsageError(f"the query failed: {words}") from error
        finally:
            connection.close()

    def _select(self, condition: str, values: dict[str, Any]) -> list[Envelope]:
        query = f"SELECT {schema.COLUMNS} FROM messages WHERE {condition}"  # noqa: S608 - conditions are our own words
        return list(schema.decode(iter(self._rows(query, values)), self.run, self._vocabulary))

    def _rows(self, query: str, values: dict[str, Any] | tuple[Any, ...]) -> list[Any]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise LogDamaged(f"{self._path} cannot be read: {error}") from error


def _conditions(
    kinds: Sequence[str] | frozenset[str] | None,
    trace: int | None,
    step: int | None,
    role: str | None,
    since: float | None,
    until: float | None,
) -> tuple[list[str], dict[str, Any]]:
    """What is asked of a message's place, as conditions in SQL with their parameters."""
    conditions: list[str] = []
    values: dict[str, Any] = {}
    if kinds is not None:
        names = {f"kind{number}": kind for number, kind in enumerate(kinds)}
        conditions.append(f"kind IN ({', '.join(':' + name for name in names)})")
        values |= names
    if role is not None:
        conditions.append("(sender = :role OR sender GLOB :role || '-[0-9]*')")
        values["role"] = role
    comparisons = {"trace =": trace, "step =": step, "time >=": since, "time <=": until}
    for number, (comparison, value) in enumerate(comparisons.items()):
        if value is not None:
            conditions.append(f"{comparison} :value{number}")
            values[f"value{number}"] = value
    return conditions, values


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. A log in a read-only folder, at rest, is opened without its side files."""
    if not path.is_file():
        raise RunNotFound(f"there is no log in {path.parent}")
    uri = path.absolute().as_uri()
    connection = sqlite3.connect(
        f"{uri}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=10.0
    )
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise LogError(f"{path} cannot be read: {error}") from error
        connection = sqlite3.connect(f"{uri}?immutable=1", uri=True, isolation_level=None, check_same_thread=False)
    except sqlite3.DatabaseError:
        pass  # not a database, or torn: `examine` finds the words
    return connection


def _told(row: tuple[int, float, str, str, str]) -> Told:
    seq, at, actor, event, detail = row
    return Told(seq, at, actor, event, json.loads(detail))


def _only_reading(action: int, *_: str | None) -> int:
    allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
    return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY
