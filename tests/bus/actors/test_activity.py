"""Activities: a finished call is not repeated, and a changed request is detected."""

from pathlib import Path

import anyio
import pytest
from pydantic import BaseModel

from gome.bus.actors.activity import LiveContext, canonical, difference, recorded, request_hash
from gome.bus.actors.flight import Flight
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.message import Envelope, message_id
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.sqlite import SqliteLog, open_log
from gome.bus.telemetry import Telemetry
from gome.errors import ActivityChanged, WorkerLost
from tests.bus.town import VOCABULARY, Reply, Request, ask


async def delivery(log: SqliteLog, folder: Path, envelope: Envelope, accept_changes: bool = False) -> LiveContext:
    """The context of a delivery or redelivery, with the records of the log."""
    activities = [each for each in await log.read(0, log.head) if each.cause == envelope.id and each.sender == "a-0"]
    flight = Flight(grace=1.0, patience={})
    return LiveContext(
        "a-0", envelope, recorded(activities), log, Artefacts(folder), Telemetry(log), flight, accept_changes
    )


class World:
    def __init__(self) -> None:
        self.called = 0

    async def __call__(self) -> Reply:
        self.called += 1
        return Reply(value=self.called, meter={"usd": 0.5})


async def broken() -> Reply:
    raise ConnectionError("gone")


def test_a_finished_activity_is_answered_from_the_log(tmp_path: Path) -> None:
    async def main() -> None:
        world = World()
        async with open_log(tmp_path, "r1", vocabulary=VOCABULARY) as log:
            (asked,) = await log.append("user", [ask(1, 2, 3)])
            context = await delivery(log, tmp_path, asked)
            first = await context.perform("ask", Request(number=1), Reply, world, label="one")
            other = await context.perform("ask", Request(number=1), Reply, world)
            assert (first.value, other.value) == (1, 2)
        async with open_log(tmp_path, vocabulary=VOCABULARY) as log:
            context = await delivery(log, tmp_path, asked)
            assert await context.perform("ask", Request(number=1), Reply, world) == first
            assert await context.perform("ask", Request(number=1), Reply, world) == other
            started, finished = (await log.read(0, log.head))[1:3]
        assert world.called == 2
        assert started.id == message_id(asked.id, "a-0", "started:0:1")
        assert finished.id == message_id(asked.id, "a-0", "finished:0:1")
        assert {(each.trace, each.step, each.cause, each.sender) for each in (started, finished)} == {
            (2, 3, asked.id, "a-0")
        }
        assert isinstance(started.message, ActivityStarted) and isinstance(finished.message, ActivityFinished)
        assert finished.message.meter == {"usd": 0.5} and started.message.label == "one"
        assert Artefacts(tmp_path).read_now(started.message.request_ref).decode() == '{"number":1,"text":""}'

    anyio.run(main)


def test_an_activity_without_result_is_called_again_as_the_next_attempt(tmp_path: Path) -> None:
    async def main() -> None:
        world = World()
        async with open_log(tmp_path, "r1", vocabulary=VOCABULARY) as log:
            (asked,) = await log.append("user", [ask(1)])
            for _ in range(2):
                context = await delivery(log, tmp_path, asked)
                with pytest.raises(ConnectionError):
                    await context.perform("ask", Request(number=1), Reply, broken)
            context = await delivery(log, tmp_path, asked)
            assert (await context.perform("ask", Request(number=1), Reply, world)).value == 1
            attempts = [each.message.attempt for each in await log.read(1, log.head)]  # type: ignore[attr-defined]
            assert attempts == [1, 2, 3, 3]

    anyio.run(main)


def test_a_changed_question_is_refused_with_its_field_or_asked_again(tmp_path: Path) -> None:
    async def main() -> None:
        world = World()
        async with open_log(tmp_path, "r1", vocabulary=VOCABULARY) as log:
            (asked,) = await log.append("user", [ask(1)])
            context = await delivery(log, tmp_path, asked)
            await context.perform("ask", Request(number=1, text="old words"), Reply, world)
            context = await delivery(log, tmp_path, asked)
            with pytest.raises(ActivityChanged, match='text: "old words", now "new words"'):
                await context.perform("ask", Request(number=1, text="new words"), Reply, world)
            context = await delivery(log, tmp_path, asked)
            with pytest.raises(ActivityChanged, match="activity: ask, now tell"):
                await context.perform("tell", Request(number=1, text="old words"), Reply, world)
            context = await delivery(log, tmp_path, asked, accept_changes=True)
            assert (await context.perform("ask", Request(number=1, text="new words"), Reply, world)).value == 2
            context = await delivery(log, tmp_path, asked)
            assert (await context.perform("ask", Request(number=1, text="new words"), Reply, world)).value == 2

    anyio.run(main)


def test_ordinals_follow_the_order_of_calls_and_not_of_ends(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_log(tmp_path, "r1", vocabulary=VOCABULARY) as log:
            (asked,) = await log.append("user", [ask(1)])
            context = await delivery(log, tmp_path, asked)
            ready = [anyio.Event() for _ in range(3)]
            got: dict[int, int] = {}

            async def one(place: int) -> None:
                async def call() -> Reply:
                    if place < 2:
                        await ready[place + 1].wait()  # the last call ends first
                    ready[place].set()
                    return Reply(value=place)

                got[place] = (await context.perform("ask", Request(number=place), Reply, call)).value

            async with anyio.create_task_group() as group:
                for place in range(3):
                    group.start_soon(one, place)
            assert got == {0: 0, 1: 1, 2: 2}
            for each in await log.read(1, log.head):
                if isinstance(each.message, ActivityStarted):
                    request = Artefacts(tmp_path).read_now(each.message.request_ref).decode()
                    assert Request.model_validate_json(request).number == each.message.ordinal

    anyio.run(main)


def test_a_call_whose_worker_was_lost_is_made_again_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        world = World()

        async def lost_at_first() -> Reply:
            answer = await world()
            if world.called == 1:
                raise WorkerLost("node a1 went away")
            return answer

        async with open_log(tmp_path, "r1", vocabulary=VOCABULARY) as log:
            (asked,) = await log.append("user", [ask(1)])
            context = await delivery(log, tmp_path, asked)
            assert (await context.perform("ask", Request(number=1), Reply, lost_at_first)).value == 2
            first, again, finished = [each.message for each in await log.read(1, log.head)]
            assert isinstance(first, ActivityStarted) and isinstance(again, ActivityStarted)
            assert [(first.attempt, first.lost), (again.attempt, again.lost)] == [(1, ""), (2, "node a1 went away")]
            assert isinstance(finished, ActivityFinished) and finished.attempt == 2

    anyio.run(main)
    assert caplog.messages == ["ask of a-0 is made again, attempt 2: node a1 went away"]


def test_a_call_that_loses_every_worker_is_an_outage(tmp_path: Path) -> None:
    async def main() -> None:
        async def lost() -> Reply:
            raise WorkerLost("node a1 went away")

        async with open_log(tmp_path, "r1", vocabulary=VOCABULARY) as log:
            (asked,) = await log.append("user", [ask(1)])
            context = await delivery(log, tmp_path, asked)
            with pytest.raises(WorkerLost):
                await context.perform("ask", Request(number=1), Reply, lost)
            attempts = [each.message.attempt for each in await log.read(1, log.head)]  # type: ignore[attr-defined]
            assert attempts == [1, 2, 3, 4]

    anyio.run(main)


def test_the_hash_is_of_the_content_alone() -> None:
    class Other(BaseModel):
        text: str = ""
        number: int

    assert canonical(Request(number=1)) == canonical(Other(number=1))
    assert request_hash("ask", canonical(Request(number=1))) != request_hash("ask", canonical(Request(number=2)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]}, 'a[1].b: "x", now "y"'),
        ({"a": 1}, {"b": 1}, "a: missing"),
        ({"a": 1}, {"a": 1, "b": None}, "b: added"),
        ([1, 2], [1], ": 2 items, now 1"),
        ({"a": True}, {"a": 1}, "a: true, now 1"),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, None),
    ],
)
def test_a_difference_is_named_by_its_place(old: object, new: object, words: str | None) -> None:
    assert difference(old, new) == words


def test_a_difference_in_a_long_text_shows_where_it_parts() -> None:
    old = "word " * 100
    words = difference({"prompt": old}, {"prompt": old[:300] + "WORD" + old[304:]})
    assert words is not None and "prompt: …" in words and "WORD" in words and len(words) < 250
