"""Survey of the cluster's nodes: their sandbox level, package versions and GPUs.

Each node is surveyed by a Ray task of its own. All nodes must have the same packages, because prompts list one set.
"""

import sys
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
from gome.version import VERSION

__all__ = ["NodeReport", "survey", "weakest"]

_PATIENCE = 120.0
"""Seconds within which a node must reply: a cold one starts Python and surveys its packages."""


class NodeReport(BaseModel):
    """A node of the cluster. `cpus` and `gpus` are what Ray may assign, `devices` the GPUs that its driver lists.

    `level` is the sandbox level, None where none works. `trouble` is the reason why the node cannot be used, if any.
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
    """Survey this node; runs on it as a Ray task. Takes and returns a NodeReport as JSON."""
    node = NodeReport.model_validate_json(node_text)
    level, trouble = None, None
    packages: dict[str, str] = {}
    try:
        packages = describe(python or Path(sys.executable)).packages
        level = sandbox_here(python, unsandboxed=unsandboxed).level
    except GomeError as error:
        trouble = str(error)
    found = {"devices": len(devices.gpus()), "level": level, "version": VERSION, "packages": packages}
    return node.model_copy(update={**found, "trouble": trouble}).model_dump_json()


async def survey(
    link: Link, here: dict[str, str], python: Path | None = None, *, gpus: bool = False, unsandboxed: bool = False
) -> tuple[NodeReport, ...]:
    """Survey all living nodes concurrently.

    `here` maps this machine's packages to versions, which each node must have too. `python` is the scripts'
    interpreter, None for the one that runs gome on the node. `gpus`: scripts need GPUs. Nodes that leave the cluster
    meanwhile are left out. Raises Outage where a node does not reply within two minutes.
    """
    nodes = await anyio.to_thread.run_sync(link.nodes)
    asked = [_ask(node, python, unsandboxed) for node in nodes]
    answers = [await _answer(link, node, reference) for node, reference in zip(nodes, asked, strict=True)]
    return tuple(each.model_copy(update={"trouble": _trouble(each, here, gpus)}) for each in answers if each)


def weakest(reports: tuple[NodeReport, ...]) -> SandboxLevel:
    """The weakest sandbox level among the nodes. Raises SandboxError where a node has a `trouble`, listing all."""
    troubles = [f"node {each.host} ({each.id[:8]}): {each.trouble}" for each in reports if each.trouble]
    if troubles:
        raise SandboxError("\n".join(troubles))
    order = list(SandboxLevel)
    return max((each.level for each in reports if each.level is not None), key=order.index)


def _ask(node: Node, python: Path | None, unsandboxed: bool) -> Any:
    """Submit the survey of a node, reserving no cores; returns a reference to its result."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    blank = NodeReport(
        host=node.host, id=node.id, cpus=node.cpus, gpus=node.gpus, devices=0, level=None, version="", packages={}
    )
    there = NodeAffinitySchedulingStrategy(node.id, soft=False)
    task = load_ray().remote(report).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
    return task.remote(blank.model_dump_json(), python, unsandboxed)


async def _answer(link: Link, node: Node, reference: Any) -> NodeReport | None:
    """The report of a node; None where the node has left the cluster since."""
    try:
        with anyio.fail_after(_PATIENCE):
            return NodeReport.model_validate_json(await reference)
    except (TimeoutError, load_ray().exceptions.RayError) as error:
        if node.id not in {each.id for each in await anyio.to_thread.run_sync(link.nodes)}:
            return None
        reason = (str(error).strip().splitlines() or [f"no reply within {_PATIENCE:g} s"])[-1]
        raise Outage(
            f"node {node.host} cannot be surveyed: {reason}. "
            "Install the same version of gome, with its extra `ray`, on every node of the cluster"
        ) from error


def _trouble(found: NodeReport, here: dict[str, str], wants_gpus: bool) -> str | None:
    """The reason why this node cannot be used; None where it can."""
    if found.trouble is not None:
        return found.trouble
    if found.version != VERSION:
        return f"it has gome {found.version}, this machine has {VERSION}: install one version on every node"
    theirs = found.packages
    other = [
        f"{name} {theirs.get(name, 'missing')} for {here[name]}" for name in here if theirs.get(name) != here[name]
    ]
    if other:
        return f"its packages differ from this machine's ({', '.join(other)}): install the same on every node"
    if wants_gpus and found.devices < found.gpus:
        return f"it offers Ray {found.gpus:g} GPUs, but its driver lists {found.devices}: run `nvidia-smi` there"
    return None
