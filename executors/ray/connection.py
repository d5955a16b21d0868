"""The connection of this process to a Ray cluster, and what its nodes have.

Ray's own rule: one cluster a process. A link to a cluster that this process is connected to already uses that
connection and leaves it open.
"""

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gome.errors import Outage, UsageError
from gome.executors.launch import Slot

__all__ = ["Link", "Node", "connect", "load_ray", "slots_of"]

_QUIET = {
    # Nothing is sent to Ray's makers.
    "RAY_USAGE_STATS_ENABLED": "0",
    # A job without a GPU keeps the variables of its node; scripts get an environment of their own anyhow.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


_PATIENCE = 10.0
"""Seconds within which a cluster's first machine must answer."""


class HasRoom(Protocol):
    """A machine of the cluster: its name, and the cores and GPUs that Ray may give away of it."""

    @property
    def host(self) -> str: ...
    @property
    def cpus(self) -> float: ...
    @property
    def gpus(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Node:
    """A living machine of the cluster: its id, its name, and what Ray may give away of it."""

    id: str
    host: str
    cpus: float
    gpus: float


@dataclass(frozen=True, slots=True)
class Link:
    """A connection. `ours`: it was made for this link, and `close` ends it."""

    address: str
    ours: bool

    def nodes(self) -> tuple[Node, ...]:
        """The nodes that live now and have a core to give, by name."""
        found = [_node(each) for each in load_ray().nodes() if each["Alive"]]
        return tuple(sorted((each for each in found if each.cpus), key=lambda each: (each.host, each.id)))

    def close(self) -> None:
        """Leave the cluster, where this link has joined it."""
        if self.ours:
            load_ray().shutdown()


def load_ray() -> Any:
    """The ray package. Raises UsageError where it is not installed."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise UsageError("executors.kind: ray needs Ray, which is not installed: pip install -e '.[ray]'") from error
    return ray


def connect(address: str) -> Link:
    """Join the cluster at that address; `local` begins one of this machine alone. Takes seconds.

    To be called in the process's first thread, before there is anything to wait for: what Ray starts here ends with
    the thread that started it, and those of a thread pool come and go.
    Raises UsageError where Ray is missing and Outage where the cluster does not answer.
    """
    ray = load_ray()
    if ray.is_initialized():
        return Link(address, ours=False)
    _hush()
    own = {"include_dashboard": False} if address == "local" else {}
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, configure_logging=False, **own)
    except (OSError, RuntimeError, ValueError) as error:
        words = str(error).strip().splitlines()[0]
        raise Outage(
            f"no Ray cluster at executors.address: {address} ({words}). Start one with `ray start --head` and join its "
            "other machines, run gome on one of them, and name its address, or `auto` for the one of this machine"
        ) from error
    return Link(address, ours=True)


def _knock(address: str) -> None:
    """See that somebody listens at HOST:PORT: Ray itself would wait for minutes. Raises OSError."""
    host, _, port = address.rpartition(":")
    if host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()


def _hush() -> None:
    """Keep Ray from printing: a node's end would stand in the middle of a live screen or of a JSON document.

    The log of the run says it. Ray has a setting for its loggers alone; what it prints of the nodes can only be turned
    off by the switch that its own debugger uses.
    """
    from ray._private import worker

    logging.getLogger("ray").setLevel(logging.ERROR)
    worker._worker_logs_enabled = False


def slots_of(
    nodes: Sequence[HasRoom], count: int | None, threads: int | None, gpus_per_slot: float
) -> tuple[Slot, ...]:
    """Slots of a cluster: `count` of them, by default as many as its nodes have room for, `threads` cores each.

    No slot belongs to a node: Ray finds the place for each script when it comes. Raises UsageError where no node has
    room for a single one.
    """
    each = threads or 1
    room = sum(_room(node, each, gpus_per_slot) for node in nodes)
    if not room:
        raise UsageError(
            f"no node of the cluster has room for a slot of {wanted(each, gpus_per_slot)}: it has {described(nodes)}; "
            "lower executors.threads or executors.gpus_per_slot, or add a node"
        )
    return tuple(Slot(index=index, threads=each) for index in range(count or room))


def wanted(threads: int, gpus: float) -> str:
    """What a slot takes, in words."""
    cores = f"{threads} core{'s' if threads > 1 else ''}"
    return f"{cores} and {gpus:g} GPU" if gpus else cores


def described(nodes: Sequence[HasRoom]) -> str:
    """What the nodes have, in words."""
    named = [f"{each.host} with {each.cpus:g} cores and {each.gpus:g} GPUs" for each in nodes]
    return ", ".join(named) or "no living node"


def _room(node: HasRoom, threads: int, gpus: float) -> int:
    """How many slots a node has room for."""
    by_cores = int(node.cpus // threads)
    return min(by_cores, int(node.gpus / gpus + 1e-9)) if gpus else by_cores


def _node(found: Mapping[str, Any]) -> Node:
    has = found["Resources"]
    return Node(found["NodeID"], found["NodeManagerHostname"], has.get("CPU", 0.0), has.get("GPU", 0.0))
