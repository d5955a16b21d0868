"""A run whose scripts a cluster runs: the same as on one machine, to the last byte, also where a node is lost."""

from pathlib import Path

import anyio
import psutil
import pytest
from pydantic import TypeAdapter

from gome.agents.runtime.lifecycle import start_run
from gome.agents.runtime.replay import replay_run
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.scenarios.config.executors import AnyExecutors
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.scenario import Scenario
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import SCENARIOS, Run, read_run
from tests.agents.helpers.stubs import line, quick_task, small, writing
from tests.executors.ray.cluster import LocalCluster

pytestmark = pytest.mark.xdist_group("ray")

PLACE = {"slots": 2, "threads": 1, "memory": "2GiB"}
HERE = PLACE | {"standby": False}
THERE = PLACE | {"kind": "ray", "address": "local"}
"""The tests' process is connected to a cluster already, and Ray knows one a process."""


def conducted(scenario: Scenario, folder: Path, kill_a_node: bool = False) -> Run:
    """A run in `folder`; with `kill_a_node` the first node that is seen at a script is killed."""

    async def main() -> Run:
        async with anyio.create_task_group() as group:
            if kill_a_node:
                group.start_soon(kill_one)
            finished = await start_run(scenario, folder.with_suffix(".yaml"), folder, run_id=folder.name)
        assert finished is not None
        return read_run(folder, finished)

    async def kill_one() -> None:
        while True:
            await anyio.sleep(0.3)
            for worker in filter(holds_a_script, psutil.process_iter()):
                node = worker.parent()
                assert node is not None, "a worker has its node's process above it"
                node.kill()
                return

    return anyio.run(main)


def holds_a_script(process: psutil.Process) -> bool:
    """Whether this is a worker of Ray's under which a script runs."""
    try:
        below = process.children(recursive=True) if process.name().startswith("ray::") else []
        return any("solution.py" in " ".join(each.cmdline()) for each in below)
    except psutil.Error:
        return False


def check_the_same(scenario: Scenario, folder: Path, cluster: LocalCluster) -> None:
    """A run here and one on the cluster, which loses a node, end alike; the loss stands in the log."""
    places = [TypeAdapter[AnyExecutors](AnyExecutors).validate_python(place) for place in (HERE, THERE)]
    on_one, on_many = (scenario.model_copy(update={"executors": place}) for place in places)
    here = conducted(on_one, folder / "here")
    cluster.add()
    there = conducted(on_many, folder / "there", kill_a_node=True)
    assert there.path == here.path
    assert there.end == here.end
    lost = [started for _, started in there.all(ActivityStarted) if started.lost]
    assert lost and {(each.activity, each.attempt) for each in lost} == {("script", 2)}
    assert all("node" in each.lost for each in lost)
    finished = [(envelope.sender, envelope.cause, each.ordinal) for envelope, each in there.all(ActivityFinished)]
    assert len(finished) == len(set(finished)) == len(here.all(ActivityFinished))
    assert anyio.run(replay_run, there.folder).activities == len(finished)


def seen(_: int, step: int) -> str:
    """A script that runs long enough to be seen at it."""
    return line(0.5 + step / 10, "import time\ntime.sleep(1)")


@pytest.mark.timeout(900)
def test_a_run_that_loses_a_node_is_the_run_of_one_machine(cluster: LocalCluster, tmp_path: Path) -> None:
    with ModelServer(writing(seen)) as server:
        finish = {"finish": {"candidates": 1, "seeds": 1, "ship": "mean"}}
        scenario = small(quick_task(tmp_path), server, traces=1, budget={"trials": 1}, method=finish)
        check_the_same(scenario, tmp_path, cluster)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_quick_start_is_the_same_on_a_cluster(cluster: LocalCluster, tmp_path: Path) -> None:
    check_the_same(load_scenario(SCENARIOS / "lockstep.yaml", ("budget.trials=4",)), tmp_path, cluster)
