"""Slots, the scarce resource of a run. A slot is occupied only while a script runs.

Waiting requests are served by `turn`, lowest first, then by the owner that was served longest ago, so that no trace can
starve another.
"""

import os
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from gome.errors import UsageError
from gome.executors.launch import Slot
from gome.executors.resources.gpus import gpus

__all__ = ["SlotPool", "discover"]


@dataclass(eq=False, slots=True)
class _Waiter:
    """A request in the queue; `slot` is set when `served` is."""

    owner: str
    turn: int
    served: anyio.Event = field(default_factory=anyio.Event)
    slot: Slot | None = None


class SlotPool:
    """Assigns slots to scripts. For use within one event loop. Raises UsageError where there are no slots."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        if not slots:
            raise UsageError("at least one slot is needed to run scripts; set executors.slots to 1 or more")
        self.slots = tuple(slots)
        self._free = deque(self.slots)
        self._waiting: list[_Waiter] = []
        self._served: dict[str, int] = {}
        self._turn = 0

    @asynccontextmanager
    async def take(self, owner: str, *, turn: int = 1) -> AsyncIterator[Slot]:
        """Context manager: wait for a free slot and occupy it for `owner` until the block is left."""
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

    def _serve(self) -> None:
        """Assign free slots to the next requests."""
        while self._free and self._waiting:
            waiter = min(self._waiting, key=lambda each: (each.turn, self._served.get(each.owner, 0)))
            self._waiting.remove(waiter)
            waiter.slot = self._free.popleft()
            self._turn += 1
            self._served[waiter.owner] = self._turn
            waiter.served.set()

    def _leave(self, waiter: _Waiter) -> None:
        """Release the slot of a request, or remove the request from the queue where it has none yet."""
        if waiter.slot is None:
            self._waiting.remove(waiter)
            return
        self._free.append(waiter.slot)


def discover(count: int | None = None, threads: int | None = None) -> tuple[Slot, ...]:
    """Create the slots of this machine: `count`, by default one per GPU, else one per core available to this process.

    Cores are distributed evenly, or `threads` per slot where given; where there are not enough, slots share them. Where
    there are GPUs, each slot is bound to one of them, in turn. Raises UsageError for a count or `threads` below one.
    """
    if (count is not None and count < 1) or (threads is not None and threads < 1):
        raise UsageError("executors.slots and executors.threads must be at least 1")
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
