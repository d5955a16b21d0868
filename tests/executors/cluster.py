"""A Ray cluster of this machine: a head that runs no scripts, and nodes that can be added and killed."""

import os
import signal
from types import TracebackType

from ray.cluster_utils import Cluster

from executors.cluster.link import Link, connect

STORE = 100 << 20
"""Bytes of each node's object store; the least that Ray takes is 75 MiB."""


class LocalCluster:
    """Real processes of Ray's; each node has four cores and one GPU in its books, whatever the machine has."""

    def __init__(self, nodes: int) -> None:
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False},
        )
        self._nodes = [self.add() for _ in range(nodes)]

    def __enter__(self) -> "LocalCluster":
        self.link: Link = connect(self._cluster.address)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.link.close()
        self._cluster.shutdown()

    def add(self) -> str:
        """Add a node; its id."""
        node = self._cluster.add_node(num_cpus=4, num_gpus=1, object_store_memory=STORE)
        return str(node.node_id)

    def kill(self, node_id: str) -> None:
        """Kill a node as a power cut would: the process that speaks for it, by SIGKILL."""
        node = next(each for each in self._cluster.list_all_nodes() if each.node_id == node_id)
        os.kill(node.all_processes["raylet"][0].process.pid, signal.SIGKILL)
        self._cluster.worker_nodes.discard(node)
