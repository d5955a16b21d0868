"""A Ray cluster on this machine: a head node that runs no scripts, and nodes that can be added."""

from types import TracebackType

import psutil

from gome.executors.launch import Launch
from gome.executors.ray.connection import Link, connect
from tests.executors.place import survivors

STORE = 100 << 20
"""Bytes of each node's object store; Ray's minimum is 75 MiB."""


class LocalCluster:
    """A cluster of real Ray processes, independent of the machine's number of cores."""

    def __init__(self, nodes: int) -> None:
        from ray.cluster_utils import Cluster  # a second's import: only where a cluster is wanted

        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "object_store_memory": STORE,
                "include_dashboard": False,
                "_system_config": {"health_check_period_ms": 500, "health_check_failure_threshold": 3},
            },
        )
        for _ in range(nodes):
            self.add()

    def __enter__(self) -> "LocalCluster":
        self.link: Link = connect(self._cluster.address)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.link.close()
        self._cluster.shutdown()

    def add(self) -> None:
        """Add a node that declares four cores and one GPU."""
        self._cluster.add_node(num_cpus=4, num_gpus=1, object_store_memory=STORE)


def worker_of(launch: Launch) -> psutil.Process:
    """Id of the Ray worker that runs the script of a launch; its parent process is the node's raylet."""
    return next(each for each in survivors(launch)[0].parents() if each.name().startswith("ray::"))
