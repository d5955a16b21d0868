"""Slots: the scarce thing of a run. A slot is held while a script runs and at no other time.

Who waits is served in this order: by `turn`, the lowest first, then the owner who was served longest ago, so that no
trace can crowd out another.
"""

import os
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from gome.errors import UsageError
from gome.executors.launch import Slot
from gome.executors.resources.gpus import gpus

__all__ = ["SlotPool", "SlotUsage", "discover"]


@dataclass(frozen=True, slots=True)
class SlotUsage:
    """Time since a slot was first taken, the slots' share of it in which they were held, and how many are held now."""

    seconds: float
    busy: float
    held: int


@dataclass(eq=False, slots=True)
class _Waiter:
    """Somebody in the queue; `slot` is there when `served` is set."""

    owner: str
    turn: int
    served: anyio.Event = field(default_factory=anyio.Event)
    slot: Slot | None = None


class SlotPool:
    """Hands out slots, one script each. For use within one event loop."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        if not slots:
            raise UsageError("at least one slot is needed to run scripts; set executors.slots to 1 or more")
        self.slots = tuple(slots)
        self._free = deque(self.slots)
        self._waiting: list[_Waiter] = []
        self._served: dict[str, int] = {}
        self._turn = 0
        self._first: float | None = None
        self._counted: float = 0.0
        self._busy = 0.0

    @asynccontextmanager
    async def take(self, owner: str, *, turn: int = 1) -> AsyncIterator[Slot]:
        """Hold a slot for `owner`, waiting for a free one; it is free again when the block is left."""
        waiter = _Waiter(owner, turn)
        self._waiting.append(waiter)
        self._serve()
        try:
            await waiter.served.wait()
            assert waiter.slot is not None  # noqa: S101 (what `served` means)
            yield waiter.slot
        finally:
            self._leave(waiter)
            self._serve()

    def usage(self) -> SlotUsage:
        """How busy the slots were since the first of them was taken."""
        self._count()
        seconds = 0.0 if self._first is None else self._counted - self._first
        share = self._busy / (seconds * len(self.slots)) if seconds else 0.0
        return SlotUsage(seconds, share, self._held)

    @property
    def _held(self) -> int:
        return len(self.slots) - len(self._free)

    def _serve(self) -> None:
        """Give free slots to those who are next."""
        while self._free and self._waiting:
            self._count()
            if self._first is None:
                self._first = self._counted
            waiter = min(self._waiting, key=lambda each: (each.turn, self._served.get(each.owner, 0)))
            self._waiting.remove(waiter)
            waiter.slot = self._free.popleft()
            self._turn += 1
            self._served[waiter.owner] = self._turn
            waiter.served.set()

    def _leave(self, waiter: _Waiter) -> None:
        """Give a held slot back, or leave the queue where none was given yet."""
        if waiter.slot is None:
            self._waiting.remove(waiter)
            return
        self._count()
        self._free.append(waiter.slot)

    def _count(self) -> None:
        """Bring the sum of held time up to now."""
        now = time.monotonic()
        if self._first is not None:
            self._busy += self._held * (now - self._counted)
        self._counted = now


def discover(count: int | None = None, threads: int | None = None) -> tuple[Slot, ...]:
    """Slots of this machine: `count` of them, by default one for each GPU, else one for each core that we may use.

    The cores are dealt out evenly, `threads` each where that is given; where there are more slots than cores, slots
    share them. Where there are GPUs each slot is bound to one, in turn.
    Raises UsageError for a count below one.
    """
    if (count is not None and count < 1) or (threads is not None and threads < 1):
        raise UsageError("slots and threads are at least 1")
    cores = sorted(os.sched_getaffinity(0))
    devices = gpus()
    count = count or len(devices) or len(cores)
    each = threads or max(1, len(cores) // count)
    return tuple(
        Slot(
            index=index,
            cpus=tuple(sorted({cores[(index * each + core) % len(cores)] for core in range(each)})),
            threads=each,
            gpu=devices[index % len(devices)] if devices else None,
        )
        for index in range(count)
    )
