"""User ids that scripts run as where gome is root: one per slot, in a block of ids that belongs to this process alone.

The kernel counts processes per user id, so two runs side by side must not share ids.
"""

import os
from pathlib import Path

from gome.executors.launch import Slot

__all__ = ["slot_user"]

_BLOCK = 64
"""Ids per process of gome; further slots share them."""
_WIDE = 0x70000000
"""Start of a range that Linux distributions leave unused; it has a block for every process id."""
_NARROW, _BLOCKS = 60600, 8
"""An unused range below 65,536, for containers in which no higher ids are mapped."""


def slot_user(slot: Slot) -> int | None:
    """User id of this slot's scripts where gome runs as root; else None: they run as gome's user.

    None also for a root to whom only its own id is mapped (`unshare --map-root-user`): it cannot become anyone else.
    """
    if os.geteuid() != 0:
        return None
    wide = _WIDE + os.getpid() * _BLOCK
    narrow = _NARROW + os.getpid() % _BLOCKS * _BLOCK
    return next((start + slot.index % _BLOCK for start in (wide, narrow) if _is_mapped(start)), None)


def _is_mapped(start: int) -> bool:
    """Whether a whole block of ids exists in this user namespace, for users and for groups."""
    return all(_covers(Path("/proc/self", name).read_text(), start) for name in ("uid_map", "gid_map"))


def _covers(mapped: str, start: int) -> bool:
    """Whether a line of a map (`first id here, first id outside, how many`) contains the block."""
    lines = [[int(word) for word in line.split()] for line in mapped.splitlines()]
    return any(first <= start and start + _BLOCK <= first + many for first, _, many in lines)
