"""What tests of several rooms share: a folder of runs on disk, and a cluster of this machine."""

import gc
import os
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from tests.executors.ray.cluster import LocalCluster
from tests.viewer.sample import RUN, sample_run

settings.register_profile("house", deadline=None)  # no assertion on a clock
settings.load_profile("house")

_MEMORY = Path("/dev/shm")
_ROOM = 1 << 30
"""Bytes that must be free there; the tests were seen to fill a twentieth of it, since folders of what passed go."""

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


@pytest.fixture
def cluster() -> LocalCluster:
    """A real cluster: two nodes, each with a GPU that is none. Tests that use it are of the xdist group `ray`.

    One serves all of them that follow each other.
    """
    if not _CLUSTERS:
        _CLUSTERS.append(_OPEN.enter_context(LocalCluster(nodes=2)))
    return _CLUSTERS[0]


_CLUSTERS: list[LocalCluster] = []
_OPEN = ExitStack()


@pytest.hookimpl(trylast=True)  # after the fixtures of the test
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the cluster as soon as the group is through: idle, its processes take a tenth of a core or more."""
    group = None if nextitem is None else nextitem.get_closest_marker("xdist_group")
    if _CLUSTERS and (group is None or group.args != ("ray",)):
        _CLUSTERS.clear()
        _OPEN.close()


def pytest_configure(config: pytest.Config) -> None:
    """Here and in all processes of the tests: no time for compiling the same modules again, nor for waiting for a disk.

    That a disk has what was written is not tested: processes are killed, the machine is not.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
    gc.disable()  # thousands of tests are collected, and none is garbage


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported and collected stays to the end: from here on, garbage is looked for among newer objects."""
    gc.collect()
    gc.freeze()
    gc.enable()
