"""Schema of the log file: tables, decoding of rows, and checks before a file is used.

Rows are only appended, so the cost of a message does not grow with the log. The index `places` lets readers filter by
kind, trace, step and sender without reading bodies. Its rows are small, and inserts go to the few (kind, trace, step)
at which the run is working. Ids need no unique index: they derive from (cause, sender, ordinal), and a cursor passes
each cause once. Messages from outside the actors have no cause; they are few, and the index `outside` keeps them
unique.
"""

import math
import sqlite3
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from pydantic import ValidationError

from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope, Message, Subscription, Vocabulary
from gome.errors import LogDamaged, LogVersion

__all__ = [
    "COLUMNS",
    "FILE_NAME",
    "Row",
    "create",
    "decode",
    "examine",
    "last_place",
    "read_answers",
    "read_cursors",
    "routed",
    "run_of",
    "set_page_size",
]

FILE_NAME = "log.sqlite"
APPLICATION = 0x676F6D65  # "gome", in the file's header
VERSION = 2
_READ_BY = {1: "gome 0.1"}

COLUMNS = "seq, id, kind, sender, trace, step, cause, correlation, time, body"

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    trace INTEGER,
    step INTEGER,
    cause TEXT,
    correlation TEXT NOT NULL,
    time REAL NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX outside ON messages (id) WHERE cause IS NULL;
CREATE INDEX places ON messages (kind, trace, step, sender, time);
CREATE TABLE cursors (actor TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE telemetry (
    seq INTEGER PRIMARY KEY,
    time REAL NOT NULL,
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
"""


def set_page_size(connection: sqlite3.Connection) -> None:
    """Set the page size of an empty file to 8 KB, which holds two or three messages of 2 KB; 4 KB would hold one.

    Measured: with 64 messages in flight an eighth more messages per second, with one in flight no difference.
    """
    connection.execute("PRAGMA page_size = 8192")


_STATEMENTS = [statement.strip() for statement in _TABLES.split(";") if statement.strip()]


def create(connection: sqlite3.Connection, run: str) -> None:
    """Create the tables in an empty file, in one transaction: a file has all of them or none."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _STATEMENTS:
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('run', ?)", (run,))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def examine(connection: sqlite3.Connection, path: Path, thorough: bool) -> None:
    """Check a log file; where `thorough`, check the integrity of its pages too (reads the whole file).

    Raises LogVersion for a log of another version, LogDamaged for a file that is no log or is corrupt. The latter's
    message says how much could be read.
    """
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application == APPLICATION and version != VERSION:
            raise LogVersion(
                f"{path} is a log of version {version}, which {_READ_BY.get(version, 'a later gome')} reads; "
                f"this gome reads version {VERSION}. Use the gome that wrote it."
            )
        if application != APPLICATION or not tables:
            raise LogDamaged(
                f"{path} is not a log of gome, or its first page is lost. Nothing could be read; restore a copy."
            )
        if strange := _strange(connection):
            raise LogDamaged(f"{path} has other tables than gome makes ({strange}). Nothing is read; restore a copy.")
        findings = connection.execute("PRAGMA quick_check(3)").fetchall() if thorough else [("ok",)]
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise  # disk or permission, not the content of the file
        raise LogDamaged(f"{path} is damaged ({error}). {_salvage(connection)}") from error
    if findings != [("ok",)]:
        finding = str(findings[0][0]).replace("\n", ", ")
        raise LogDamaged(f"{path} is damaged ({finding}). {_salvage(connection)}")


def _strange(connection: sqlite3.Connection) -> str:
    """Names of what `create` does not make; empty where there is nothing of that kind.

    A log may come from elsewhere: a view in the place of a table would run its own SQL, without end, when it is read.
    """
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE name != 'sqlite_stat1'")
    return ", ".join(repr(name)[:60] for name, sql in found if str(sql).replace('"', "") not in _STATEMENTS)


def _salvage(connection: sqlite3.Connection) -> str:
    """A sentence on how much of a damaged log can be read, from its start to the first lost page."""
    count, last, before = 0, "nothing", -sys.maxsize
    try:
        for seq, kind, identifier, _ in connection.execute("SELECT seq, kind, id, body FROM messages ORDER BY seq"):
            if seq <= before:  # damaged pages may lead in circles
                break
            before = seq
            count, last = count + 1, f"seq {seq}, {kind} {identifier}"
    except sqlite3.DatabaseError:
        pass  # the readable part ends here
    if not count:
        return "No message could be read; restore the file from a copy."
    return (
        f"{count} messages could be read, up to {last}; restore the file from a copy, or `gome fork` at that message."
    )


def run_of(connection: sqlite3.Connection) -> str:
    """The id of the run that the log belongs to."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'run'").fetchone()
    if row is None:
        raise LogDamaged("the log does not say of which run it is; restore the file from a copy")
    return str(row[0])


def read_cursors(connection: sqlite3.Connection) -> dict[str, int]:
    """Sequence number of the last message that each actor has handled."""
    return dict(connection.execute("SELECT actor, seq FROM cursors"))


def read_answers(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """Number of messages in the log per (sender, cause), without activity records."""
    query = "SELECT sender, cause, count(*) FROM messages WHERE cause NOT NULL AND kind NOT IN (?, ?) GROUP BY 1, 2"
    return {(sender, cause): count for sender, cause, count in connection.execute(query, sorted(ACTIVITIES))}


def last_place(connection: sqlite3.Connection) -> tuple[int, float]:
    """The last sequence number (0 in an empty log) and the latest time in the log, in live seconds."""
    row = connection.execute("SELECT seq, time FROM messages ORDER BY seq DESC LIMIT 1").fetchone()
    seq, time = row or (0, 0.0)
    event = connection.execute("SELECT time FROM telemetry ORDER BY seq DESC LIMIT 1").fetchone()
    return seq, max(time, event[0] if event else 0.0)


Row = tuple[int, str, str, str, int | None, int | None, str | None, str, float, str]


def decode(
    rows: Iterator[Row], run: str, vocabulary: Vocabulary, held: MutableMapping[int, Message] | None = None
) -> Iterator[Envelope]:
    """Decode rows of `COLUMNS` to envelopes. Raises LogVersion for a message that the vocabulary cannot decode, and
    LogDamaged for one without a time.

    `held` are messages by sequence number: one that is in it is not decoded again, and others are put into it.
    """
    for seq, identifier, kind, sender, trace, step, cause, correlation, time, body in rows:
        if not math.isfinite(time):
            raise LogDamaged(f"message {identifier} (seq {seq}) has no time ({time}); restore the file from a copy")
        message = None if held is None else held.get(seq)
        try:
            message = message or vocabulary.decode(kind, body)
        except (KeyError, ValidationError) as error:
            raise LogVersion(
                f"message {identifier} (seq {seq}) of kind {kind} was written by another version of gome; "
                f"use that version ({error})"
            ) from error
        if held is not None:
            held[seq] = message
        yield Envelope(identifier, seq, run, sender, trace, step, cause, correlation, time, message)


def routed(subscription: Subscription) -> tuple[str, dict[str, str | int]]:
    """The SQL condition, with its parameters, that selects the messages routed to that subscription."""
    names: dict[str, str | int] = {f"kind{place}": kind for place, kind in enumerate(sorted(subscription.kinds))}
    condition = f"kind IN ({', '.join(':' + name for name in names)})"
    if subscription.trace is None:
        return condition, names
    return f"{condition} AND (trace IS NULL OR trace = :trace)", {**names, "trace": subscription.trace}
