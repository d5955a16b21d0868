"""Whether there is memory for standbys: what the machine has and limits leave us, against what scripts may use."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from gome.executors.processes.supervise import size

__all__ = ["STANDBY_MEMORY", "available", "shortage"]

STANDBY_MEMORY = 340 << 20
"""Bytes that one standby holds: its libraries, shared with nobody but for the pages of their files."""

_FILES = (
    ("memory.max", "memory.current", "inactive_file "),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "),
)
"""Limit, use, and the word of `memory.stat` for pages of files that are given back at need: control groups 2, and 1."""


def shortage(slots: int, memory: int, free: int | None = None) -> str:
    """Why there is no room for a standby beside each of `slots` slots, whose scripts may use `memory` bytes each.

    Empty where there is room. `free` is by default what is available now.
    """
    free = available() if free is None else free
    needed = slots * (memory + STANDBY_MEMORY)
    if free >= needed:
        return ""
    return (
        f"{slots} scripts of {size(memory)} and as many standbys of {size(STANDBY_MEMORY)} need {size(needed)} "
        f"of memory, and {size(free)} are free; fewer executors.slots or less executors.memory make room"
    )


def available(groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes that can still be used: by the machine's count, and by that of each control group that we are in."""
    return min([psutil.virtual_memory().available, *_left_in_groups(groups, own)])


def _left_in_groups(groups: Path, own: Path) -> Iterator[int]:
    """What is left within each limit, from our own group up."""
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
    for limit, used, word in _FILES:
        if (
            (group / limit).exists()
            and (group / used).exists()
            and (most := (group / limit).read_text().strip()) != "max"
        ):
            statistics = (group / "memory.stat").read_text().splitlines()
            given_back = sum(int(line.split()[1]) for line in statistics if line.startswith(word))
            yield max(0, int(most) - int((group / used).read_text()) + given_back)
