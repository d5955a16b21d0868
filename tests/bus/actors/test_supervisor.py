"""The supervisor: applying turns, redelivery, retries, dead letters, stopping."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio
import pytest

from gome.bus.actors.actor import Actor, Context
from gome.bus.actors.supervisor import Supervisor
from gome.bus.events import DeadLetter
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import SqliteLog, open_log
from gome.bus.telemetry import Telemetry
from gome.errors import ActivityChanged, LogError, Outage
from tests.bus.town import VOCABULARY, Answered, Answerer, Ended, Reply, Request, ask


def answered(number: int) -> Callable[[Envelope], bool]:
    return lambda envelope: isinstance(envelope.message, Answered) and envelope.message.number == number


def never(envelope: Envelope) -> bool:
    return False


def with_run(folder: Path, work: Callable[[SqliteLog, Callable[..., Supervisor]], Awaitable[None]]) -> None:
    """Run `work` on a log, with a function that creates a supervisor for the given actors."""

    async def main() -> None:
        async with open_log(folder, "r1", vocabulary=VOCABULARY) as log:

            def supervise(*actors: Actor, **settings: object) -> Supervisor:
                settings = {"backoff": 0.001, **settings}
                return Supervisor(log, Artefacts(folder), Telemetry(log), actors, **settings)  # type: ignore[arg-type]

            await work(log, supervise)

    anyio.run(main)


class Hanging:
    """A call that does not end; `begun` is set once it is under way."""

    def __init__(self) -> None:
        self.begun = anyio.Event()

    async def __call__(self, number: int) -> int:
        self.begun.set()
        await anyio.sleep_forever()
        raise AssertionError


class Sorrow(Answerer):
    """Fails a given number of times on every message, outside or inside a task group."""

    def __init__(self, failures: int, error: Exception) -> None:
        super().__init__("a-0")
        self.failures = failures
        self.error = error

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        if self.failures:
            self.failures -= 1
            raise self.error
        return await super().handle(envelope, context)


def test_a_run_ends_at_the_message_that_is_waited_for(tmp_path: Path) -> None:
    async def work(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        await log.append("user", [ask(1, 0), ask(2, 0), ask(3, 1)])
        actor = Answerer("a-0", 0)
        last = await supervise(actor).run(answered(3))
        assert last is not None and last.sender == "a-0" and last.trace == 0
        assert actor.sum == 3 and len(actor.folded) == 4
        again = Answerer("a-0", 0)
        assert await supervise(again).run(answered(3)) == last  # it is in the log already

    with_run(tmp_path, work)


def test_a_restored_actor_has_the_state_of_the_one_that_lived(tmp_path: Path) -> None:
    lived = Answerer("a-0")

    async def first(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        await log.append("user", [ask(number) for number in range(1, 6)])
        await supervise(lived).run(answered(15))
        await log.append("user", [ask(10)])  # left for the next process

    async def second(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        restored = Answerer("a-0")
        supervisor = supervise(restored)
        supervisor.stop()
        assert await supervisor.run(never) is None
        assert restored.folded == lived.folded and restored.sum == 15
        assert await supervise(Answerer("a-0")).run(answered(25)) is not None

    with_run(tmp_path, first)
    with_run(tmp_path, second)


class Countdown(Actor):
    """Sends itself numbers that count down to zero; counts how often each was applied."""

    handles = frozenset({"asked"})

    def __init__(self) -> None:
        super().__init__("countdown")
        self.folded: list[str] = []

    def apply(self, envelope: Envelope) -> None:
        self.folded.append(envelope.id)

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        number = envelope.message.number  # type: ignore[attr-defined]
        return [ask(number - 1)] if number else [Draft(Ended())]


def test_what_an_actor_says_to_itself_is_handled_and_applied_once(tmp_path: Path) -> None:
    async def work(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        await log.append("user", [ask(4), ask(2)])
        lived, restored = Countdown(), Countdown()
        ends: list[str] = []

        def both(envelope: Envelope) -> bool:
            ends.extend([envelope.id] if envelope.kind == "ended" else [])
            return len(ends) == 2

        await supervise(lived).run(both)
        assert len(lived.folded) == len(set(lived.folded)) == log.head == 10
        supervisor = supervise(restored)
        supervisor.stop()
        await supervisor.run(never)
        assert restored.folded == lived.folded

    with_run(tmp_path, work)


@pytest.mark.parametrize("error", [ValueError("no"), ExceptionGroup("tasks", [ValueError("no")])])
def test_a_failing_handler_is_tried_again(tmp_path: Path, error: Exception) -> None:
    async def work(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        await log.append("user", [ask(1)])
        actor = Sorrow(2, error)
        assert await supervise(actor).run(answered(1)) is not None
        assert actor.sum == 1 and log.head == 2  # applied once, and there is no dead letter

    with_run(tmp_path, work)


def test_a_message_that_keeps_failing_is_buried_with_an_epitaph(tmp_path: Path) -> None:
    def conclude_dead_letter(actor: Actor, envelope: Envelope, letter: DeadLetter) -> Sequence[Draft]:
        assert letter.message == envelope.id and actor.name == "a-0"
        return [Draft(Answered(number=-1), envelope.trace, envelope.step)]

    async def work(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        await log.append("user", [ask(1, 4, 2), ask(2, 4, 3)])
        actor = Sorrow(3, ValueError("no"))
        assert await supervise(actor, conclude_dead_letter=conclude_dead_letter).run(answered(3)) is not None
        letter, said, after = (await log.read(0, log.head))[2:]
        assert isinstance(letter.message, DeadLetter) and said.message == Answered(number=-1)
        assert (letter.sender, letter.trace, letter.step, said.trace, said.step) == ("a-0", 4, 2, 4, 2)
        assert letter.message.error == "ValueError: no" and letter.message.attempts == 3
        assert "in handle" in letter.message.traceback
        assert after.message == Answered(number=3)

    with_run(tmp_path, work)


@pytest.mark.parametrize(
    "error", [Outage("endpoint gone"), ExceptionGroup("tasks", [KeyError(), Outage("endpoint gone")])]
)
def test_an_outage_stops_the_run_and_the_message_waits(tmp_path: Path, error: Exception) -> None:
    async def first(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        await log.append("user", [ask(1)])
        with pytest.raises(Outage, match="endpoint gone"):
            await supervise(Sorrow(1, error)).run(never)
        assert log.head == 1

    async def second(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        assert await supervise(Sorrow(0, error)).run(answered(1)) is not None

    with_run(tmp_path, first)
    with_run(tmp_path, second)


def test_a_changed_question_stops_the_run_and_may_be_accepted(tmp_path: Path) -> None:
    class Asking(Answerer):
        def __init__(self, text: str) -> None:
            super().__init__("a-0")
            self.text = text

        async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
            async def call() -> Reply:
                return Reply(value=len(self.text))

            reply = await context.perform("ask", Request(number=1, text=self.text), Reply, call)
            if self.text == "old":
                raise Outage("after the answer, before the commit")
            return [Draft(Answered(number=reply.value))]

    async def first(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        await log.append("user", [ask(1)])
        with pytest.raises(Outage):
            await supervise(Asking("old")).run(never)

    async def second(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        with pytest.raises(ActivityChanged, match='text: "old", now "newer"'):
            await supervise(Asking("newer")).run(never)
        assert await supervise(Asking("newer"), accept_changes=True).run(answered(5)) is not None

    with_run(tmp_path, first)
    with_run(tmp_path, second)


def test_stopping_lets_the_handler_in_progress_end_and_delivers_nothing_more(tmp_path: Path) -> None:
    async def work(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        begun, go_on = anyio.Event(), anyio.Event()

        async def call(number: int) -> int:
            begun.set()
            await go_on.wait()
            return 0

        await log.append("user", [ask(1), ask(2)])
        supervisor = supervise(Answerer("a-0", call=call))
        ended: list[Envelope | None] = []

        async def run() -> None:
            ended.append(await supervisor.run(never))

        async with anyio.create_task_group() as group:
            group.start_soon(run)
            await begun.wait()
            supervisor.stop(grace=60)
            go_on.set()
        assert ended == [None]
        assert [each.kind for each in await log.read(2, log.head)] == [
            "activity_started",
            "activity_finished",
            "answered",
        ]
        assert log.cursors == {"a-0": 1}

    with_run(tmp_path, work)


def test_a_stop_takes_in_a_call_in_flight_and_begins_no_further_one(tmp_path: Path) -> None:
    """Calls that are waited for: one in flight comes to its end, and the next one of the same handler is not made."""
    made: list[int] = []

    class Twice(Answerer):
        async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
            for number in (1, 2):

                async def call(number: int = number) -> Reply:
                    made.append(number)
                    begun.set()
                    await go_on.wait()
                    return Reply(value=number)

                await context.perform("ask", Request(number=number), Reply, call)
            return [Draft(Answered(number=2))]

    begun, go_on = anyio.Event(), anyio.Event()

    async def first(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        await log.append("user", [ask(1)])
        supervisor = supervise(Twice("a-0"), grace=0.0, patience={"ask": 60.0})
        async with anyio.create_task_group() as group:
            group.start_soon(supervisor.run, never)
            await begun.wait()
            assert supervisor.in_flight("ask") == 1
            supervisor.stop()
            go_on.set()
        assert made == [1]
        assert [each.kind for each in await log.read(1, log.head)] == ["activity_started", "activity_finished"]

    async def second(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        assert await supervise(Twice("a-0")).run(answered(2)) is not None
        assert made == [1, 2], "what was taken in is not asked again"

    with_run(tmp_path, first)
    with_run(tmp_path, second)


def test_a_second_stop_waits_for_no_call(tmp_path: Path) -> None:
    async def work(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        hang = Hanging()

        await log.append("user", [ask(1)])
        supervisor = supervise(Answerer("a-0", call=hang), patience={"ask": 3600.0})
        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                group.start_soon(supervisor.run, never)
                await hang.begun.wait()
                supervisor.stop()
                supervisor.stop()
        with LogReader(tmp_path, VOCABULARY) as reader:
            assert len(reader.in_flight()) == 1

    with_run(tmp_path, work)


def test_stopping_without_grace_cancels_and_the_activity_is_asked_again(tmp_path: Path) -> None:
    async def work(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        hang = Hanging()

        async def reply(number: int) -> int:
            return 0

        await log.append("user", [ask(1)])
        supervisor = supervise(Answerer("a-0", call=hang))
        async with anyio.create_task_group() as group:
            group.start_soon(supervisor.run, never)
            await hang.begun.wait()
            supervisor.stop(grace=60)
            supervisor.stop(grace=0)
        with LogReader(tmp_path, VOCABULARY) as reader:
            assert [each.message.attempt for each in reader.in_flight()] == [1]  # type: ignore[attr-defined]
        assert await supervise(Answerer("a-0", call=reply)).run(answered(1)) is not None
        attempts = [each.message.attempt for each in await log.read(1, log.head - 1)]  # type: ignore[attr-defined]
        assert attempts == [1, 2, 2]

    with_run(tmp_path, work)


def test_an_actor_that_cannot_fold_stops_the_run_with_the_message_named(tmp_path: Path) -> None:
    class Unfolding(Answerer):
        def apply(self, envelope: Envelope) -> None:
            raise KeyError("lost")

    async def work(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        (asked,) = await log.append("user", [ask(1)])
        with pytest.raises(LogError, match=f"a-0 cannot apply message {asked.id}.*KeyError"):
            await supervise(Unfolding("a-0")).run(never)

    with_run(tmp_path, work)


def test_telemetry_says_what_an_actor_does(tmp_path: Path) -> None:
    async def call(number: int) -> int:
        return 0

    async def work(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        await log.append("user", [ask(1, 2, 3)])
        await supervise(Answerer("a-0", call=call)).run(answered(1))

    with_run(tmp_path, work)
    with LogReader(tmp_path, VOCABULARY) as reader:
        told = list(reader.telemetry())
        assert [each.event for each in told] == ["handle.begin", "activity.begin", "activity.end", "handle.end"]
        assert (told[0].detail["kind"], told[0].detail["trace"], told[0].detail["step"]) == ("asked", 2, 3)
        assert (told[1].detail["kind"], told[1].detail["label"]) == ("ask", "world")
        assert reader.doing() == {"a-0": told[-1]}
        assert list(reader.telemetry(after=told[-2].seq)) == [told[-1]]


def test_two_actors_of_one_name_are_refused(tmp_path: Path) -> None:
    async def work(log: SqliteLog, supervise: Callable[..., Supervisor]) -> None:
        with pytest.raises(ValueError, match="one name"):
            supervise(Answerer("a-0"), Answerer("a-0"))

    with_run(tmp_path, work)
