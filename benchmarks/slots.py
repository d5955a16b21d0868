"""How busy slots are, and what a trial costs beside model and script: reasoning and scripts simulated, the rest real.

`python -m benchmarks.slots [SCALE]`. Every time is SCALE (0.1) of what the table says, so that a grid of minutes runs
in seconds; the house's own time is not scaled, so it weighs ten times as much here as it does for a user.

A step is three calls one after the other (assess, propose, write: R seconds) and one script (T seconds). N
traces on S slots can keep them busy at most min(1, N·(k+1)·T / (S·(R+T))) of the time, k being the lookahead; a loop
that waits for each in turn reaches T / (R+T) of one slot. Counted from when every trace has its second step
diagnosed, since before that nothing could look ahead, until the last step is opened; start-up and finish stand apart.
"""

import itertools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import anyio

from benchmarks.shared.simulation import Simulated, Simulation, simulate
from gome.agents.protocol.messages import RunFinished, StepOpened
from gome.bus.message import Envelope

CALLS = 3


@dataclass(frozen=True)
class Cell:
    """One setting of the grid, in unscaled seconds."""

    call: float
    run: float
    traces: int
    slots: int
    lookahead: int = 0

    @property
    def bound(self) -> float:
        """The largest share of time in which slots can be busy."""
        flying = self.traces * (self.lookahead + 1)
        return min(1.0, flying * self.run / (self.slots * (CALLS * self.call + self.run)))

    @property
    def sequential(self) -> float:
        """The share that a loop which waits for each call and script in turn keeps all slots busy."""
        return self.run / (self.slots * (CALLS * self.call + self.run))


GRID = [
    Cell(call, run, traces, slots)
    for (call, run), (traces, slots) in itertools.product(
        ((2.0, 6.0), (4.0, 2.0), (0.5, 6.0)), ((1, 1), (2, 1), (2, 2), (4, 2), (8, 2))
    )
] + [Cell(2.0, 6.0, 1, 1, lookahead=1), Cell(4.0, 2.0, 1, 1, lookahead=1), Cell(2.0, 6.0, 1, 2, lookahead=1)]


def busy(simulated: Simulated, slots: int) -> float:
    """Share of time in which slots were held between the diagnosis of second steps and the opening of the last one."""
    start = max(each.time for each in simulated.envelopes if each.kind == "diagnosis" and each.step == 2)
    end = max(each.time for each in simulated.envelopes if isinstance(each.message, StepOpened))
    held = sum(max(0.0, min(until, end) - max(taken, start)) for taken, until in simulated.holds)
    return held / (slots * (end - start))


def edges(envelopes: list[Envelope], holds: list[tuple[float, float]]) -> tuple[float, float]:
    """Seconds before the first script, and of the finish."""
    called = next(each.time for each in envelopes if each.kind == "finish_called")
    ended = next(each.time for each in envelopes if isinstance(each.message, RunFinished))
    return min(taken for taken, _ in holds), ended - called


async def measure(cell: Cell, scale: float, rounds: int) -> Simulated:
    """Simulate a cell for so many steps a trace."""
    asked = Simulation(
        call=cell.call * scale,
        run=cell.run * scale,
        traces=cell.traces,
        slots=cell.slots,
        trials=rounds * cell.traces,
        lookahead=cell.lookahead,
    )
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as folder:
        return await simulate(asked, Path(folder) / "run")


async def own_time(steps: int = 40) -> float:
    """Seconds of a trial in which neither model nor script has anything to do: one trace, both instant."""
    asked = Simulation(call=0.0, run=0.0, traces=1, slots=1, trials=steps)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as folder:
        simulated = await simulate(asked, Path(folder) / "run")
    times = [each.time for each in simulated.envelopes if each.kind == "diagnosis"]
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(times[3:]))  # past the first import of torch
    return gaps[len(gaps) // 2]


async def main(scale: float) -> None:
    """Measure and print."""
    print(f"simulated reasoning and scripts at {scale:g} of the times named; slots busy, share of time")
    print(f"{'call':>5}{'run':>5}{'N':>4}{'S':>4}{'k':>4}{'busy':>8}{'bound':>8}{'of bound':>10}{'in turn':>9}", end="")
    print(f"{'start':>9}{'finish':>9}")
    for cell in GRID:
        simulated = await measure(cell, scale, rounds=12)
        share = busy(simulated, cell.slots)
        start, finish = edges(simulated.envelopes, simulated.holds)
        print(
            f"{cell.call:>5g}{cell.run:>5g}{cell.traces:>4}{cell.slots:>4}{cell.lookahead:>4}{share:>8.1%}"
            f"{cell.bound:>8.1%}{share / cell.bound:>10.1%}{cell.sequential:>9.1%}{start:>7.2f} s{finish:>7.2f} s"
        )
    print(f"our own time a trial, beside model and script: {1000 * await own_time():.1f} ms (median of 36)")


if __name__ == "__main__":
    anyio.run(main, float(sys.argv[1]) if len(sys.argv) > 1 else 0.1)
