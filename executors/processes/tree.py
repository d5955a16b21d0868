"""What a process tree uses, read from /proc: cheap enough to be asked ten times a second.

Only the tree itself is read, never the machine's list of processes. Inside a PID namespace an orphan becomes a
child of the namespace's first process, so a tree that is walked from outside is whole.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Usage", "descendants", "usage"]

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory in bytes, CPU time in seconds (of ended children too), and the number of processes."""

    memory: int
    cpu: float
    processes: int


def descendants(root: int) -> Iterator[int]:
    """`root` and every process below it, parents first. A process that ends meanwhile is left out."""
    found = [root]
    for pid in found:
        yield pid
        found.extend(_children(pid))


def usage(root: int, memory_limit: int) -> Usage:
    """What the tree under `root` uses now.

    Memory that forked processes share is counted once for each of them; where that sum is over `memory_limit`, the
    kernel is asked for the dearer figure in which each has its share.
    """
    pids = list(descendants(root))
    memory = sum(map(_private_memory, pids))
    if memory > memory_limit:
        memory = sum(map(_proportional_memory, pids))
    return Usage(memory, sum(map(_cpu_seconds, pids)), len(pids))


def _children(pid: int) -> list[int]:
    """Children of all threads of a process; none where it is gone."""
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return []
    return [int(child) for thread in threads for child in _read(thread / "children").split()]


def _private_memory(pid: int) -> int:
    """Anonymous and shared memory in use; pages of files are left out, the kernel takes those back at need."""
    size = 0
    for line in _read(_PROC / str(pid) / "status").splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            size += int(line.split()[1]) << 10
    return size


def _proportional_memory(pid: int) -> int:
    """As `_private_memory`, each shared page divided by the number of its users; that again where it is not told."""
    size = 0
    for line in _read(_PROC / str(pid) / "smaps_rollup").splitlines():
        if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
            size += int(line.split()[1]) << 10
    return size or _private_memory(pid)


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process and of its children that have ended and were waited for."""
    fields = _read(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICK


def _read(path: Path) -> str:
    """Text of a file under /proc, empty where the process is gone or not ours to read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
