"""What each node of a cluster is like: how it holds scripts, which versions it has, whether its GPUs are there.

Every node is asked by a task of its own. A run needs nodes that are alike: prompts name the packages of one.
"""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
from pydantic import BaseModel, ConfigDict

from gome.errors import GomeError, Outage, SandboxError
from gome.executors.ray.connection import Link, Node, load_ray
from gome.executors.ray.node_task import sandbox_here
from gome.executors.resources import gpus as devices
from gome.executors.resources.packages import describe
from gome.executors.sandbox.levels import SandboxLevel

__all__ = ["NodeReport", "survey", "weakest"]

_PATIENCE = 120.0
"""Seconds within which a node must answer: a cold one starts Python and looks for its packages."""


class NodeReport(BaseModel):
    """A node: `cpus` and `gpus` are what Ray gives away of it, `devices` the GPUs that its driver shows.

    `level` is the sandbox, None where no script can be held. `trouble` says what stands in the way of a run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    id: str
    cpus: float
    gpus: float
    devices: int
    level: SandboxLevel | None
    version: str
    packages: dict[str, str]
    trouble: str | None = None


def report(node_text: str, python: Path | None, unsandboxed: bool) -> str:
    """What this node says of itself, as JSON; runs as a task on it."""
    node = NodeReport.model_validate_json(node_text)
    level, trouble = None, None
    packages: dict[str, str] = {}
    try:
        packages = describe(python or Path(sys.executable)).packages
        level = sandbox_here(python, unsandboxed=unsandboxed).level
    except GomeError as error:
        trouble = str(error)
    found = {"devices": len(devices.gpus()), "level": level, "version": version("gome"), "packages": packages}
    return node.model_copy(update={**found, "trouble": trouble}).model_dump_json()


async def survey(
    link: Link, here: dict[str, str], python: Path | None = None, *, gpus: bool = False, unsandboxed: bool = False
) -> tuple[NodeReport, ...]:
    """Ask every living node at once. `here` are this machine's packages, which each node must have in these versions.

    `python` is the scripts' interpreter, None for the one that runs gome there; `gpus`: scripts will want them. Raises
    Outage where a node does not answer. A node that leaves the cluster meanwhile is left out.
    """
    nodes = await anyio.to_thread.run_sync(link.nodes)
    asked = [_ask(node, python, unsandboxed) for node in nodes]
    answers = [await _answer(link, node, reference) for node, reference in zip(nodes, asked, strict=True)]
    return tuple(each.model_copy(update={"trouble": _trouble(each, here, gpus)}) for each in answers if each)


def weakest(reports: tuple[NodeReport, ...]) -> SandboxLevel:
    """The least of the levels at which those nodes hold scripts. Raises SandboxError where a node is in trouble."""
    troubles = [f"node {each.host} ({each.id[:8]}): {each.trouble}" for each in reports if each.trouble]
    if troubles:
        raise SandboxError("\n".join(troubles))
    order = list(SandboxLevel)
    return max((each.level for each in reports if each.level is not None), key=order.index)


def _ask(node: Node, python: Path | None, unsandboxed: bool) -> Any:
    """A reference to what that node will answer. It takes no slot's room."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    blank = NodeReport(
        host=node.host, id=node.id, cpus=node.cpus, gpus=node.gpus, devices=0, level=None, version="", packages={}
    )
    there = NodeAffinitySchedulingStrategy(node.id, soft=False)
    task = load_ray().remote(report).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
    return task.remote(blank.model_dump_json(), python, unsandboxed)


async def _answer(link: Link, node: Node, reference: Any) -> NodeReport | None:
    """What the node says; None where the cluster has lost it since."""
    try:
        with anyio.fail_after(_PATIENCE):
            return NodeReport.model_validate_json(await reference)
    except (TimeoutError, load_ray().exceptions.RayError) as error:
        if node.id not in {each.id for each in await anyio.to_thread.run_sync(link.nodes)}:
            return None
        words = (str(error).strip().splitlines() or [f"no answer within {_PATIENCE:g} s"])[-1]
        raise Outage(
            f"node {node.host} cannot be asked: {words}. "
            "Install the same gome, with its extra ray, on every node of the cluster"
        ) from error


def _trouble(found: NodeReport, here: dict[str, str], wants_gpus: bool) -> str | None:
    """What stands in the way of a run on this node; None where nothing does."""
    if found.trouble is not None:
        return found.trouble
    if found.version != version("gome"):
        return f"it has gome {found.version}, this machine has {version('gome')}: install the same on every node"
    theirs = found.packages
    other = [
        f"{name} {theirs.get(name, 'missing')} for {here[name]}" for name in here if theirs.get(name) != here[name]
    ]
    if other:
        return f"its packages are not those of this machine ({', '.join(other)}): install the same on every node"
    if wants_gpus and found.devices < found.gpus:
        return f"it promises Ray {found.gpus:g} GPUs, and its driver shows {found.devices}: see `nvidia-smi` there"
    return None
