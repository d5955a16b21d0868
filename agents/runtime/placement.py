"""Where a run's scripts are run: this machine or a cluster, with its slots and how scripts are held there."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread
from anyio.lowlevel import checkpoint

from gome.executors.launch import DATA, Executor, Slot
from gome.executors.local import LocalExecutor
from gome.executors.ray.connection import Link, connect, slots_of
from gome.executors.ray.executor import ClusterExecutor
from gome.executors.ray.nodes import NodeReport, survey, weakest
from gome.executors.resources.memory import shortage
from gome.executors.resources.packages import describe
from gome.executors.resources.slots import discover
from gome.executors.sandbox.levels import Sandbox, SandboxLevel
from gome.executors.sandbox_probe import probe
from gome.executors.warm.executor import WarmExecutor
from gome.scenarios.config.scenario import Executors, LocalExecutors, RayExecutors

__all__ = ["Placement", "examine", "open_placement", "python_of"]


@dataclass(frozen=True, slots=True)
class Placement:
    """An executor, the slots that it has, the weakest sandbox that holds scripts there, and how to leave it.

    `standby` says whether an interpreter waits beside each slot: `on`, or `off` and why.
    """

    executor: Executor
    slots: tuple[Slot, ...]
    sandbox: Sandbox
    close: Callable[[], Awaitable[None]] = checkpoint
    standby: str = "off"


def python_of(settings: Executors) -> Path | None:
    """The interpreter that scripts run under; None for the one that runs gome, on whichever machine."""
    return Path(settings.python) if settings.python else None


async def open_placement(settings: Executors, folder: Path, *, unsandboxed: bool = False) -> Placement:
    """The place that the scenario names. Standbys, where there are any, keep their files in `folder`.

    Raises SandboxError where scripts cannot be held there, UsageError for slots that cannot be, Outage where a
    cluster does not answer.
    """
    if isinstance(settings, RayExecutors):
        return await _join(settings, unsandboxed=unsandboxed)
    slots = await anyio.to_thread.run_sync(discover, settings.slots, settings.threads)
    sandbox = await probe(python_of(settings) or Path(sys.executable), unsandboxed=unsandboxed)
    why_not = _why_no_standby(settings, len(slots), sandbox)
    if why_not:
        return Placement(LocalExecutor(sandbox), slots, sandbox, standby=f"off: {why_not}")
    executor = WarmExecutor(sandbox, folder, changing=[DATA])
    return Placement(executor, slots, sandbox, executor.aclose, standby="on")


def _why_no_standby(settings: Executors, slots: int, sandbox: Sandbox) -> str:
    """In words; empty where an interpreter shall wait beside each slot."""
    if not (isinstance(settings, LocalExecutors) and settings.standby):
        return "the scenario does not ask for it (executors.standby)"
    if sandbox.level is not SandboxLevel.BUBBLEWRAP:
        return "only bubblewrap shows a script the same paths every time"
    return shortage(slots, settings.memory)


async def _join(settings: RayExecutors, *, unsandboxed: bool) -> Placement:
    """A place on every node of a cluster."""
    link = connect(settings.address)
    try:
        slots, found = await examine(link, settings, unsandboxed=unsandboxed)
        level = weakest(found)
    except BaseException:
        link.close()
        raise
    executor = ClusterExecutor(
        link,
        gpus_per_slot=settings.gpus_per_slot,
        shared=settings.shared,
        patience=settings.scheduling_timeout,
        unsandboxed=unsandboxed,
    )
    return Placement(executor, slots, Sandbox(level), partial(anyio.to_thread.run_sync, link.close))


async def examine(
    link: Link, settings: RayExecutors, *, unsandboxed: bool
) -> tuple[tuple[Slot, ...], tuple[NodeReport, ...]]:
    """The slots of a cluster, and what each of its nodes is like. Raises UsageError, SandboxError and Outage."""
    python = python_of(settings)
    here = await anyio.to_thread.run_sync(describe, python or Path(sys.executable))
    wants_gpus = settings.gpus_per_slot > 0
    found = await survey(link, here.packages, python, gpus=wants_gpus, unsandboxed=unsandboxed)
    return slots_of(found, settings.slots, settings.threads, settings.gpus_per_slot), found
