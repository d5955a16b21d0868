"""The runs of one script on the splits of its task: side by side where slots are idle, judged one after the other.

All are asked for at once, and wait for a slot in the order of the splits. They are looked at in that order too, and the
first that fails, or after which the trial stops, ends the rest: so what comes of a trial hangs on its runs' outcomes
alone, and not on which of them was fastest.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import anyio

from gome.agents.method.racing import Stop
from gome.agents.scripts.script_run import Heat, ScriptRan

__all__ = ["SplitRuns", "run_splits"]

RunOn = Callable[[str, int, Heat], Awaitable[ScriptRan]]
"""Runs the script on a view, at its place (from 0), until the heat is over."""
Judge = Callable[[Sequence[ScriptRan]], Stop | None]


class SplitRuns(NamedTuple):
    """What was run and counts, in the order of the splits; where the last one is not good, the trial has failed."""

    runs: tuple[ScriptRan, ...]
    stop: Stop | None

    @property
    def last(self) -> ScriptRan:
        """The run that decided."""
        return self.runs[-1]

    @property
    def good(self) -> bool:
        """Whether every run ended well, with predictions as asked."""
        return self.last.good

    @property
    def seconds(self) -> float:
        """The mean time of one run."""
        return sum(run.seconds for run in self.runs) / len(self.runs)


async def run_splits(views: Sequence[str], run: RunOn, judge: Judge) -> SplitRuns:
    """Run a script on views until one fails, `judge` says to stop, or all are done."""
    outcomes: dict[int, ScriptRan] = {}
    landed = [anyio.Event() for _ in views]
    heat = Heat(len(views))

    async def one(place: int) -> None:
        outcomes[place] = await run(views[place], place, heat)
        heat.ended(place)
        landed[place].set()

    counted: list[ScriptRan] = []
    stop: Stop | None = None
    # Tasks start in the order they are given, so each run gets the same ordinal at every delivery.
    async with anyio.create_task_group() as group:
        for place in range(len(views)):
            group.start_soon(one, place)
        for place in range(len(views)):
            await landed[place].wait()
            counted.append(outcomes[place])
            stop = judge(counted) if counted[-1].good else None
            if stop is not None or not counted[-1].good:
                break
        heat.over.set()
    return SplitRuns(tuple(counted), stop)
