"""Check where a scenario's scripts would run: this machine, or each node of a cluster."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

import anyio.to_thread

from gome.agents.runtime.placement import examine, open_placement, python_of
from gome.errors import GomeError, SandboxError
from gome.executors.launch import DATA, Launch, Limits
from gome.executors.processes.collect import discard
from gome.executors.ray.connection import connect
from gome.executors.ray.nodes import NodeReport, weakest
from gome.executors.resources.slots import discover
from gome.executors.sandbox.levels import Sandbox
from gome.scenarios.config.executors import Executors, RayExecutors

__all__ = ["PlacementFinding", "examine_placement"]

_SCRIPT = """
import pathlib, sys
data, out = map(pathlib.Path, (sys.argv[2], sys.argv[4]))
(out / "answer.csv").write_bytes((data / "train.csv").read_bytes())
"""


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
        sandbox = await _try_script(settings, runs, unsandboxed=unsandboxed)
    except GomeError as error:
        return replace(finding, trouble=str(error))
    except OSError as error:
        return replace(finding, trouble=f"runs cannot be written to {runs}: {error.strerror}; choose another by --runs")
    return replace(finding, sandbox=sandbox.level.value, gaps=sandbox.gaps)


async def _try_script(settings: Executors, runs: Path, *, unsandboxed: bool) -> Sandbox:
    """Run a script as a run does, in the folder of all runs; returns the sandbox. Leaves nothing behind.

    Raises SandboxError where it did not read its data or write its output, and OSError where the folder is not usable.
    """
    made, folder = await anyio.to_thread.run_sync(_make_folder, runs)
    try:
        placement = await open_placement(settings, folder / "standby", unsandboxed=unsandboxed)
        try:
            launch = await anyio.to_thread.run_sync(_launch, settings, folder)
            outcome = await placement.executor.run(launch, placement.slots[0])
        finally:
            await placement.close()
    finally:
        await anyio.to_thread.run_sync(_remove, folder, made)
    if not outcome.ok or not outcome.artefacts:
        told = outcome.stderr.strip().splitlines()[-1:] or [*outcome.refused_artefacts.values()]
        words = "".join(f" ({line})" for line in told)
        raise SandboxError(f"a script cannot work in {runs} at the level {outcome.sandbox}: it {outcome.words}{words}")
    return placement.sandbox


def _make_folder(runs: Path) -> tuple[list[Path], Path]:
    """A folder for one script below the folder of all runs, and those parents that were created for it, inmost first.

    Raises OSError.
    """
    made = [each for each in (runs.absolute(), *runs.absolute().parents) if not each.exists()]
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=".doctor-", dir=runs))
    folder.chmod(0o755)
    return made, folder


def _remove(folder: Path, made: list[Path]) -> None:
    discard(folder)
    for each in made:
        each.rmdir()


def _launch(settings: Executors, folder: Path) -> Launch:
    """A script in a workspace below `folder`, laid out as those of a run."""
    data, workspace = folder / "data", folder / "work" / "workspace"
    for each in (data, workspace):
        each.mkdir(parents=True)
        each.chmod(0o755)
    (data / "train.csv").write_text("x\n1\n")
    (data / "train.csv").chmod(0o644)
    script = workspace / "solution.py"
    script.write_text(_SCRIPT)
    return Launch(
        script=script,
        arguments=("--data", str(DATA), "--out", "out"),
        workspace=workspace,
        collected=workspace.with_name("collected"),
        read_only={data: DATA},
        limits=Limits(wall=60.0, memory=settings.memory),
        artefacts=("answer.csv",),
        python=python_of(settings),
    )


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
