"""Random programs with crashes at random points: the guarantees of the log hold at each of them."""

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gome.bus.actors.replay import replay
from gome.bus.actors.supervisor import Supervisor
from gome.bus.events import ACTIVITIES, ActivityFinished, ActivityStarted
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import SqliteLog, open_log
from gome.bus.telemetry import Telemetry
from tests.bus.program import TRACES, VOCABULARY, AllDone, Keeper, Relay, World, cast, roots

MEMORY = "/dev/shm"  # syncs are free there, and these tests crash processes, not the machine
Calls = Counter[tuple[str, str, int]]


class Crash:
    """Crashes at the n-th point that is passed; from then on nothing in the process continues."""

    def __init__(self, point: int) -> None:
        self.left = point
        self.fallen = False
        self.scope = anyio.CancelScope()

    async def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.fallen = True
            self.scope.cancel()
        if self.fallen:
            await anyio.sleep_forever()
        await anyio.lowlevel.checkpoint()


class CrashingLog:
    """A log with a crash point before and after each write."""

    def __init__(self, log: SqliteLog, crash: Crash) -> None:
        self._log = log
        self._crash = crash

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    async def append(
        self, sender: str, drafts: Sequence[Draft], cause: Envelope | None = None, key: str | None = None
    ) -> list[Envelope]:
        await self._crash.tick()
        written = await self._log.append(sender, drafts, cause, key)
        await self._crash.tick()
        return written

    async def commit(self, actor: str, handled: Envelope, drafts: Sequence[Draft]) -> list[Envelope]:
        await self._crash.tick()
        written = await self._log.commit(actor, handled, drafts)
        await self._crash.tick()
        return written


async def live(folder: Path, seed: int, point: int, calls: Calls, run: str = "program") -> list[Relay | Keeper] | None:
    """Simulate one process: from opening the log to the end of the program, or to the crash (None)."""
    crash = Crash(point)
    world = World(crash.tick)
    world.calls = calls
    actors = cast(seed, world)
    async with open_log(folder, run, vocabulary=VOCABULARY) as log:
        with crash.scope:
            crashing = CrashingLog(log, crash)
            await crashing.append("user", roots(seed), key="roots")
            supervisor = Supervisor(crashing, Artefacts(folder), Telemetry(log), actors)  # type: ignore[arg-type]
            assert await supervisor.run(AllDone()) is not None
    return None if crash.fallen else actors


def check(folder: Path, seed: int, calls: Calls) -> None:
    """Check all guarantees of the log, read from the file."""
    with LogReader(folder, VOCABULARY) as reader:
        envelopes = list(reader.envelopes())
        cursors = reader.cursors()
        done = anyio.run(replay, reader, cast(seed, World(anyio.lowlevel.checkpoint)))
    by_id = {envelope.id: envelope for envelope in envelopes}
    assert len(by_id) == len(envelopes)
    assert [envelope.seq for envelope in envelopes] == list(range(1, len(envelopes) + 1))
    assert all(left.time <= right.time for left, right in pairwise(envelopes))
    outputs = [each for each in envelopes if each.cause is not None and each.kind not in ACTIVITIES]
    for trace in range(TRACES):
        name = f"relay-{trace}"
        tokens = [each.seq for each in envelopes if each.kind == "token" and each.trace == trace]
        answered = [by_id[each.cause].seq for each in outputs if each.sender == name and each.cause]
        # Exactly once and in order: the replay has compared the messages; this checks their order.
        assert sorted(set(answered)) == tokens
        assert answered == sorted(answered)
        # Cursor and outputs were committed together: neither is ahead of the other.
        assert cursors.get(name, 0) == max(answered, default=0)
    assert done.said == len(outputs)
    started = Counter(
        (e.sender, e.cause, e.message.ordinal) for e in envelopes if isinstance(e.message, ActivityStarted)
    )
    finished = Counter(
        (e.sender, e.cause, e.message.ordinal) for e in envelopes if isinstance(e.message, ActivityFinished)
    )
    assert set(started) == set(finished) and set(finished.values()) <= {1}
    assert set(calls) == set(finished)
    assert all(count <= started[key] for key, count in calls.items())


REPEATABLE = settings(derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS, POINTS = st.integers(0, 10_000), st.lists(st.integers(1, 80), max_size=3)


@settings(REPEATABLE, max_examples=70)
@given(seed=SEEDS, points=POINTS)
def test_a_program_that_crashes_anywhere_ends_as_if_it_had_not(seed: int, points: list[int]) -> None:
    crashed(seed, points)


@pytest.mark.chaos
@settings(REPEATABLE, max_examples=500)
@given(seed=SEEDS, points=POINTS)
def test_programs_that_crash_at_many_more_points(seed: int, points: list[int]) -> None:
    crashed(seed, points)


def crashed(seed: int, points: list[int]) -> None:
    """A program that crashes at each of these points and then lives to its end."""
    calls: Calls = Counter()
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as name:
        folder = Path(name)
        for point in points:
            anyio.run(live, folder, seed, point, calls)
        actors = anyio.run(live, folder, seed, 0, calls)
        assert actors is not None
        check(folder, seed, calls)
