"""Check where a scenario's scripts would run: this machine, or each node of a cluster."""

import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import anyio.to_thread

from gome.agents.runtime.placement import examine, python_of
from gome.errors import GomeError, SandboxError
from gome.executors.choose_sandbox import probe
from gome.executors.ray.connection import connect
from gome.executors.ray.nodes import NodeReport, weakest
from gome.executors.resources.slots import discover
from gome.executors.sandbox.levels import Sandbox
from gome.scenarios.config.executors import Executors, RayExecutors

__all__ = ["PlacementFinding", "examine_placement"]


@dataclass(frozen=True, slots=True)
class PlacementFinding:
    """Where scripts would run: sandbox level and its gaps, number of slots, threads per slot, free bytes for runs.

    For a cluster, `sandbox` is the weakest level of its `nodes`. On a single machine `nodes` is empty.
    """

    sandbox: str | None
    gaps: tuple[str, ...]
    slots: int
    threads: int
    free: int
    trouble: str | None
    nodes: tuple[NodeReport, ...] = ()


async def examine_placement(settings: Executors, runs: Path, *, unsandboxed: bool) -> PlacementFinding:
    """Examine the placement that the scenario names; `runs` is the folder of all runs on this machine."""
    free = await anyio.to_thread.run_sync(_free, runs)
    if isinstance(settings, RayExecutors):
        return await _look_at_cluster(settings, free, unsandboxed=unsandboxed)
    slots = await anyio.to_thread.run_sync(discover, settings.slots, settings.threads)
    finding = PlacementFinding(None, (), len(slots), slots[0].threads, free, None)
    try:
        found = await probe(python_of(settings) or Path(sys.executable), unsandboxed=unsandboxed)
    except SandboxError as error:
        return replace(finding, trouble=str(error))
    return replace(finding, sandbox=found.level.value, gaps=found.gaps)


async def _look_at_cluster(settings: RayExecutors, free: int, *, unsandboxed: bool) -> PlacementFinding:
    finding = PlacementFinding(None, (), 0, settings.threads or 1, free, None)
    try:
        link = connect(settings.address)
    except GomeError as error:
        return replace(finding, trouble=str(error))
    try:
        slots, nodes = await examine(link, settings, unsandboxed=unsandboxed)
        finding = replace(finding, slots=len(slots), nodes=nodes)
        sandbox = Sandbox(weakest(nodes))
    except GomeError as error:
        return replace(finding, trouble=str(error))
    finally:
        link.close()
    return replace(finding, sandbox=sandbox.level.value, gaps=sandbox.gaps)


def _free(folder: Path) -> int:
    """Free bytes on the file system of the folder, which need not exist yet."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.is_dir())
    return shutil.disk_usage(there).free
