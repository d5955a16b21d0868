"""Exclusive lock on a run, held by its one writer. The kernel releases it when the holder dies."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from gome.errors import LogLocked, Outage

__all__ = ["FILE_NAME", "RunLock", "holder"]

FILE_NAME = "run.lock"
_PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK
"""A run may come from elsewhere: a link could lead to any file, which would be emptied; a pipe would be waited for."""


def holder(folder: Path) -> int | None:
    """Id of the process that writes to this run now; None where there is none. Does not take the lock."""
    try:
        descriptor = os.open(folder / FILE_NAME, os.O_RDONLY | _PLAIN)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid(descriptor)
    except OSError:  # a file system without locks: nobody can write to this run
        return None
    finally:
        os.close(descriptor)
    return None


class RunLock:
    """Context manager that holds `folder/run.lock`, which contains our process id. Creates the folder if needed.

    Raises LogLocked where another process holds the lock, Outage where the folder cannot be written or locked.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._descriptor = -1

    def __enter__(self) -> "RunLock":
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | _PLAIN, 0o644)
        except OSError as error:
            raise Outage(
                f"cannot write to {self._path.parent}: {error.strerror}. Make it writable, then resume."
            ) from error
        try:
            taken = _take(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            raise Outage(
                f"{self._path} cannot be locked: {error.strerror}. The file system has no locks (a network disk?): "
                "put runs on a local disk, with --runs or GOME_RUNS."
            ) from error
        if not taken:
            pid = _pid(self._descriptor)
            os.close(self._descriptor)
            raise LogLocked(
                f"process {pid or 'unknown'} is writing to {self._path.parent}. Wait for it or stop it, then resume."
            )
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise Outage(
                f"cannot write to {self._path.parent}: {error.strerror}. Free some space, then resume."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._descriptor)  # the file stays: after a removal two processes could each lock a file of this name


def _take(descriptor: int) -> bool:
    """Try to take the lock; False where it is held. Retries, because `holder` takes a shared lock for a moment."""
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def _pid(descriptor: int) -> int | None:
    content = os.pread(descriptor, 32, 0).strip()
    return int(content) if content.isdigit() else None
