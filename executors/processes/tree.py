"""Resource use of a process tree, read from /proc; cheap enough for ten measurements per second.

Only the tree itself is read, never the machine's list of processes. Inside a PID namespace orphans are reparented to
the namespace's first process, so a walk from outside finds the complete tree.
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
    """Memory in bytes, CPU time in seconds (ended children included), and number of processes."""

    memory: int
    cpu: float
    processes: int


def descendants(root: int) -> Iterator[int]:
    """`root` and all its descendants, parents first. Processes that end meanwhile are left out."""
    found = [root]
    for pid in found:
        yield pid
        found.extend(_children(pid))


def usage(root: int, memory_limit: int) -> Usage:
    """Current resource use of the tree under `root`.

    Memory shared by forked processes is counted once per process. Where that sum exceeds `memory_limit`, it is measured
    again by proportional shares (PSS), which takes longer.
    """
    pids = list(descendants(root))
    memory = sum(map(_private_memory, pids))
    if memory > memory_limit:
        memory = sum(map(_proportional_memory, pids))
    return Usage(memory, sum(map(_cpu_seconds, pids)), len(pids))


def _children(pid: int) -> list[int]:
    """Children of all threads of a process; empty where it has ended."""
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return []
    return [int(child) for thread in threads for child in _read(thread / "children").split()]


def _private_memory(pid: int) -> int:
    """Anonymous and shared memory in bytes. File pages are left out, because the kernel can reclaim them."""
    size = 0
    for line in _read(_PROC / str(pid) / "status").splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            size += int(line.split()[1]) << 10
    return size


def _proportional_memory(pid: int) -> int:
    """As `_private_memory`, with shared pages divided by the number of users, where the kernel reports that."""
    size = 0
    for line in _read(_PROC / str(pid) / "smaps_rollup").splitlines():
        if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
            size += int(line.split()[1]) << 10
    return size or _private_memory(pid)


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process and of its children that were reaped."""
    fields = _read(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICK


def _read(path: Path) -> str:
    """Text of a file under /proc; empty where the process has ended or is not readable."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
