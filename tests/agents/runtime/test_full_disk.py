"""A disk that fills up in the middle of a run stops it with words; with room made, it goes on and ends whole."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import Diagnosis
from gome.agents.runtime.lifecycle import resume, start_run
from gome.agents.runtime.replay import replay_run
from gome.bus.events import ActivityFinished
from gome.errors import Outage
from gome.scenarios.config.scenario import Scenario
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import read_run
from tests.agents.helpers.stubs import knobbed, small, small_task, writing
from tests.scenarios.helpers.make_task import make_task


def wordy(trace: int, step: int) -> str:
    """A good script that is long."""
    return knobbed(trace, step) + "# so it is\n" * 15_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(small_disk: Path, tmp_path: Path) -> None:
    folder = small_disk / "run"
    with ModelServer(writing(wordy)) as server:
        scenario = small(small_task(tmp_path), server, traces=1, budget={"trials": 3})
        with pytest.raises(Outage, match=str(folder)):
            anyio.run(lambda: start_run(scenario, tmp_path / "full.yaml", folder, run_id="full"))
        assert server.calls >= 3, "it was in the middle of its run"
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
        finished = anyio.run(lambda: resume(folder))
    assert finished is not None
    run = read_run(folder, finished)
    assert len([1 for envelope, _ in run.all(Diagnosis) if envelope.step]) == 3
    ends = Counter((each.cause, each.sender, done.ordinal) for each, done in run.all(ActivityFinished))
    assert set(ends.values()) == {1}
    assert anyio.run(replay_run, folder).buried == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only folders; tests/bus has a read-only mount")
def test_a_read_only_folder_is_told_before_anything_runs(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    scenario = Scenario.model_validate(
        {
            "name": "read-only",
            "task": str(make_task(tmp_path / "task")),
            "budget": {"trials": 1},
            "backends": {"offline": {"kind": "expert"}},
            "roles": {"diagnoser": "offline", "proposer": "offline", "executor": "offline"},
        }
    )
    with pytest.raises(Outage, match=str(closed)):
        anyio.run(lambda: start_run(scenario, tmp_path / "closed.yaml", closed / "run", run_id="closed"))
