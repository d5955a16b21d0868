"""Fork: a second run with the same history up to a message, live after it. The parent is only read."""

import os
import shutil
import sqlite3
from pathlib import Path

from gome.bus.events import ACTIVITIES
from gome.bus.message import Vocabulary
from gome.bus.store import tables as schema
from gome.bus.store.reader import LogReader
from gome.errors import Outage, UsageError

__all__ = ["fork"]


def fork(source: Path, target: Path, at: str, run: str) -> int:
    """Make `target` the log of `run`, with the history of `source` up to the message whose id is `at`, included.

    What an actor said to one message is copied whole: where `at` is among it, its companions come too. Artefacts are
    hard links where the file system has them. Returns the last seq. Raises RunNotFound, UsageError, Outage; what was
    begun is then removed.
    """
    LogReader(source, Vocabulary()).close()  # refuses what is no log, or another version's
    if target.exists() and any(target.iterdir()):
        raise UsageError(f"{target} is not empty: a fork needs a folder of its own")
    partial = target.with_name(f".{target.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)  # left by a fork that was killed
        partial.mkdir(parents=True)
        last = _copy_log(source / schema.FILE_NAME, partial / schema.FILE_NAME, at, run)
        if (source / "artefacts").is_dir():
            shutil.copytree(source / "artefacts", partial / "artefacts", copy_function=_link, ignore=_unfinished)
        partial.replace(target)
    except (OSError, sqlite3.OperationalError) as error:
        raise Outage(f"the fork could not be written to {target}: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return last


def _copy_log(source: Path, target: Path, at: str, run: str) -> int:
    connection = sqlite3.connect(target.absolute().as_uri(), uri=True, isolation_level=None)
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
    """The last seq to copy: the message itself, or the last that was committed with it."""
    row = connection.execute("SELECT seq, kind, sender, cause FROM parent.messages WHERE id = ?", (at,)).fetchone()
    if row is None:
        raise UsageError(f"the run to fork has no message {at}; `log` lists them")
    seq, kind, sender, cause = row
    if cause is None or kind in ACTIVITIES:
        return int(seq)
    query = "SELECT max(seq) FROM parent.messages WHERE sender = ? AND cause = ? AND kind NOT IN (?, ?)"
    return int(connection.execute(query, (sender, cause, *sorted(ACTIVITIES))).fetchone()[0])


def _copy_cursors(connection: sqlite3.Connection, last: int) -> None:
    """Move each actor's cursor back to the last message that it had answered by then.

    What it had handled after that without a word is handled again, from the same state. A fork at the end of the log
    keeps the cursors as they are.
    """
    if connection.execute("SELECT max(seq) FROM parent.messages").fetchone()[0] == last:
        connection.execute("INSERT INTO cursors SELECT * FROM parent.cursors")
        return
    connection.execute(
        "INSERT INTO cursors SELECT said.sender, max(heard.seq) FROM messages AS said "
        "JOIN messages AS heard ON heard.id = said.cause "
        "WHERE said.kind NOT IN (?, ?) AND said.sender IN (SELECT actor FROM parent.cursors) GROUP BY said.sender",
        sorted(ACTIVITIES),
    )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _unfinished(folder: str, names: list[str]) -> list[str]:  # noqa: ARG001 - what copytree calls
    """Temporary files of a writer at work."""
    return [name for name in names if name.startswith(".new-")]
