"""Read-only, synchronous access to a log for viewers, also while a writer is at work.

Long results are generators that read page by page, so that a slow consumer (a pager, a browser) holds no transaction
open. An open transaction would keep the writer from checkpointing its WAL file.
"""

import json
import math
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.message import Envelope, Vocabulary
from gome.bus.store import tables as schema
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.head import Head, check_length
from gome.bus.store.read_file import ReadFile
from gome.bus.telemetry import Told
from gome.errors import LogDamaged, LogError, UsageError

__all__ = ["LogReader"]

R = TypeVar("R")

PAGE = 1000
"""Rows per query of a long result."""
SQL_SECONDS = 10.0
"""Default time limit of a user's SQL query."""


class LogReader:
    """Reads the log in `folder`. May be used from several threads. Close it, or use it in `with`.

    Raises RunNotFound where there is no log, LogVersion for one of another version, LogDamaged for a corrupt one, and
    LogError where it cannot be read.
    """

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self.folder = folder
        self.artefacts = Artefacts(folder, read_only=True)
        self._vocabulary = vocabulary
        noted = Head.noted(folder)
        self._file = ReadFile(folder / schema.FILE_NAME)
        self._path = self._file.path
        self._connection = self._file.connect()
        try:
            schema.examine(self._connection, self._path, thorough=False)
            self.run = schema.run_of(self._connection)
            check_length(noted, self.head(), folder)
        except sqlite3.OperationalError as error:
            self.close()
            raise LogError(f"{self._path} cannot be read: {error}") from error
        except BaseException:
            self.close()
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
        self._file.close()

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
        """Messages that match all given filters, in log order (or newest first).

        `after` and `before` are exclusive bounds of the sequence number; `since` and `until` are inclusive, in live
        seconds; `role` is a sender's name with or without its number; `grep` is a text that the message's JSON
        contains, ignoring case. A message that the vocabulary cannot decode raises LogVersion while iterating.
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
        """Scan the messages in order and filter."""
        low, high = span
        order = "DESC" if newest_first else "ASC"
        while left > 0:
            asked = min(PAGE, left)
            bounds = {"low": low, "high": high, "asked": asked}
            page = self._select(
                f"{condition} AND seq > :low AND seq < :high ORDER BY seq {order} LIMIT :asked", values | bounds
            )
            self._file.check_ahead(not page or low < page[-1].seq < high)
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
        """Select sequence numbers by the index `places`, far smaller than the messages, then read only those."""
        order = "DESC" if newest_first else "ASC"
        # The plus keeps SQLite from scanning the messages by seq to obtain the order.
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
        """The message whose id starts with `id_prefix`. Raises UsageError where none does, or more than one."""
        prefix = id_prefix.lower()
        found = list(
            self._select("substr(id, 1, :length) = :prefix LIMIT 3", {"length": len(prefix), "prefix": prefix})
        )
        if len(found) == 1 and prefix:
            return found[0]
        if not found:
            raise UsageError(
                f"no message of run {self.run} has an id that begins with {id_prefix!r}; list them with `gome log`"
            )
        raise UsageError(f"more than one message has an id that begins with {id_prefix!r}; give more digits")

    def causes(self, identifier: str) -> list[Envelope]:
        """The message and its chain of causes, up to a message from outside the actors.

        Raises UsageError for an unknown id, LogDamaged where a cause is missing.
        """
        chain = [self.envelope(identifier)]
        while (cause := chain[-1].cause) is not None:
            chain += self._select("id = :id AND seq < :seq", {"id": cause, "seq": chain[-1].seq})
            if chain[-1].id != cause:
                raise LogDamaged(f"message {chain[-1].id} was caused by {cause}, which is not in the log")
        return chain

    def effects(self, identifier: str) -> list[Envelope]:
        """Messages with that cause, activity records included, in log order."""
        return self._select("cause = :id ORDER BY seq", {"id": identifier})

    def thread(self, correlation: str) -> list[Envelope]:
        """All messages with that correlation id, in log order."""
        return self._select("correlation = :id ORDER BY seq", {"id": correlation})

    def head(self) -> int:
        """The last sequence number; 0 in an empty log."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM messages", ())[0][0])

    def last(self) -> Envelope | None:
        """The newest message, None in an empty log."""
        return next(self.envelopes(limit=1, newest_first=True), None)

    def telemetry(self, after: int = 0) -> Iterator[Told]:
        """Telemetry events with a `seq` above `after`, oldest first."""
        query = "SELECT seq, time, actor, event, detail FROM telemetry WHERE seq > ? ORDER BY seq LIMIT ?"
        while page := self._rows(query, (after, PAGE)):
            self._file.check_ahead(page[-1][0] > after)
            yield from map(_event, page)
            after = page[-1][0]

    def doing(self) -> dict[str, Told]:
        """The newest telemetry event of each actor."""
        query = "SELECT max(seq), time, actor, event, detail FROM telemetry GROUP BY actor ORDER BY actor"
        return {event.actor: event for event in map(_event, self._rows(query, ()))}

    def cursors(self) -> dict[str, int]:
        """Sequence number of the last message that each actor has handled."""
        return self._whole(schema.read_cursors)

    def answers(self) -> dict[tuple[str, str], int]:
        """Number of messages in the log per (sender, cause), without activity records."""
        return self._whole(schema.read_answers)

    def in_flight(self) -> list[Envelope]:
        """Started activities without a result: a resume calls these again."""
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
        """Run a user's SQL query on a separate connection; returns column names and at most `limit` rows.

        Raises UsageError for a query that is invalid, writes, attaches a file or takes longer than `seconds`.
        """
        connection = self._file.connect()
        deadline = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        connection.set_authorizer(_only_reading)
        try:
            cursor = connection.cursor().execute(query)  # not as `Bounded` would: its own time limit holds
            names = [column[0] for column in cursor.description or ()]
            return names, cursor.fetchmany(limit)
        except (sqlite3.Error, sqlite3.Warning) as error:
            reason = f"took longer than {seconds:g} s" if str(error) == "interrupted" else str(error)
            raise UsageError(f"the query failed: {reason}") from error
        finally:
            connection.close()

    def _select(self, condition: str, values: dict[str, Any]) -> list[Envelope]:
        query = f"SELECT {schema.COLUMNS} FROM messages WHERE {condition}"  # noqa: S608 - conditions are our own words
        return list(schema.decode(iter(self._rows(query, values)), self.run, self._vocabulary))

    def _rows(self, query: str, values: dict[str, Any] | tuple[Any, ...]) -> list[Any]:
        return self._whole(lambda connection: connection.execute(query, values).fetchall())

    def _whole(self, read: Callable[[sqlite3.Connection], R]) -> R:
        try:
            return read(self._connection)
        except sqlite3.DatabaseError as error:
            raise LogDamaged(f"{self._path} cannot be read: {error}. Restore the file from a copy.") from error


def _conditions(
    kinds: Sequence[str] | frozenset[str] | None,
    trace: int | None,
    step: int | None,
    role: str | None,
    since: float | None,
    until: float | None,
) -> tuple[list[str], dict[str, Any]]:
    """SQL conditions on the indexed columns, with their parameters."""
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


def _event(row: tuple[int, float, str, str, str]) -> Told:
    seq, at, actor, event, detail = row
    try:
        told = json.loads(detail)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not math.isfinite(at):
        raise LogDamaged(f"event {seq} of {actor} cannot be read; restore the file from a copy")
    return Told(seq, at, actor, event, told)


def _only_reading(action: int, *_: str | None) -> int:
    allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
    return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY
