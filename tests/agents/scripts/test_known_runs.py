"""No script is run twice on one view: whoever asks, at whatever moment, in this session or a later one."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY
from gome.agents.scripts.known_runs import KnownRuns
from gome.agents.scripts.script_run import ScriptRan, ScriptRun
from gome.bus.actors.activity import canonical, request_hash
from gome.bus.events import ActivityFinished
from gome.bus.message import Draft
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import open_log
from gome.executors.launch import Cause

REQUEST = ScriptRun(script_ref="s", view="split-0", seed=7, seconds=10.0)
OUTCOMES = {
    cause: ScriptRan(cause=cause, words=cause.value, seconds=2.0, meter={"scripts": 1.0, "script_seconds": 2.0})
    for cause in Cause
}
AGAIN = (Cause.OK, Cause.EXIT, Cause.REFUSED)


class Asked:
    """Somebody who would run the script; `runs` counts how often it was."""

    def __init__(self, *causes: Cause) -> None:
        self.outcomes = [OUTCOMES[cause] for cause in causes]
        self.runs = 0
        self.go_on = anyio.Event()

    async def run(self) -> ScriptRan:
        outcome = self.outcomes[min(self.runs, len(self.outcomes) - 1)]
        self.runs += 1
        await self.go_on.wait()
        return outcome


def at_once(
    folder: Path, asked: Asked, count: int, meanwhile: Callable[[Any], Awaitable[None]] | None = None
) -> list[ScriptRan]:
    """What so many get who ask at the same moment; `meanwhile` is given the task group of the first of them."""

    async def main() -> list[ScriptRan]:
        known = KnownRuns(Artefacts(folder))
        got: dict[int, ScriptRan] = {}

        async def get(number: int) -> None:
            got[number] = await known.get(REQUEST, asked.run)

        async with anyio.create_task_group() as others, anyio.create_task_group() as first:
            first.start_soon(get, 0)
            await anyio.wait_all_tasks_blocked()
            for number in range(1, count):
                others.start_soon(get, number)
            await anyio.wait_all_tasks_blocked()
            if meanwhile is not None:
                await meanwhile(first)
            asked.go_on.set()
        return [got[number] for number in sorted(got)]

    return anyio.run(main)


@pytest.mark.parametrize("cause", AGAIN)
def test_two_traces_that_ask_at_the_same_moment_share_one_run(tmp_path: Path, cause: Cause) -> None:
    asked = Asked(cause)
    first, second, third = at_once(tmp_path, asked, 3)
    assert asked.runs == 1
    assert first == OUTCOMES[cause]
    assert second == third == OUTCOMES[cause].model_copy(update={"reused": True, "meter": {}}), "at no cost"


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause not in AGAIN])
def test_what_may_have_been_of_the_moment_is_run_again(tmp_path: Path, cause: Cause) -> None:
    asked = Asked(cause, Cause.OK)
    first, second, third = at_once(tmp_path, asked, 3)
    assert asked.runs == 2
    assert [first.cause, second.cause, third.cause] == [cause, Cause.OK, Cause.OK]
    assert [each.reused for each in (first, second, third)].count(True) == 1


def test_where_who_runs_it_is_cancelled_another_does(tmp_path: Path) -> None:
    async def cancel(first: Any) -> None:
        first.cancel_scope.cancel()

    asked = Asked(Cause.OK)
    got = at_once(tmp_path, asked, 3, cancel)
    assert asked.runs == 2
    assert [(each.cause, each.reused) for each in got] in ([(Cause.OK, False), (Cause.OK, True)],) * 2


def test_where_it_fails_with_the_world_another_tries(tmp_path: Path) -> None:
    async def main() -> tuple[int, ScriptRan]:
        known, tries = KnownRuns(Artefacts(tmp_path)), 0

        async def run() -> ScriptRan:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise OSError("the disk is gone")
            return OUTCOMES[Cause.OK]

        with pytest.raises(OSError, match="disk"):
            await known.get(REQUEST, run)
        return tries, await known.get(REQUEST, run)

    assert anyio.run(main) == (1, OUTCOMES[Cause.OK])


def test_who_needs_it_no_more_waits_for_nobody(tmp_path: Path) -> None:
    """A trial that is decided while it waits for another's run of the same script goes on at once."""

    async def main() -> ScriptRan:
        known, asked, over = KnownRuns(Artefacts(tmp_path)), Asked(Cause.OK), anyio.Event()
        got: list[ScriptRan] = []

        async def wait() -> None:
            got.append(await known.get(REQUEST, asked.run, over))

        async with anyio.create_task_group() as running:
            running.start_soon(known.get, REQUEST, asked.run)
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
                over.set()  # the run of the other goes on, and this one is left all the same
            asked.go_on.set()
        assert asked.runs == 1
        assert (await known.get(REQUEST, asked.run, over)).reused, "what is known is told even then"
        other = REQUEST.model_copy(update={"seed": 8})
        assert (await known.get(other, asked.run, over)).cause is Cause.ABANDONED
        assert asked.runs == 1
        return got[0]

    assert anyio.run(main).cause is Cause.ABANDONED


def logged(folder: Path, *outcomes: ScriptRan) -> KnownRuns:
    """What a session knows that resumes a log with these outcomes of the request."""

    async def write() -> None:
        artefacts = Artefacts(folder)
        async with open_log(folder, run="known", vocabulary=VOCABULARY) as log:
            for number, outcome in enumerate(outcomes):
                finished = ActivityFinished(
                    activity="script",
                    label="",
                    ordinal=number,
                    attempt=1,
                    request_hash=request_hash("script", canonical(REQUEST)),
                    result_ref=await artefacts.put(outcome.model_dump_json()),
                    seconds=1.0,
                    meter={},
                )
                await log.append("runner-0", [Draft(finished)])

    anyio.run(write)
    known = KnownRuns(Artefacts(folder))
    with LogReader(folder, VOCABULARY) as reader:
        known.learn(reader)
    return known


@pytest.mark.parametrize("cause", AGAIN)
def test_a_resumed_run_learns_from_its_log(tmp_path: Path, cause: Cause) -> None:
    known = logged(tmp_path / "run", OUTCOMES[cause])

    async def main() -> ScriptRan:
        async def never() -> ScriptRan:
            raise AssertionError("it is known")

        return await known.get(REQUEST, never)

    got = anyio.run(main)
    assert (got.cause, got.reused, got.meter) == (cause, True, {})


@pytest.mark.parametrize("cause", [Cause.TIMEOUT, Cause.ABANDONED, Cause.MEMORY])
def test_two_who_ask_at_once_for_what_was_cut_short_before_share_a_new_run(tmp_path: Path, cause: Cause) -> None:
    known = logged(tmp_path / "run", OUTCOMES[cause])

    async def main() -> list[bool]:
        runs = 0
        got: list[bool] = []

        async def run() -> ScriptRan:
            nonlocal runs
            runs += 1
            await anyio.wait_all_tasks_blocked()
            return OUTCOMES[Cause.OK]

        async def get() -> None:
            got.append((await known.get(REQUEST, run)).reused)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(get)
        assert runs == 1
        return got

    assert sorted(anyio.run(main)) == [False, True, True]
