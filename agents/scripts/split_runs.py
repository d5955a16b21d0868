"""Run one script on the splits of its task: in parallel where slots are idle, evaluated in the order of the splits.

All runs are requested at once and wait for slots in the order of the splits. Their outcomes are evaluated in the same
order; the first failure, or the first decision to stop, ends the rest. So the result of a trial depends only on the
outcomes of its runs, and not on which run is fastest.

Where a trial goes beyond the splits of the solution that it must beat, that one (the rival) is run on them too.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple

import anyio

from gome.agents.method.racing import Stop
from gome.agents.scripts.script_run import Heat, ScriptRan

__all__ = ["SplitRuns", "run_splits"]

RunOn = Callable[[str, int, Heat], Awaitable[ScriptRan]]
"""Run the script on a view; arguments: the view, its place (from 0), the heat whose `over` ends the run."""
Judge = Callable[[Sequence[ScriptRan], Sequence[ScriptRan]], Stop | None]
"""Whether to stop, by the runs of the script and those of its rival."""


class SplitRuns(NamedTuple):
    """The runs that count, in the order of the splits. If the last one is not good, the trial has failed.

    `rival` are the good runs of the rival.
    """

    runs: tuple[ScriptRan, ...]
    stop: Stop | None
    rival: tuple[ScriptRan, ...] = ()

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

    @property
    def cpu_seconds(self) -> float:
        """Mean processor time of one run, in seconds; unlike `seconds`, it is hardly more on a busy machine."""
        return sum(run.cpu_seconds for run in self.runs) / len(self.runs)


async def run_splits(
    views: Sequence[str], run: RunOn, judge: Judge, rival: RunOn | None = None, beyond: Collection[str] = ()
) -> SplitRuns:
    """Run a script on `views` concurrently until one fails, `judge` returns a Stop, or all are done.

    `rival` runs another script, on the views `beyond`, just before the script itself. `judge` gets the good runs so
    far, in the order of the views, after each view. Runs left over are abandoned.
    """
    lanes = [(each, view) for view in views for each in ((rival, run) if rival and view in beyond else (run,))]
    outcomes: dict[tuple[RunOn, str], ScriptRan] = {}
    landed = {lane: anyio.Event() for lane in lanes}
    heat = Heat(len(lanes))

    async def one(place: int, lane: tuple[RunOn, str]) -> None:
        outcomes[lane] = await lane[0](lane[1], place, heat)
        heat.ended(place)
        landed[lane].set()

    counted: list[ScriptRan] = []
    others: list[ScriptRan] = []
    stop: Stop | None = None
    # Tasks start in the order they are created, so each run gets the same ordinal at every delivery.
    async with anyio.create_task_group() as group:
        for place, lane in enumerate(lanes):
            group.start_soon(one, place, lane)
        for each, view in lanes:
            await landed[each, view].wait()
            ran = outcomes[each, view]
            if each is not run:
                others += [ran] if ran.good else []
                continue
            counted.append(ran)
            stop = judge(counted, others) if ran.good else None
            if stop is not None or not ran.good:
                break
        heat.over.set()
    return SplitRuns(tuple(counted), stop, tuple(others))
