"""Replay: either identical, or the error names the first message that differs."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from gome.bus.actors.actor import Actor, Context
from gome.bus.actors.replay import Replayed, replay
from gome.bus.actors.supervisor import Supervisor
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import open_log
from gome.bus.telemetry import Telemetry
from gome.errors import ReplayDiverged
from tests.bus.town import VOCABULARY, Answered, Answerer, Reply, Request, ask


class Clerk(Answerer):
    """An actor whose behaviour can be changed between a run and its replay."""

    def __init__(self, text: str = "how many", extra: int = 0, add: int = 0, calls: int = 1, trace: int = 0) -> None:
        super().__init__("a-0")
        self.text, self.extra, self.add, self.calls, self.shift = text, extra, add, calls, trace
        self.called = 0

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        number = envelope.message.number  # type: ignore[attr-defined]
        if number == 13:
            raise ValueError("unlucky")

        async def call() -> Reply:
            self.called += 1
            return Reply(value=100)

        total = self.sum + (self.add if number == 2 else 0)
        for place in range(self.calls):
            request = Request(number=place, text=self.text if number == 2 else "same")
            total += (await context.perform("ask", request, Reply, call)).value
        extra = self.extra if number == 2 else 0
        return [Draft(Answered(number=total), self.shift if number == 2 else 0)] * (1 + extra)


def record(folder: Path, actor: Actor, numbers: Sequence[int]) -> None:
    """Run the actor on these messages until the last is answered."""

    async def main() -> None:
        async with open_log(folder, "r1", vocabulary=VOCABULARY) as log:
            written = await log.append("user", [ask(number, 0, number) for number in numbers])
            supervisor = Supervisor(log, Artefacts(folder), Telemetry(log), [actor], backoff=0.001)
            await supervisor.run(lambda each: each.kind == "answered" and each.cause == written[-1].id)

    anyio.run(main)


def again(folder: Path, actor: Actor) -> Replayed:
    with LogReader(folder, VOCABULARY) as reader:
        return anyio.run(replay, reader, [actor])


def test_a_replay_is_identical_and_calls_nothing(tmp_path: Path) -> None:
    lived, replayed = Clerk(), Clerk()
    record(tmp_path, lived, [1, 2, 13, 3])
    assert again(tmp_path, replayed) == Replayed(handled=3, said=3, activities=3, buried=1)
    assert lived.called == 3 and replayed.called == 0
    assert replayed.folded == lived.folded


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        (Clerk(add=1), "answered", "number: 103, now 104"),
        (Clerk(text="how much"), "activity_started", 'text: "how many", now "how much"'),
        (Clerk(extra=1), "asked", "now answers it with answered, which it did not"),
        (Clerk(extra=-1), "answered", "sent it, and now does not"),
        (Clerk(calls=2), "asked", "now performs ask, which it did not"),
        (Clerk(calls=0), "activity_started", "requested it, and now does not"),
        (Clerk(trace=5), "answered", "trace: 0, now 5"),
    ],
    ids=["payload", "request", "more", "less", "more asked", "less asked", "place"],
)
def test_the_first_message_that_differs_is_named(tmp_path: Path, changed: Clerk, kind: str, words: str) -> None:
    first = 2 if changed.calls == 1 else 1
    record(tmp_path, Clerk(), [1, 2, 3])
    with LogReader(tmp_path, VOCABULARY) as reader:
        by_id = {each.id: each for each in reader.envelopes()}
    named = [
        each
        for each in by_id.values()
        if each.kind == kind and first == getattr(by_id.get(each.cause or "", each).message, "number", None)
    ]
    with pytest.raises(ReplayDiverged) as caught:
        again(tmp_path, changed)
    assert words in str(caught.value)
    assert f"message {named[0].id} (seq {named[0].seq}, {kind}" in str(caught.value)


def test_a_handler_that_fails_now_is_named(tmp_path: Path) -> None:
    class Failing(Clerk):
        async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
            async with anyio.create_task_group() as group:
                group.start_soon(self._fail)
            return []

        async def _fail(self) -> None:
            raise RuntimeError("cannot")

    record(tmp_path, Clerk(), [1])
    with pytest.raises(ReplayDiverged, match=r"seq 1, asked.*now fails with"):
        again(tmp_path, Failing())


def test_a_divergence_within_a_task_group_is_found(tmp_path: Path) -> None:
    class Grouped(Clerk):
        async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
            drafts: list[Draft] = []

            async def inner() -> None:
                drafts.extend(await Clerk.handle(self, envelope, context))

            async with anyio.create_task_group() as group:
                group.start_soon(inner)
            return drafts

    record(tmp_path, Clerk(), [1, 2])
    assert again(tmp_path, Grouped()).handled == 2
    with pytest.raises(ReplayDiverged, match='text: "how many", now "other"'):
        again(tmp_path, Grouped(text="other"))
