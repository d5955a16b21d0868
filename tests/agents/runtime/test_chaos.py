"""A run that is killed again and again ends as if nothing had happened, and pays for nothing twice."""

import random
import shutil
import time
from collections import Counter
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.replay import replay_run
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.store.reader import LogReader
from gome.errors import LogDamaged, RunNotFound
from gome.executors.launch import Cause
from tests.agents.helpers.life import begin_life, complaint_of
from tests.agents.helpers.runs import Run, read_run

pytestmark = pytest.mark.xdist_group("lockstep")  # they share one run

ROOT = Path(__file__).parents[3]


def live(folder: Path, scenario: Path, until: int | None) -> bool:
    """One life of the run, killed when its log has so many messages unless it ends before; whether it did."""
    life = begin_life(folder, scenario)
    while until is not None and life.is_alive():
        if messages(folder) >= until:
            life.kill()
            life.join()
            return False
        time.sleep(0.02)
    life.join()
    assert life.exitcode == 0, complaint_of(folder)
    return True


def messages(folder: Path) -> int:
    """How many messages the log has; 0 where there is none yet."""
    try:
        with LogReader(folder, VOCABULARY) as reader:
            last = reader.last()
            return last.seq if last else 0
    except (RunNotFound, LogDamaged):  # none yet, or not whole yet
        return 0


def survive(folder: Path, scenario: Path, instants: list[int]) -> list[int]:
    """Live and be killed when the log has so many messages, then live to the end. The log's length at each kill."""
    lengths: list[int] = []
    for until in instants:
        if live(folder, scenario, until):
            break
        lengths.append(messages(folder))
        if not lengths[-1]:
            shutil.rmtree(folder, ignore_errors=True)  # killed before its first message: nothing to resume
    live(folder, scenario, None)
    return lengths


def check_same(folder: Path, uninterrupted: Run, kills: list[int]) -> Run:
    with LogReader(folder, VOCABULARY) as reader:
        finished = [each.message for each in reader.envelopes(kinds=["run_finished"])]
    assert len(finished) == 1
    assert isinstance(finished[0], RunFinished)
    run = read_run(folder, finished[0])
    assert run.path == uninterrupted.path
    assert run.end == uninterrupted.end
    ends = Counter(
        (envelope.cause, envelope.sender, message.ordinal) for envelope, message in run.all(ActivityFinished)
    )
    assert set(ends.values()) == {1}
    assert len(ends) == len(uninterrupted.all(ActivityFinished))
    made = Counter(
        finished.request_hash for _, finished, ran in run.scripts if ran.cause is Cause.OK and not ran.reused
    )
    assert set(made.values()) == {1}, "no run of a split that had ended is made again"
    again = sum(message.attempt > 1 for _, message in run.all(ActivityStarted))
    assert again <= len(kills) * 2 * 3  # at most what was in flight: three splits in each of two traces
    assert anyio.run(replay_run, folder).activities == len(ends)
    return run


def instants_of(uninterrupted: Run, count: int, seed: int) -> list[int]:
    """Lengths of the log at which to kill, in rising order; two of them fall between the splits of a trial."""
    within = [
        envelope.seq
        for envelope, finished in uninterrupted.all(ActivityFinished)
        if finished.activity == "script" and envelope.step and finished.ordinal < 2
    ]
    rng = random.Random(seed)
    free = [rng.randrange(3, len(uninterrupted.envelopes)) for _ in range(count - 2)]
    return sorted([*free, *rng.sample(within, 2)])


def test_killed_three_times_it_ends_the_same(lockstep_run: Run, small_scenario: Path, tmp_path: Path) -> None:
    kills = survive(tmp_path / "run", small_scenario, instants_of(lockstep_run, 3, seed=1))
    assert len(kills) >= 2, "the kills fell on too few instants to mean anything"
    check_same(tmp_path / "run", lockstep_run, kills)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 7))
def test_killed_fifty_times_in_five_runs(lockstep_run: Run, small_scenario: Path, tmp_path: Path, seed: int) -> None:
    kills = survive(tmp_path / "run", small_scenario, instants_of(lockstep_run, 10, seed))
    assert len(kills) >= 7
    check_same(tmp_path / "run", lockstep_run, kills)
