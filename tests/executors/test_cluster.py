"""The executor on many machines keeps the local one's contract, on a real cluster of two nodes."""

import pytest

from executors.cluster.executor import ClusterExecutor
from executors.launch import Executor
from tests.executors.cluster import LocalCluster
from tests.executors.contract import NamespaceContract

pytestmark = pytest.mark.xdist_group("ray")


class TestOnACluster(NamespaceContract):
    """Everything that holds on this machine holds on a node."""

    @pytest.fixture(autouse=True)
    def _joined(self, cluster: LocalCluster) -> None:
        self.cluster = cluster

    def make(self) -> Executor:
        return ClusterExecutor(self.cluster.link)
