"""A real cluster on this machine, shared by the tests that need one: two nodes, each with a GPU that is none."""

from collections.abc import Iterator

import pytest

from tests.executors.cluster import LocalCluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(nodes=2) as made:
        yield made
