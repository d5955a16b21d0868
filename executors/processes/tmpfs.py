"""What a script holds in the memory file systems of its own sandbox, /tmp and /dev/shm, as the kernel counts it.

The count includes files that have no name any more, are only mapped, or wait in a socket: it needs no list of them.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Held", "held"]

_FOLDERS = ("dev/shm", "tmp")


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes and number of files."""

    size: int = 0
    files: int = 0


def held(pids: Iterable[int]) -> Held:
    """What is held in the folders that the first of these processes with a root of its own sees.

    Nothing where no process has one, as at the levels without mounts: those folders are the machine's.
    """
    for pid in pids:
        try:
            if all(_is_own(pid, folder) for folder in _FOLDERS):
                systems = [os.statvfs(f"/proc/{pid}/root/{folder}") for folder in _FOLDERS]
                size = sum((each.f_blocks - each.f_bfree) * each.f_frsize for each in systems)
                return Held(size, sum(each.f_files - each.f_ffree for each in systems))
        except OSError:
            continue
    return Held()


def _is_own(pid: int, folder: str) -> bool:
    """Whether the process sees another file system there than this one."""
    return os.stat(f"/proc/{pid}/root/{folder}").st_dev != os.stat(f"/{folder}").st_dev  # noqa: PTH116 (no Path needed)
