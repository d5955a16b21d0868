"""Fork a run: copy its log up to a message into a new run, which continues live. The parent is only read."""

import os
import shutil
import sqlite3
from pathlib import Path

from gome.bus.events import ACTIVITIES
from gome.bus.message import Vocabulary
from gome.bus.store import tables as schema
from gome.bus.store.read_file import Bounded
from gome.bus.store.reader import LogReader
from gome.errors import Outage, UsageError

__all__ = ["fork"]


def fork(source: Path, target: Path, at: str, run: str) -> int:
    """Create the log of `run` in `target`, with the messages of `source` up to and including the one with id `at`.

    Messages that an actor sent in one commit are copied together, also those after `at`. Artefacts are hard-linked
    where the file system allows it, else copied. Returns the last sequence number.

    Raises RunNotFound, LogDamaged or LogVersion where `source` has no readable log, UsageError where `target` is not
    empty or `at` is not in the log, and Outage where the disk fails. A partial copy is removed.
    """
    LogReader(source, Vocabulary()).close()  # raises where there is no log, or one of another version
    if target.exists() and any(target.iterdir()):
        raise UsageError(f"{target} is not empty: choose a new folder for the fork")
    partial = target.with_name(f".{target.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)  # from a fork that was killed
        partial.mkdir(parents=True)
        last = _copy_log(source / schema.FILE_NAME, partial / schema.FILE_NAME, at, run)
        if (source / "artefacts").is_dir():
            places = source / "artefacts", partial / "artefacts"  # links stay links: folders could lead in circles
            shutil.copytree(*places, symlinks=True, copy_function=_link, ignore=_unfinished)
        partial.replace(target)
    except (OSError, sqlite3.OperationalError) as error:
        raise Outage(f"the fork could not be written to {target}: {error}. Free disk space, then fork again") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return last


def _copy_log(source: Path, target: Path, at: str, run: str) -> int:
    connection = sqlite3.connect(target.absolute().as_uri(), uri=True, isolation_level=None, factory=Bounded)
    connection.files = (source, source.with_name(f"{source.name}-wal"))
    try:
        schema.set_page_size(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        schema.create(connection, run)
        connection.execute("ATTACH ? AS parent", (f"{source.absolute().as_uri()}?mode=ro",))
        connection.execute("BEGIN IMMEDIATE")
        last = _cut(connection, at)
        connection.execute("INSERT INTO messages SELECT * FROM parent.messages WHERE seq <= ?", (last,))
        connection.execute(
            "INSERT INTO telemetry SELECT * FROM parent.telemetry "
            "WHERE time <= (SELECT time FROM messages WHERE seq = ?)",
            (last,),
        )
        _copy_cursors(connection, last)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return last


def _cut(connection: sqlite3.Connection, at: str) -> int:
    """The last sequence number to copy: that of the message, or of the last one committed with it."""
    row = connection.execute("SELECT seq, kind, sender, cause FROM parent.messages WHERE id = ?", (at,)).fetchone()
    if row is None:
        raise UsageError(f"the run to fork has no message {at}; list them with `gome log`")
    seq, kind, sender, cause = row
    if cause is None or kind in ACTIVITIES:
        return int(seq)
    query = "SELECT max(seq) FROM parent.messages WHERE sender = ? AND cause = ? AND kind NOT IN (?, ?)"
    return int(connection.execute(query, (sender, cause, *sorted(ACTIVITIES))).fetchone()[0])


def _copy_cursors(connection: sqlite3.Connection, last: int) -> None:
    """Set each actor's cursor to the last message for which it had sent output by then.

    Messages that it had handled later without any output are handled again, from the same state. A fork at the end of
    the log copies the cursors.
    """
    if connection.execute("SELECT max(seq) FROM parent.messages").fetchone()[0] == last:
        connection.execute("INSERT INTO cursors SELECT * FROM parent.cursors")
        return
    connection.execute(
        "INSERT INTO cursors SELECT sent.sender, max(received.seq) FROM messages AS sent "
        "JOIN messages AS received ON received.id = sent.cause "
        "WHERE sent.kind NOT IN (?, ?) AND sent.sender IN (SELECT actor FROM parent.cursors) GROUP BY sent.sender",
        sorted(ACTIVITIES),
    )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _unfinished(folder: str, names: list[str]) -> list[str]:  # noqa: ARG001 - what copytree calls
    """Temporary files of a running writer, which are not copied."""
    return [name for name in names if name.startswith(".new-")]
