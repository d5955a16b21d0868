"""Placement: where a run's scripts run (this machine or a cluster), with its slots and its sandbox level."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread
from anyio.lowlevel import checkpoint

from gome import plugins
from gome.errors import UsageError
from gome.executors.choose_sandbox import probe
from gome.executors.launch import DATA, Executor, Slot
from gome.executors.local import LocalExecutor
from gome.executors.ray.connection import Link, connect, slots_of
from gome.executors.ray.executor import ClusterExecutor
from gome.executors.ray.nodes import NodeReport, survey, weakest
from gome.executors.resources.memory import shortage
from gome.executors.resources.packages import describe
from gome.executors.resources.slots import discover
from gome.executors.sandbox.levels import Sandbox, SandboxLevel
from gome.executors.warm.executor import WarmExecutor
from gome.scenarios.config.executors import Executors, LocalExecutors, PluginExecutors, RayExecutors
from gome.scenarios.reading.trusted import Pair, agreed, trusted_file

__all__ = ["Placement", "examine", "open_placement", "python_of", "strange_python"]


@dataclass(frozen=True, slots=True)
class Placement:
    """An executor with its slots, its sandbox (on a cluster the weakest of all nodes), and how to close it.

    `standby` is `on` where each slot has a warm interpreter, else `off: ` and the reason.
    """

    executor: Executor
    slots: tuple[Slot, ...]
    sandbox: Sandbox
    close: Callable[[], Awaitable[None]] = checkpoint
    standby: str = "off"


def python_of(settings: Executors) -> Path | None:
    """The interpreter that runs the scripts; None for the one that runs gome on that machine.

    It is also asked, outside the sandbox, what it can import. Raises UsageError for one to which the user has not
    agreed: a scenario of somebody else could name any program.
    """
    strange = strange_python(settings)
    if strange is not None and strange not in agreed():
        raise UsageError(
            f"{strange[0]} ({strange[1]}) would be run outside the sandbox for the first time; to allow it, pass "
            f"--trust once to gome run or gome doctor (remembered in {trusted_file()})"
        )
    return Path(settings.python) if settings.python else None


def strange_python(settings: Executors) -> Pair | None:
    """What the user has to agree to before the scenario's interpreter is run; None for one of the system, or none.

    The place of the link counts, not only where it leads: an interpreter runs the start-up files of the environment
    that it is linked from.
    """
    path = Path(settings.python).absolute() if settings.python else Path(sys.executable)
    of_system = ".." not in path.parts and all(each.is_relative_to("/usr") for each in (path, path.resolve()))
    is_ours = path == Path(sys.executable) or of_system
    return None if is_ours or not path.exists() else (str(path), "executors.python")


async def open_placement(settings: Executors, folder: Path, *, unsandboxed: bool = False) -> Placement:
    """Open the placement that the scenario names. Warm interpreters keep their files in `folder`.

    Raises SandboxError where scripts cannot be sandboxed, UsageError where the requested slots are not available, and
    Outage where the cluster does not answer.
    """
    if isinstance(settings, RayExecutors):
        return await _join(settings, unsandboxed=unsandboxed)
    if isinstance(settings, PluginExecutors):
        open_it = plugins.load("gome.executors", settings.kind)
        opened: Placement = await open_it(settings, folder, unsandboxed=unsandboxed)
        return opened
    slots = await anyio.to_thread.run_sync(discover, settings.slots, settings.threads)
    sandbox = await probe(python_of(settings) or Path(sys.executable), unsandboxed=unsandboxed)
    why_not = _why_no_standby(settings, len(slots), sandbox)
    if why_not:
        return Placement(LocalExecutor(sandbox), slots, sandbox, standby=f"off: {why_not}")
    executor = WarmExecutor(sandbox, folder, changing=[DATA])
    return Placement(executor, slots, sandbox, executor.aclose, standby="on")


def _why_no_standby(settings: Executors, slots: int, sandbox: Sandbox) -> str:
    """Why there are no warm interpreters; empty where each slot gets one."""
    if not (isinstance(settings, LocalExecutors) and settings.standby):
        return "the scenario does not ask for it (executors.standby)"
    if sandbox.level is not SandboxLevel.BUBBLEWRAP:
        return "warm interpreters need bubblewrap, which gives every script the same paths"
    return shortage(slots, settings.memory)


async def _join(settings: RayExecutors, *, unsandboxed: bool) -> Placement:
    """Join a Ray cluster."""
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
    """The slots of a cluster and a report on each of its nodes. Raises UsageError, SandboxError and Outage."""
    python = python_of(settings)
    here = await anyio.to_thread.run_sync(describe, python or Path(sys.executable))
    wants_gpus = settings.gpus_per_slot > 0
    found = await survey(link, here.packages, python, gpus=wants_gpus, unsandboxed=unsandboxed)
    return slots_of(found, settings.slots, settings.threads, settings.gpus_per_slot), found
