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


def unlinked(pids: Iterable[int], beside: Path) -> int:
    """Bytes of deleted files that these processes have open or mapped, on the file system of the folder `beside`.

    Where this process may not open what another has mapped (that takes rights of root), the mapped part counts.
    """
    sizes: dict[int, int] = {}
    try:
        device = beside.stat().st_dev
    except OSError:
        return 0
    for pid in pids:
        mapped = _mapped_without_name(pid, device)
        sizes |= {inode: max(size, sizes.get(inode, 0)) for inode, size, _ in mapped}
        for path in (*_below(f"/proc/{pid}/fd"), *(path for _, _, path in mapped)):
            try:
                found = Path(path).stat()
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 0 and found.st_dev == device:
                sizes[found.st_ino] = found.st_blocks * _BLOCK
    return sum(sizes.values())


def _below(folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in os.listdir(folder)]  # noqa: PTH208 (names are numbers)
    except OSError:
        return []


def _mapped_without_name(pid: int, device: int) -> list[tuple[int, int, str]]:
    """Deleted files that a process has mapped: inode, bytes up to the mapping's end, and a link to open it by."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_bytes().split(b"\n")  # a name may hold any other end of a line
    except OSError:
        return []
    found = []
    for line in lines:
        if line.endswith(b"(deleted)"):
            span, _, offset, place, inode, _ = line.split(maxsplit=5)
            start, end = (int(each, 16) for each in span.split(b"-"))
            if os.makedev(*(int(each, 16) for each in place.split(b":"))) == device:
                link = f"/proc/{pid}/map_files/{start:x}-{end:x}"
                found.append((int(inode), int(offset, 16) + end - start, link))
    return found
