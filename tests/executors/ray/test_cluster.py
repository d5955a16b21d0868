"""The cluster executor fulfils the same contract as the local one, on a real cluster of two nodes; nodes get lost."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import anyio
import psutil
import pytest

from gome.errors import Outage, SandboxError, UsageError, WorkerLost
from gome.executors.launch import Cause, Executor, Launch, Slot
from gome.executors.ray.connection import Link, Node, load_ray, slots_of
from gome.executors.ray.executor import ClusterExecutor
from gome.executors.ray.nodes import survey, weakest
from gome.executors.ray.packed_data import node_folder, pack
from gome.executors.resources.packages import describe
from tests.executors.contract import NamespaceContract
from tests.executors.place import Place, survivors
from tests.executors.ray.cluster import LocalCluster, worker_of

pytestmark = pytest.mark.xdist_group("ray")

_WAITS = "import os, time\nos.fork()\nprint('up', flush=True)\ntime.sleep(60)"


@pytest.mark.slow
class TestOnACluster(NamespaceContract):
    """The whole contract, on a node of the cluster.

    Slow: a node runs scripts by the local executor, which keeps the contract at every commit; what a cluster adds to it
    is in the next class.
    """

    @pytest.fixture(autouse=True)
    def _joined(self, cluster: LocalCluster) -> None:
        self.cluster = cluster

    def make(self) -> Executor:
        return ClusterExecutor(self.cluster.link)


class TestBetweenHereAndANode:
    """Of the contract, what goes to a node and comes back: data, output, limits, the end, and the node's sandbox."""

    test_data_and_artefacts = NamespaceContract.test_a_script_reads_its_data_and_its_output_is_collected
    test_status_and_words = NamespaceContract.test_a_failing_script_ends_with_its_status_and_its_words
    test_a_signal = NamespaceContract.test_a_segmentation_fault
    test_lines_as_they_come = NamespaceContract.test_each_line_is_handed_on_as_it_comes
    test_much_output = NamespaceContract.test_fifty_megabytes_of_output_are_kept_head_and_tail
    test_cores_and_threads = NamespaceContract.test_a_slot_binds_its_cores_and_threads
    test_environment = NamespaceContract.test_the_environment_is_made_from_nothing
    test_a_limit = NamespaceContract.test_one_process_over_memory
    test_a_request_to_end = NamespaceContract.test_a_script_may_save_its_work_when_it_is_asked_to_end
    test_a_cancelled_run = NamespaceContract.test_a_run_that_is_cancelled_leaves_nothing
    test_daemons = NamespaceContract.test_a_daemon_does_not_outlive_its_script
    test_files = NamespaceContract.test_no_file_but_its_own_is_there
    test_network = NamespaceContract.test_there_is_no_network
    test_processes = NamespaceContract.test_it_is_alone


@pytest.fixture
def place(cluster: LocalCluster, tmp_path: Path) -> Place:
    return Place(tmp_path, ClusterExecutor(cluster.link))


def test_artefacts_of_any_size_come_back_whole(place: Place) -> None:
    source = (
        "open('out/big', 'wb').write(bytes(range(256)) * (40 << 12))\n"
        "open('out/empty', 'w')\n"
    )  # fmt: skip
    outcome = place.script(source, artefacts=("big", "empty"))
    assert outcome.artefacts["big"].read_bytes() == bytes(range(256)) * (40 << 12)
    assert outcome.artefacts["empty"].read_bytes() == b""


def test_data_reach_a_node_once_and_nothing_of_a_job_stays_there(place: Place) -> None:
    parcel = node_folder() / "parcels" / pack(place.data, lambda chunk: None).digest
    place.script("pass")
    made = parcel.stat()
    outcome = place.script("print(open('/gome/data/train.csv').read())")
    assert outcome.stdout == "x,y\n1,2\n"
    assert parcel.stat().st_ino == made.st_ino
    deadline = time.monotonic() + 60
    while list((node_folder() / "jobs").iterdir()):  # a cancelled job of an earlier test may still be cleaning up
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (place.data / "train.csv").write_text("x,y\n3,4\n5,6\n")
    assert place.script("print(open('/gome/data/train.csv').read())").stdout == "x,y\n3,4\n5,6\n"


def test_data_on_a_shared_path_are_not_sent(cluster: LocalCluster, tmp_path: Path) -> None:
    place = Place(tmp_path, ClusterExecutor(cluster.link, shared=True))
    (place.data / "train.csv").write_text(f"only {tmp_path}")
    assert place.script("print(open('/gome/data/train.csv').read())").stdout == f"only {tmp_path}\n"
    assert not (node_folder() / "parcels" / pack(place.data, lambda chunk: None).digest).exists()


def test_a_slot_may_be_a_share_of_a_gpu(cluster: LocalCluster, tmp_path: Path) -> None:
    executor = ClusterExecutor(cluster.link, gpus_per_slot=0.5)
    places = [Place(tmp_path / str(index), executor) for index in range(5)]
    up: set[int] = set()
    most = 0

    async def main() -> None:
        async def one(index: int) -> None:
            nonlocal most

            def hear(line: str) -> None:
                nonlocal most
                up.add(index) if line == "up" else up.discard(index)
                most = max(most, len(up))

            launch = places[index].launch(
                "import time\nprint('up', flush=True)\ntime.sleep(1)\nprint('down', flush=True)\ntime.sleep(0.3)"
            )
            outcome = await executor.run(launch, Slot(index=index), hear)
            assert outcome.cause is Cause.OK

        async with anyio.create_task_group() as group:
            for index in range(5):
                group.start_soon(one, index)

    anyio.run(main)
    assert 1 < most <= 2 * len(cluster.link.nodes())


def test_a_job_that_finds_no_room_is_told_with_what_there_is(cluster: LocalCluster, tmp_path: Path) -> None:
    place = Place(tmp_path, ClusterExecutor(cluster.link, gpus_per_slot=1, patience=1.0))
    with pytest.raises(Outage, match=r"no node had room .* 64 cores and 1 GPU; the cluster has .* 4 cores and 1 GPUs"):
        place.run(place.launch("pass"), Slot(index=0, threads=64))


def test_a_sandbox_error_of_a_node_names_the_node(place: Place) -> None:
    launch = place.launch("pass").model_copy(update={"python": Path("/usr/bin/no-python")})
    with pytest.raises(SandboxError, match=r"(?s)on node .*no-python"):
        place.run(launch)
    with pytest.raises(SandboxError, match="no workspace"):
        place.run(launch.model_copy(update={"workspace": place.folder / "nowhere"}))


def test_each_node_says_what_it_is_like(cluster: LocalCluster) -> None:
    here = describe(Path(sys.executable)).packages
    found = anyio.run(survey, cluster.link, here)
    assert len(found) >= 2
    assert {(each.cpus, each.gpus, each.devices, each.trouble) for each in found} == {(4.0, 1.0, 0, None)}
    assert weakest(found) == "bubblewrap"
    other = anyio.run(survey, cluster.link, {**here, "pandas": "0.1"})
    with pytest.raises(SandboxError, match=r"its packages differ from this machine's \(pandas .* for 0\.1\)"):
        weakest(other)
    with pytest.raises(SandboxError, match="offers Ray 1 GPUs, but its driver lists 0"):
        weakest(anyio.run(lambda: survey(cluster.link, here, gpus=True)))


def test_a_node_that_leaves_while_it_is_asked_is_left_out(cluster: LocalCluster) -> None:
    here = describe(Path(sys.executable)).packages
    living = cluster.link.nodes()
    lists = iter([(*living, replace(living[0], id="e" * 56)), living])

    class Leaving(Link):
        def nodes(self) -> tuple[Node, ...]:
            return next(lists)

    found = anyio.run(survey, Leaving(cluster.link.address, ours=False), here)
    assert [each.id for each in found] == [each.id for each in living]


def test_slots_are_as_many_as_the_nodes_have_room_for(cluster: LocalCluster) -> None:
    nodes = cluster.link.nodes()[:2]
    assert len(slots_of(nodes, None, None, 0)) == 8
    assert [slot.threads for slot in slots_of(nodes, None, 3, 0)] == [3, 3]
    assert len(slots_of(nodes, None, None, 0.25)) == 8
    assert len(slots_of(nodes, None, None, 1)) == 2
    assert len(slots_of(nodes, 5, 2, 0)) == 5
    with pytest.raises(UsageError, match="room for a slot of 5 cores"):
        slots_of(nodes, None, 5, 0)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"\.\[ray\]"):
        load_ray()


def killed_while_it_runs(place: Place, victim: str) -> Launch:
    """Run a launch whose worker or node is killed with SIGKILL once its script is running."""
    launch = place.launch(_WAITS)
    victims: list[psutil.Process] = []

    def kill(line: str) -> None:
        if not victims:
            worker = worker_of(launch)
            found = worker if victim == "worker" else worker.parent()
            assert found is not None, "a worker has its node's process above it"
            victims.append(found)
            found.kill()

    with pytest.raises(WorkerLost, match="node"):
        anyio.run(place.executor.run, launch, Slot(index=0), kill)
    deadline = time.monotonic() + 10
    while survivors(launch) and time.monotonic() < deadline:
        time.sleep(0.01)
    return launch


def test_a_worker_that_is_killed_takes_its_script_along(place: Place) -> None:
    assert survivors(killed_while_it_runs(place, "worker")) == []
    assert place.script("print('again')").stdout == "again\n"


def test_a_node_that_is_killed_takes_its_script_along_and_the_others_go_on(cluster: LocalCluster, place: Place) -> None:
    cluster.add()
    assert survivors(killed_while_it_runs(place, "node")) == []
    assert place.script("print('again')").stdout == "again\n"
