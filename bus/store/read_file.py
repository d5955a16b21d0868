"""Opens a log's file for reading only, wherever it lies: also on read-only media, and while a writer is at work."""

import os
import shutil
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gome.errors import LogDamaged, LogError, RunNotFound

__all__ = ["Bounded", "ReadFile"]

_STEPS = 100_000
_LEAST, _PER_BYTE = 10_000_000, 40
"""Steps of SQLite's machine that a query may take: a small row, which one takes with some thirty, has sixty bytes."""


class Bounded(sqlite3.Connection):
    """A connection whose queries end as `interrupted` when they take far more steps than all rows of the `files` need.

    A log may be damaged or come from elsewhere: pages that lead to one another in circles, or many times to the same
    one, would be read without end, and their rows kept until no memory is left.
    """

    files: tuple[Path, ...] = ()
    _left = 0

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """As of the base, with new steps."""
        size = sum(path.stat().st_size for path in self.files if path.exists())
        self._left = (_LEAST + _PER_BYTE * size) // _STEPS
        self.set_progress_handler(self._over, _STEPS)
        return super().execute(*arguments)

    def _over(self) -> bool:
        self._left -= 1
        return self._left < 0


class ReadFile:
    """The file of a log. `path` is what is read: a copy where the WAL cannot be used in place. Close it at the end.

    Raises RunNotFound where there is no log, LogError where it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._copy: TemporaryDirectory[str] | None = None
        try:
            self.connect().close()
        except LogError:
            wal = _wal(path)
            if os.access(path.parent, os.W_OK) or not wal.exists():
                raise
            self._copy = TemporaryDirectory(prefix="gome-log-")
            for each in (path, wal):
                shutil.copyfile(each, Path(self._copy.name, each.name))
            self.path = Path(self._copy.name, path.name)

    def connect(self) -> sqlite3.Connection:
        """A new read-only connection. A closed log in a read-only folder is opened as immutable, without WAL files."""
        path = self.path
        if not path.is_file():
            raise RunNotFound(f"there is no log in {path.parent}")
        uri = path.absolute().as_uri()
        connection = self._bounded(f"{uri}?mode=ro")
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            if _wal(path).exists() and _wal(path).stat().st_size:
                raise LogError(f"{path} cannot be read: {error}") from error
            connection = self._bounded(f"{uri}?immutable=1")
        except sqlite3.DatabaseError:
            pass  # not a database, or corrupt: `examine` raises the error for that
        return connection

    def _bounded(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10.0, factory=Bounded
        )
        connection.files = (self.path, _wal(self.path))
        return connection

    def check_ahead(self, ahead: bool) -> None:
        """Raise LogDamaged unless `ahead`: pages go on after the last row, which must be beyond the page before.

        Else they would be read for ever.
        """
        if not ahead:
            raise LogDamaged(f"{self.path} is damaged: its rows are out of order. Restore the file from a copy.")

    def close(self) -> None:
        """Remove the copy, where there is one."""
        if self._copy is not None:
            self._copy.cleanup()


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
