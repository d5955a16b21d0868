"""The last known head of a log, kept beside it, so that a log that has lost messages is noticed.

SQLite treats a damaged or missing WAL file as the end of what was written: the log is whole, but older. So the writer
notes after each commit how many messages there are, and a digest of them all, each message's carrying the one before.
The note is not synced: after a power failure it may be behind the log, never ahead of it.
"""

import json
import os
import sqlite3
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Self

from gome.bus.store.tables import COLUMNS, Row
from gome.errors import LogDamaged

__all__ = ["FILE_NAME", "Head", "check", "check_length"]

FILE_NAME = "log.head"
_SIZE = 128
_ATTEMPTS = 3
_START = "0" * 64
_READ = f"SELECT {COLUMNS} FROM messages ORDER BY seq"  # noqa: S608 - our own words


class Head:
    """Sequence number of the last message and the digest of all messages up to it. `write` notes both in a folder."""

    def __init__(self, seq: int = 0, digest: str = _START) -> None:
        self.seq = seq
        self.digest = digest

    def add(self, row: Row) -> None:
        """Continue with the next message."""
        self.seq = row[0]
        self.digest = sha256(f"{self.digest}{json.dumps(row)}".encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Note this head in the folder of its log. Raises OSError."""
        text = f"{self.seq} {self.digest}"
        line = f"{text} {zlib.crc32(text.encode()):08x}".ljust(_SIZE - 1) + "\n"
        descriptor = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            os.pwrite(descriptor, line.encode(), 0)
        finally:
            os.close(descriptor)

    @classmethod
    def noted(cls, folder: Path) -> Self | None:
        """The head that was noted in this folder; None where there is no note, or an unreadable one."""
        for _ in range(_ATTEMPTS):  # a writer may be at work
            try:
                words = _beginning(folder / FILE_NAME).decode("ascii").split()
            except (OSError, UnicodeDecodeError):
                return None
            if len(words) == 3 and words[0].isdigit() and f"{zlib.crc32(' '.join(words[:2]).encode()):08x}" == words[2]:
                return cls(int(words[0]), words[1])
        return None


def _beginning(path: Path) -> bytes:
    """The first bytes of a file; empty for a pipe, which would be waited for. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        return os.read(descriptor, _SIZE)
    finally:
        os.close(descriptor)


def check_length(noted: Head | None, last: int, folder: Path) -> None:
    """Raise LogDamaged where a log ends before the head that was `noted` before its end was read."""
    if noted is not None and noted.seq > last:
        raise LogDamaged(
            f"the log in {folder} has lost its last {noted.seq - last} messages: {noted.seq} were written, {last} are "
            "left, because log.sqlite-wal is damaged or missing. Restore log.sqlite and log.sqlite-wal from a copy; to "
            f"go on with what is left, remove {folder / FILE_NAME}"
        )


def check(connection: sqlite3.Connection, folder: Path) -> Head:
    """Read all messages and compare them with the noted head; returns the head of the log as it is.

    Raises LogDamaged where messages are missing or differ from what was written.
    """
    noted = Head.noted(folder)
    head = Head()
    for row in _rows(connection):
        head.add(row)
        if noted is not None and head.seq == noted.seq and head.digest != noted.digest:
            raise LogDamaged(
                f"the log in {folder} is not what was written: a message among the first {noted.seq} has changed. "
                f"Restore log.sqlite from a copy; to go on all the same, remove {folder / FILE_NAME}"
            )
    check_length(noted, head.seq, folder)
    return head


def _rows(connection: sqlite3.Connection) -> Iterator[Row]:
    yield from connection.execute(_READ)
