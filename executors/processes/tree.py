"""Resource use of a process tree, read from /proc; cheap enough for ten measurements per second.

Only the tree itself is read, never the machine's list of processes. Inside a PID namespace orphans are reparented to
the namespace's first process, so a walk from outside finds the complete tree.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from gome.executors.processes import tmpfs

__all__ = ["Usage", "descendants", "usage"]

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_LOOKED_AT = 8
"""Processes, from the root on, of which one has the tree's own mounts."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory in bytes, CPU time in seconds (ended children included), and number of processes.

    `files` are those in memory file systems of the tree's own.
    """

    memory: int
    cpu: float
    processes: int
    files: int = 0


def descendants(root: int) -> Iterator[int]:
    """`root` and all its descendants, parents first. Processes that end meanwhile are left out."""
    found = [root]
    for pid in found:
        yield pid
        found.extend(_children(pid))


def usage(root: int, memory_limit: int) -> Usage:
    """Current resource use of the tree under `root`.

    Memory is what the kernel cannot reclaim: anonymous pages, page tables, shared memory, and files in memory file
    systems of the tree's own. Memory shared by forked processes is counted once per process. Where that sum exceeds
    `memory_limit`, it is measured again by proportional shares (PSS), which takes longer.
    """
    pids = list(descendants(root))
    held = tmpfs.held(islice(pids, _LOOKED_AT))
    memory = _together(map(_memory, pids), held.size)
    if memory > memory_limit:
        memory = _together(map(_proportional_memory, pids), held.size)
    return Usage(memory, sum(map(_cpu_seconds, pids)), len(pids), held.files)


def _together(each: Iterable[tuple[int, int]], in_files: int) -> int:
    """The sum of private and shared memory. Shared pages are pages of the tree's files, where it has such."""
    private, shared = map(sum, zip(*each, strict=True))
    return private + max(shared, in_files)


def _children(pid: int) -> list[int]:
    """Children of all threads of a process; empty where it has ended."""
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return []
    return [int(child) for thread in threads for child in _read(thread / "children").split()]


def _memory(pid: int) -> tuple[int, int]:
    """Private memory (anonymous pages and page tables) and shared memory in bytes.

    File pages are left out, because the kernel can reclaim them.
    """
    sizes = _sizes(_PROC / str(pid) / "status", ("RssAnon", "VmPTE", "RssShmem"))
    return sizes["RssAnon"] + sizes["VmPTE"], sizes["RssShmem"]


def _proportional_memory(pid: int) -> tuple[int, int]:
    """As `_memory`, with shared pages divided by the number of users, where the kernel reports that."""
    shares = _sizes(_PROC / str(pid) / "smaps_rollup", ("Pss_Anon", "Pss_Shmem"))
    if not any(shares.values()):
        return _memory(pid)
    return shares["Pss_Anon"] + _sizes(_PROC / str(pid) / "status", ("VmPTE",))["VmPTE"], shares["Pss_Shmem"]


def _sizes(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """Those lines of a file under /proc that give a size, in bytes; 0 for a line that is not there."""
    sizes = dict.fromkeys(names, 0)
    for line in _read(path).split("\n"):  # a process may have any other end of a line in its name
        name, _, rest = line.partition(":")
        if name in sizes:
            sizes[name] = int(rest.split()[0]) << 10
    return sizes


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
