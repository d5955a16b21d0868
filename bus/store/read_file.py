"""Opens a log's file for reading only, wherever it lies: also on read-only media, and while a writer is at work."""

import os
import shutil
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

from gome.errors import LogError, RunNotFound

__all__ = ["ReadFile"]


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
        connection = sqlite3.connect(
            f"{uri}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=10.0
        )
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            if _wal(path).exists() and _wal(path).stat().st_size:
                raise LogError(f"{path} cannot be read: {error}") from error
            connection = sqlite3.connect(f"{uri}?immutable=1", uri=True, isolation_level=None, check_same_thread=False)
        except sqlite3.DatabaseError:
            pass  # not a database, or corrupt: `examine` raises the error for that
        return connection

    def close(self) -> None:
        """Remove the copy, where there is one."""
        if self._copy is not None:
            self._copy.cleanup()


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
