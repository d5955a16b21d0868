"""What tests of several rooms share: a folder of runs on disk, and a cluster of this machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.executors.ray.cluster import LocalCluster
from tests.viewer.sample import RUN, sample_run

settings.register_profile("house", deadline=None)  # no assertion on a clock
settings.load_profile("house")

UNFINISHED = "261123-0930-bike-demand-b0b0"


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, written once: a finished one, and a later one that was stopped."""
    root = tmp_path_factory.mktemp("recorded")
    sample_run().write(root / RUN)
    sample_run(run=UNFINISHED, finish=False).write(root / UNFINISHED)
    return root


@pytest.fixture
def runs(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of those runs that a test may change, and where the verbs look for runs."""
    root = tmp_path / "runs"
    shutil.copytree(recorded, root)
    monkeypatch.setenv("GOME_RUNS", str(root))
    return root


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    """A real cluster: two nodes, each with a GPU that is none. Tests that use it are of the xdist group `ray`."""
    with LocalCluster(nodes=2) as made:
        yield made
