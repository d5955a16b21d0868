"""Check whether memory suffices for warm interpreters: available memory against the limits of all scripts."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from gome.executors.processes.supervise import size

__all__ = ["STANDBY_MEMORY", "available", "shortage"]

STANDBY_MEMORY = 340 << 20
"""Bytes that one warm interpreter uses: its imported libraries. Only their file pages are shared."""

_FILES = (
    ("memory.max", "memory.current", "inactive_file "),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "),
)
"""Files for limit and use, and the field of `memory.stat` for reclaimable file pages: cgroup v2, then v1."""


def shortage(slots: int, memory: int, free: int | None = None) -> str:
    """Why memory does not suffice for a warm interpreter per slot, where each script may use `memory` bytes.

    Empty where it suffices. `free` is in bytes, by default what is available now.
    """
    free = available() if free is None else free
    needed = slots * (memory + STANDBY_MEMORY)
    if free >= needed:
        return ""
    return (
        f"{slots} scripts of {size(memory)} and as many warm interpreters of {size(STANDBY_MEMORY)} need "
        f"{size(needed)} of memory, and {size(free)} are free; lower executors.slots or executors.memory"
    )


def available(groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes of memory available to this process: the least of the machine's and of each of its cgroups."""
    return min([psutil.virtual_memory().available, *_left_in_groups(groups, own)])


def _left_in_groups(groups: Path, own: Path) -> Iterator[int]:
    """Bytes left in each cgroup with a limit, from our own up to the root."""
    for line in own.read_text().splitlines() if own.exists() else ():
        _, controllers, name = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root = groups / controllers
        inner = root / name.strip("/")
        for group in (inner, *inner.parents):
            if group.is_relative_to(root):
                yield from _left_in(group)


def _left_in(group: Path) -> Iterator[int]:
    for limit, used, field in _FILES:
        if (
            (group / limit).exists()
            and (group / used).exists()
            and (most := (group / limit).read_text().strip()) != "max"
        ):
            statistics = (group / "memory.stat").read_text().splitlines()
            reclaimable = sum(int(line.split()[1]) for line in statistics if line.startswith(field))
            yield max(0, int(most) - int((group / used).read_text()) + reclaimable)
