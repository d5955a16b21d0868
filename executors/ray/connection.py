"""Connection of this process to a Ray cluster, and the resources of its nodes.

Ray allows one cluster per process. Where the process is already connected, a link uses that connection and does not
close it.
"""

import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from gome.errors import Outage, UsageError
from gome.executors.command import SECRET_NAME
from gome.executors.launch import Slot

__all__ = ["Link", "Node", "connect", "load_ray", "slots_of"]

_QUIET = {
    # Send no usage statistics to Ray.
    "RAY_USAGE_STATS_ENABLED": "0",
    # A job without a GPU keeps its node's variables; scripts get a separate environment anyway.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


_PATIENCE = 10.0
"""Seconds within which the cluster's head node must accept a connection."""


class HasRoom(Protocol):
    """A machine of the cluster: its name, and the cores and GPUs that Ray may assign on it."""

    @property
    def host(self) -> str: ...
    @property
    def cpus(self) -> float: ...
    @property
    def gpus(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Node:
    """A living machine of the cluster: its id, its name, and the cores and GPUs that Ray may assign on it."""

    id: str
    host: str
    cpus: float
    gpus: float


@dataclass(frozen=True, slots=True)
class Link:
    """A connection to a cluster. `ours`: it was created for this link, and `close` ends it."""

    address: str
    ours: bool

    def nodes(self) -> tuple[Node, ...]:
        """The living nodes that have cores to assign, sorted by name."""
        found = [_node(each) for each in load_ray().nodes() if each["Alive"]]
        return tuple(sorted((each for each in found if each.cpus), key=lambda each: (each.host, each.id)))

    def close(self) -> None:
        """Disconnect, where this link created the connection."""
        if self.ours:
            load_ray().shutdown()


def load_ray() -> Any:
    """Import and return the ray package. Raises UsageError where it is not installed."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise UsageError("executors.kind: ray needs Ray, which is not installed: pip install -e '.[ray]'") from error
    return ray


def connect(address: str) -> Link:
    """Join the cluster at that address; `local` starts one on this machine alone. Blocks for seconds.

    Must be called on the process's main thread, before the event loop has work: the processes that Ray starts here end
    with the thread that started them, and threads of a pool are short-lived.
    Raises UsageError where Ray is not installed and Outage where the cluster cannot be reached.
    """
    ray = load_ray()
    if ray.is_initialized():
        return Link(address, ours=False)
    _hush()
    own = {"include_dashboard": False} if address == "local" else {}
    try:
        _knock(address)
        with _without_secrets():
            ray.init(address=address, log_to_driver=False, configure_logging=False, **own)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise Outage(
            f"no Ray cluster at executors.address: {address} ({reason}). Start one with `ray start --head`, join the "
            "other machines to it, run gome on one of them, and set executors.address to its address, or to `auto` for "
            "the cluster that this machine belongs to"
        ) from error
    return Link(address, ours=True)


def _knock(address: str) -> None:
    """Check that HOST:PORT accepts connections, because Ray itself waits for minutes. Raises OSError, ValueError."""
    host, _, port = address.rpartition(":")
    if host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()


@contextmanager
def _without_secrets() -> Iterator[None]:
    """Hide variables that look like keys from the processes that Ray starts here, which keep their environment."""
    names = [name for name in os.environ if SECRET_NAME.search(name) and not name.startswith("RAY_")]
    hidden = {name: os.environ[name] for name in names}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def _hush() -> None:
    """Keep Ray from printing: its notices (a lost node, say) would corrupt the live view or a JSON document.

    The run's log records lost nodes anyway. Ray's public setting covers only its loggers; its printed notices can only
    be turned off by the internal switch that its debugger uses.
    """
    from ray._private import worker

    logging.getLogger("ray").setLevel(logging.ERROR)
    worker._worker_logs_enabled = False


def slots_of(
    nodes: Sequence[HasRoom], count: int | None, threads: int | None, gpus_per_slot: float
) -> tuple[Slot, ...]:
    """Slots of a cluster with `threads` cores each: `count`, by default as many as fit on the nodes.

    A slot is not bound to a node: Ray chooses the node of each script. Raises UsageError where no node has room for a
    single slot.
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
    """The resources of a slot as text: `2 cores and 1 GPU`."""
    cores = f"{threads} core{'s' if threads > 1 else ''}"
    return f"{cores} and {gpus:g} GPU" if gpus else cores


def described(nodes: Sequence[HasRoom]) -> str:
    """The resources of the nodes as text."""
    named = [f"{each.host} with {each.cpus:g} cores and {each.gpus:g} GPUs" for each in nodes]
    return ", ".join(named) or "no living node"


def _room(node: HasRoom, threads: int, gpus: float) -> int:
    """Number of slots that fit on a node."""
    by_cores = int(node.cpus // threads)
    return min(by_cores, int(node.gpus / gpus + 1e-9)) if gpus else by_cores


def _node(found: Mapping[str, Any]) -> Node:
    has = found["Resources"]
    return Node(found["NodeID"], found["NodeManagerHostname"], has.get("CPU", 0.0), has.get("GPU", 0.0))
