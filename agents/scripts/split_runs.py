"""Run one script on the splits of its task: in parallel where slots are idle, evaluated in the order of the splits.

All runs are requested at once and wait for slots in the order of the splits. Their outcomes are evaluated in the same
order; the first failure, or the first decision to stop, ends the rest. So the result of a trial depends only on the
outcomes of its runs, and not on which run is fastest.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import anyio

from gome.agents.method.racing import Stop
from gome.agents.scripts.script_run import Heat, ScriptRan

__all__ = ["SplitRuns", "run_splits"]

RunOn = Callable[[str, int, Heat], Awaitable[ScriptRan]]
"""Run the script on a view; arguments: the view, its place (from 0), the heat whose `over` ends the run."""
Judge = Callable[[Sequence[ScriptRan]], Stop | None]


class SplitRuns(NamedTuple):
    """The runs that count, in the order of the splits. If the last one is not good, the trial has failed."""

    runs: tuple[ScriptRan, ...]
    stop: Stop | None

    @property
    def last(self) -> ScriptRan:
        """The last run that counts; it decided the trial."""
        return self.runs[-1]

    @property
    def good(self) -> bool:
        """Whether every run ended well, with valid predictions."""
        return self.last.good

    @property
    def seconds(self) -> float:
        """Mean seconds of one run."""
        return sum(run.seconds for run in self.runs) / len(self.runs)


async def run_splits(views: Sequence[str], run: RunOn, judge: Judge) -> SplitRuns:
    """Run a script on `views` concurrently until one fails, `judge` returns a Stop, or all are done.

    `judge` gets the good runs so far, in the order of the views, after each of them. Runs left over are abandoned.
    """
    outcomes: dict[int, ScriptRan] = {}
    landed = [anyio.Event() for _ in views]
    heat = Heat(len(views))

    async def one(place: int) -> None:
        outcomes[place] = await run(views[place], place, heat)
        heat.ended(place)
        landed[place].set()

    counted: list[ScriptRan] = []
    stop: Stop | None = None
    # Tasks start in the order they are created, so each run gets the same ordinal at every delivery.
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
