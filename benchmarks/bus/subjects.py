"""Subjects of the bus benchmark: our bus, AutoGen's in-memory runtime and the bare disk, each driven the same way.

The latency of a 2 KB message is the time from its publication until every subscriber has it; "in flight" is the number
of publishers, each of which waits for that before it publishes again. Logs are in the current directory, so that they
are on the disk of the runs.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import anyio

from gome.bus.actors.actor import Actor, Context
from gome.bus.actors.supervisor import Supervisor
from gome.bus.events import LIFECYCLE
from gome.bus.log import Mailbox
from gome.bus.message import Draft, Envelope, Message, Subscription, Vocabulary
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.sqlite import SqliteLog, open_log
from gome.bus.telemetry import Telemetry

__all__ = [
    "VOCABULARY",
    "Figures",
    "Parcel",
    "Receipt",
    "autogen",
    "disk",
    "fresh_log",
    "gome",
    "gome_fresh",
    "gome_turns",
]

ALONE, TOGETHER = 600, 6_400
TEXT = "x" * 2_000


class Parcel(Message):
    """A message of 2 KB."""

    kind: Literal["parcel"] = "parcel"
    number: int
    text: str = TEXT


class Receipt(Message):
    """An actor's reply to a parcel, also 2 KB."""

    kind: Literal["receipt"] = "receipt"
    number: int
    text: str = TEXT


VOCABULARY = Vocabulary.of((*LIFECYCLE, Parcel, Receipt))
PARCELS = Subscription(frozenset({"parcel"}))
Publish = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Figures:
    """One row in one round: messages per second, latencies in milliseconds, CPU time per message in microseconds."""

    rate: float
    p50: float
    p99: float
    cpu: float


class Arrivals:
    """Wakes a publisher when its message has reached every subscriber."""

    def __init__(self, subscribers: int) -> None:
        self._subscribers = subscribers
        self._left: dict[int, int] = {}
        self._waiting: dict[int, asyncio.Future[None]] = {}

    def expect(self, number: int) -> "asyncio.Future[None]":
        """A future that is done when the message has arrived everywhere."""
        self._left[number] = self._subscribers
        self._waiting[number] = asyncio.get_running_loop().create_future()
        return self._waiting[number]

    def arrived(self, number: int) -> None:
        """Record that one more subscriber has the message."""
        self._left[number] -= 1
        if not self._left[number]:
            del self._left[number]
            self._waiting.pop(number).set_result(None)


async def drive(publish: Publish, arrivals: Arrivals, count: int, in_flight: int) -> Figures:
    """Publish `count` messages from `in_flight` concurrent publishers, and measure."""
    latencies: list[float] = []
    numbers = iter(range(count))

    async def publisher() -> None:
        for number in numbers:
            begun = time.perf_counter()
            arrived = arrivals.expect(number)
            await publish(number)
            await arrived
            latencies.append(time.perf_counter() - begun)

    begun, cpu = time.perf_counter(), time.process_time()
    async with anyio.create_task_group() as group:
        for _ in range(in_flight):
            group.start_soon(publisher)
    return figures(latencies, time.perf_counter() - begun, time.process_time() - cpu)


def figures(latencies: Sequence[float], wall: float, cpu: float) -> Figures:
    """Compute the figures from latencies, wall-clock time and CPU time, all in seconds."""
    ordered = sorted(latencies)
    count = len(ordered)
    return Figures(count / wall, 1e3 * ordered[count // 2], 1e3 * ordered[count * 99 // 100], 1e6 * cpu / count)


async def gome(log: SqliteLog, in_flight: int, subscribers: int) -> Figures:
    """Append to the log, and read from one mailbox per subscriber."""
    arrivals = Arrivals(subscribers)

    async def receive(mailbox: Mailbox) -> None:
        while (envelope := await mailbox.next()) is not None:
            assert isinstance(envelope.message, Parcel)
            arrivals.arrived(envelope.message.number)

    async def publish(number: int) -> None:
        await log.append("user", [Draft(Parcel(number=number))])

    mailboxes = [log.subscribe(PARCELS, after=log.head) for _ in range(subscribers)]
    async with anyio.create_task_group() as group:
        for mailbox in mailboxes:
            group.start_soon(receive, mailbox)
        result = await drive(publish, arrivals, ALONE if in_flight == 1 else TOGETHER, in_flight)
        for mailbox in mailboxes:
            mailbox.close()
    return result


@asynccontextmanager
async def fresh_log() -> AsyncIterator[SqliteLog]:
    """A new log for one measurement, removed afterwards."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        async with open_log(Path(folder), "bench", vocabulary=VOCABULARY) as log:
            yield log


async def gome_fresh(in_flight: int, subscribers: int) -> Figures:
    """Our bus with a new log."""
    async with fresh_log() as log:
        return await gome(log, in_flight, subscribers)


class Clerk(Actor):
    """Answers each parcel with the next one, and the last with a receipt: one commit per message."""

    handles = frozenset({"parcel"})

    def __init__(self, count: int) -> None:
        super().__init__("clerk")
        self.count = count
        self.ends: list[float] = []

    def apply(self, envelope: Envelope) -> None:
        """Record when the message was sent."""
        self.ends.append(time.perf_counter())

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Send the next parcel, or the receipt."""
        assert isinstance(envelope.message, Parcel)
        number = envelope.message.number + 1
        return [Draft(Parcel(number=number) if number < self.count else Receipt(number=number))]


async def gome_turns() -> Figures:
    """Our bus with a supervised actor: each turn handles a message and commits its answer with the cursor."""
    async with fresh_log() as log:
        clerk = Clerk(ALONE)
        await log.append("user", [Draft(Parcel(number=0))])
        supervisor = Supervisor(log, Artefacts(log.folder), Telemetry(log), [clerk])
        begun, cpu = time.perf_counter(), time.process_time()
        await supervisor.run(lambda envelope: envelope.kind == "receipt")
        wall, used = time.perf_counter() - begun, time.process_time() - cpu
        latencies = [after - before for before, after in zip(clerk.ends, clerk.ends[1:], strict=False)]
        return figures(latencies, wall, used)


async def autogen(in_flight: int, subscribers: int) -> Figures:
    """AutoGen's in-memory runtime, which writes nothing to disk."""
    from autogen_core import (
        ClosureAgent,
        ClosureContext,
        MessageContext,
        SingleThreadedAgentRuntime,
        TopicId,
        TypeSubscription,
    )
    from autogen_core import (
        Subscription as Routing,
    )

    arrivals = Arrivals(subscribers)

    async def receive(_: ClosureContext, message: Parcel, __: MessageContext) -> None:
        arrivals.arrived(message.number)

    def to_parcels(name: str) -> list[Routing]:
        return [TypeSubscription(topic_type="parcels", agent_type=name)]

    runtime = SingleThreadedAgentRuntime()
    for place in range(subscribers):
        name = f"subscriber-{place}"
        await ClosureAgent.register_closure(runtime, name, receive, subscriptions=partial(to_parcels, name))
    runtime.start()
    topic = TopicId("parcels", "bench")
    count = ALONE if in_flight == 1 else TOGETHER
    result = await drive(
        lambda number: runtime.publish_message(Parcel(number=number), topic), arrivals, count, in_flight
    )
    await runtime.stop()
    return result


async def disk() -> Figures:
    """The lower bound for every durable log: write and sync 4 KiB, sequentially."""
    block, latencies = os.urandom(4096), []
    with tempfile.TemporaryFile(dir=Path.cwd(), buffering=0) as file:
        begun, cpu = time.perf_counter(), time.process_time()
        for _ in range(ALONE):
            start = time.perf_counter()
            file.write(block)
            os.fsync(file.fileno())
            latencies.append(time.perf_counter() - start)
        return figures(latencies, time.perf_counter() - begun, time.process_time() - cpu)
