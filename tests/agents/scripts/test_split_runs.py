"""The runs of a trial: asked for at once, judged in the order of the splits, and over as soon as it is decided."""

from collections.abc import Awaitable, Callable, Sequence

import anyio
import anyio.lowlevel
import pytest

from gome.agents.method.racing import Stop
from gome.agents.scripts.script_run import Heat, ScriptRan
from gome.agents.scripts.split_runs import SplitRuns, run_splits
from gome.executors.launch import Cause, Slot
from gome.executors.resources.slots import SlotPool
from gome.scenarios.evidence import DefectNote, Evaluation

VIEWS = tuple(f"split-{number}" for number in range(5))
BAD = Evaluation(view="split-0", defects=(DefectNote(code="constant", message="every row is the same"),))


def ran(view: str, cause: Cause = Cause.OK, evaluation: Evaluation | None = None) -> ScriptRan:
    judged = evaluation or Evaluation(view=view, score=1.0)
    return ScriptRan(cause=cause, words=view, seconds=1.0, evaluation=judged if cause is Cause.OK else None)


class Track:
    """Runs that end when they are told to; what was begun, ended and abandoned, in that order."""

    def __init__(self, outcomes: dict[str, ScriptRan] | None = None) -> None:
        self.outcomes = outcomes or {}
        self.events = {view: anyio.Event() for view in VIEWS}
        self.begun: list[str] = []
        self.abandoned: list[str] = []

    async def run(self, view: str, place: int, heat: Heat) -> ScriptRan:
        assert view == VIEWS[place]
        self.begun.append(view)
        result: list[ScriptRan] = []
        async with anyio.create_task_group() as group:

            async def until(event: anyio.Event, outcome: ScriptRan) -> None:
                await event.wait()
                result.append(outcome)
                group.cancel_scope.cancel()

            group.start_soon(until, self.events[view], self.outcomes.get(view, ran(view)))
            group.start_soon(until, heat.over, ScriptRan.abandoned())
        if result[0].cause is Cause.ABANDONED:
            self.abandoned.append(view)
        return result[0]


def race(
    track: Track, ends: Sequence[str], judge: Callable[[Sequence[ScriptRan], Sequence[ScriptRan]], Stop | None]
) -> SplitRuns:
    """Run with the runs ending in that order."""

    async def main() -> SplitRuns:
        outcome: list[SplitRuns] = []

        async def all_of_it() -> None:
            outcome.append(await run_splits(VIEWS, track.run, judge))

        async with anyio.create_task_group() as group:
            group.start_soon(all_of_it)
            for view in ends:
                await anyio.wait_all_tasks_blocked()
                track.events[view].set()
        return outcome[0]

    return anyio.run(main)


@pytest.mark.parametrize("ends", [VIEWS, VIEWS[::-1], (VIEWS[3], VIEWS[0], VIEWS[4], VIEWS[2], VIEWS[1])])
def test_they_are_judged_in_the_order_of_the_splits_whichever_ends_first(ends: Sequence[str]) -> None:
    seen: list[list[str]] = []

    def judge(runs: Sequence[ScriptRan], _: Sequence[ScriptRan]) -> None:
        seen.append([each.words for each in runs])

    track = Track()
    runs = race(track, ends, judge)
    assert seen == [list(VIEWS[:count]) for count in range(1, 6)]
    assert track.begun == list(VIEWS), "all are asked for at once, in order"
    assert [each.words for each in runs.runs] == list(VIEWS)
    assert (runs.stop, runs.good, runs.seconds, track.abandoned) == (None, True, 1.0, [])


def test_a_stop_abandons_what_is_still_running_and_leaves_out_what_ended_early() -> None:
    stop = Stop("worse", "by far")
    track = Track()
    runs = race(track, [VIEWS[4], VIEWS[0], VIEWS[1]], lambda so_far, _: stop if len(so_far) == 2 else None)
    assert [each.words for each in runs.runs] == list(VIEWS[:2])
    assert (runs.stop, runs.good) == (stop, True)
    assert sorted(track.abandoned) == [VIEWS[2], VIEWS[3]]


@pytest.mark.parametrize("failed", [ran(VIEWS[1], Cause.EXIT), ran(VIEWS[1], evaluation=BAD)])
def test_the_first_failure_in_that_order_ends_the_trial_and_nobody_judges_it(failed: ScriptRan) -> None:
    late = ran(VIEWS[3], Cause.MEMORY)
    track = Track({VIEWS[1]: failed, VIEWS[3]: late})
    judged: list[int] = []
    runs = race(track, [VIEWS[3], VIEWS[1], VIEWS[0]], lambda so_far, _: judged.append(len(so_far)))
    assert judged == [1]
    assert (runs.last, runs.good, runs.stop) == (failed, False, None)
    assert sorted(track.abandoned) == [VIEWS[2], VIEWS[4]]


def test_a_rival_runs_beside_on_the_splits_that_it_lacks_and_both_are_judged() -> None:
    """The rival's failure counts for nothing: the two are compared on the other splits."""
    seen: list[tuple[list[str], list[str]]] = []
    asked: list[str] = []

    async def run(view: str, place: int, heat: Heat) -> ScriptRan:
        await heat.in_turn(place)
        asked.append(view)
        return ran(view)

    async def rival(view: str, place: int, heat: Heat) -> ScriptRan:
        await heat.in_turn(place)
        asked.append(f"rival {view}")
        return ran(f"rival {view}", Cause.EXIT if view == VIEWS[2] else Cause.OK)

    def judge(runs: Sequence[ScriptRan], others: Sequence[ScriptRan]) -> Stop | None:
        seen.append(([each.words for each in runs], [each.words for each in others]))
        return Stop("worse", "by far") if len(runs) == 4 else None

    runs = anyio.run(run_splits, VIEWS, run, judge, rival, VIEWS[2:])
    theirs = f"rival {VIEWS[3]}"
    assert asked == [*VIEWS[:2], f"rival {VIEWS[2]}", VIEWS[2], theirs, VIEWS[3], f"rival {VIEWS[4]}", VIEWS[4]]
    assert seen == [(list(VIEWS[:count]), [theirs] if count == 4 else []) for count in range(1, 5)]
    assert [each.words for each in runs.rival] == [theirs]


def test_a_failure_of_the_world_ends_all_of_it() -> None:
    async def main() -> None:
        async def run(view: str, place: int, heat: Heat) -> ScriptRan:
            if place == 2:
                raise OSError("the disk is gone")
            await anyio.sleep_forever()
            raise AssertionError(view, heat)

        await run_splits(VIEWS, run, lambda *_: None)

    with pytest.raises(ExceptionGroup) as raised:
        anyio.run(main)
    assert raised.group_contains(OSError, match="the disk is gone")


def test_they_are_asked_for_in_the_order_of_the_splits_whichever_is_recorded_first() -> None:
    """Those that the log has already are not asked for, and hold nobody up."""
    asked: list[str] = []

    async def run(view: str, place: int, heat: Heat) -> ScriptRan:
        if place != 1:
            for _ in range(10 - 2 * place):
                await anyio.lowlevel.checkpoint()
            await heat.in_turn(place)
            asked.append(view)
        return ran(view)

    anyio.run(run_splits, VIEWS, run, lambda *_: None)
    assert asked == [VIEWS[place] for place in (0, 2, 3, 4)]


class Shop:
    """Scripts that hold a real slot for as long as it takes; who holds one, at each beginning."""

    def __init__(self, slots: int) -> None:
        self.pool = SlotPool([Slot(index=index) for index in range(slots)])
        self.order: list[tuple[str, int]] = []
        self.held: list[int] = []
        self.running = 0

    def of(self, owner: str) -> Callable[[str, int, Heat], Awaitable[ScriptRan]]:
        async def run(view: str, place: int, heat: Heat) -> ScriptRan:
            assert not heat.over.is_set()
            async with self.pool.take(owner, turn=place + 1):
                self.order.append((owner, place + 1))
                self.running += 1
                self.held.append(self.running)
                await anyio.wait_all_tasks_blocked()
                self.running -= 1
            return ran(view)

        return run

    def trials(self, *owners: str) -> None:
        async def main() -> None:
            async with anyio.create_task_group() as group:
                for owner in owners:
                    group.start_soon(run_splits, VIEWS, self.of(owner), lambda *_: None)

        anyio.run(main)


def test_one_trace_alone_keeps_two_slots_busy() -> None:
    resources = Shop(slots=2)
    resources.trials("runner-0")
    assert [turn for _, turn in resources.order] == [1, 2, 3, 4, 5]
    assert resources.held[0:2] in ([1, 2], [2, 2])
    assert set(resources.held[1:]) == {2}


def test_first_splits_of_all_go_before_later_ones_of_any() -> None:
    resources = Shop(slots=1)
    resources.trials("runner-0", "runner-1", "runner-2")
    later = resources.order[1:]  # whoever came first found the slot free
    assert [turn for _, turn in later] == sorted(turn for _, turn in later)
    assert {owner for owner, turn in resources.order if turn == 1} == {"runner-0", "runner-1", "runner-2"}
