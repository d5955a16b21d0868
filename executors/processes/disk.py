"""Measure a script's disk use: bytes and number of entries, in bounded time, also of deleted files still open."""

import os
import stat
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Holding", "holding", "unlinked"]

_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Holding:
    """Allocated bytes (holes do not count), number of entries of any kind, and whether a folder could not be listed."""

    size: int
    files: int
    hidden: bool = False


def holding(folder: Path, most_files: int) -> Holding:
    """Measure `folder`; stops once there are more than `most_files` entries. Follows no link.

    A folder that is removed meanwhile is skipped. One that cannot be listed (no permission, or its path is longer than
    the system allows) could contain anything and sets `hidden`.
    """
    size = files = 0
    waiting = deque([os.fspath(folder)])
    while waiting:
        try:
            with os.scandir(waiting.popleft()) as entries:
                for entry in entries:
                    files += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    if files > most_files:
                        return Holding(size, files)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return Holding(size, files, hidden=True)
    return Holding(size, files)


def unlinked(pids: Iterable[int]) -> int:
    """Bytes of files without a name that these processes have open: deleted files and memfds."""
    sizes: dict[tuple[int, int], int] = {}
    for pid in pids:
        try:
            descriptors = os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208 (names are numbers, no paths are wanted)
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                found = Path(f"/proc/{pid}/fd/{descriptor}").stat()
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
                sizes[found.st_dev, found.st_ino] = found.st_blocks * _BLOCK
    return sum(sizes.values())
