"""Cost of a message: our bus with its log at synchronous=FULL, AutoGen's in-memory runtime, and the bare disk.

`python -m benchmarks.bus [ROUNDS]` prints one table. Every row is measured once per round, alternately, so that a busy
machine slows all equally; the figures are medians over the rounds. `subjects` defines what is measured.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import anyio

from benchmarks.bus.subjects import (
    VOCABULARY,
    Figures,
    Parcel,
    Receipt,
    autogen,
    disk,
    fresh_log,
    gome,
    gome_fresh,
    gome_turns,
)
from gome.bus.actors.actor import Actor, Context
from gome.bus.actors.supervisor import Supervisor
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.sqlite import SqliteLog, open_log
from gome.bus.telemetry import Telemetry

ROUNDS = 5
SMALL, LARGE = 1_000, 100_000


async def fill(log: SqliteLog, count: int) -> None:
    """Fill a log with parcels and receipts, from 64 concurrent tasks."""
    numbers = iter(range(count // 2))

    async def work() -> None:
        for number in numbers:
            (asked,) = await log.append("user", [Draft(Parcel(number=number))])
            await log.commit(f"clerk-{number % 64}", asked, [Draft(Receipt(number=number))])

    async with anyio.create_task_group() as group:
        for _ in range(64):
            group.start_soon(work)


class Listener(Actor):
    """An actor that counts the messages it applies."""

    handles = frozenset({"parcel"})
    notes = frozenset({"receipt"})

    def __init__(self) -> None:
        super().__init__("clerk-0")
        self.applied = 0

    def apply(self, envelope: Envelope) -> None:
        """Count the message."""
        self.applied += 1

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Send nothing."""
        return []


async def resume(folder: Path, actors: int) -> float:
    """Seconds to open a log and apply all of its messages to each of its actors."""
    begun = time.perf_counter()
    async with open_log(folder, vocabulary=VOCABULARY) as log:
        listeners = [Listener() for _ in range(actors)]
        for place, listener in enumerate(listeners):
            listener.name = f"clerk-{place}"
        supervisor = Supervisor(log, Artefacts(folder), Telemetry(log), listeners)
        supervisor.stop()
        await supervisor.run(lambda envelope: envelope.seq < 0)
        assert all(listener.applied > LARGE // 2 for listener in listeners)
    return time.perf_counter() - begun


async def main(rounds: int) -> None:
    """Measure every row once per round, and print the table."""
    async with AsyncExitStack() as stack:
        logs: dict[int, SqliteLog] = {}
        for size in (SMALL, LARGE):
            logs[size] = await stack.enter_async_context(fresh_log())
            await fill(logs[size], size)
        rows: dict[str, Callable[[], Awaitable[Figures]]] = {
            "disk: 4 KiB write + fsync": disk,
            "gome, 1 in flight, 1 subscriber": partial(gome_fresh, 1, 1),
            "gome, 1 in flight, 4 subscribers": partial(gome_fresh, 1, 4),
            "gome, 64 in flight, 1 subscriber": partial(gome_fresh, 64, 1),
            "gome, 64 in flight, 4 subscribers": partial(gome_fresh, 64, 4),
            "gome, an actor's turns one by one": gome_turns,
            f"gome, 1 in flight, {SMALL:,} in the log": partial(gome, logs[SMALL], 1, 1),
            f"gome, 1 in flight, {LARGE:,} in the log": partial(gome, logs[LARGE], 1, 1),
            f"gome, 64 in flight, {SMALL:,} in the log": partial(gome, logs[SMALL], 64, 1),
            f"gome, 64 in flight, {LARGE:,} in the log": partial(gome, logs[LARGE], 64, 1),
        }
        if find_spec("autogen_core") is not None:
            for in_flight, subscribers in ((1, 1), (1, 4), (64, 1), (64, 4)):
                rows[f"AutoGen in memory, {in_flight} in flight, {subscribers} subscriber(s)"] = partial(
                    autogen, in_flight, subscribers
                )
        found: dict[str, list[Figures]] = {name: [] for name in rows}
        for _ in range(rounds):
            for name, measure in rows.items():
                found[name].append(await measure())
    show(found)
    await resumes(rounds)


def show(found: dict[str, list[Figures]]) -> None:
    """Print the medians."""
    print(f"{'':46}{'messages/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}")
    for name, each in found.items():
        rate, p50, p99, cpu = (
            statistics.median(getattr(one, column) for one in each) for column in ("rate", "p50", "p99", "cpu")
        )
        print(f"{name:46}{rate:12,.0f}{p50:9.2f}{p99:9.2f}{cpu:9.0f}")
    if find_spec("autogen_core") is None:
        print("AutoGen is not installed; to measure it too, run: pip install '.[autogen]'")


async def resumes(rounds: int) -> None:
    """Measure and print the time to resume a large log."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        folder = Path(name)
        async with open_log(folder, "bench", vocabulary=VOCABULARY) as log:
            await fill(log, LARGE)
        for actors in (1, 8):
            seconds = statistics.median([await resume(folder, actors) for _ in range(rounds)])
            print(f"resume of {LARGE:,} messages, applied to {actors} actor(s): {seconds:.2f} s")


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
