"""Slot utilisation, and gome's own time per trial: model calls and scripts are simulated, the rest is real.

`python -m benchmarks.slots [SCALE]`. All simulated times are SCALE (0.1) of those in the table, so that a grid of
minutes runs in seconds; gome's own time is not scaled, so it weighs ten times as much here as it does for a user.

A step has three sequential calls (assess, propose, write: R seconds in all) and one script (T seconds). N traces can
keep S slots busy at most min(1, N·(k+1)·T / (S·(R+T))) of the time, with the lookahead k; a sequential loop reaches
T / (R+T) of one slot. Utilisation is measured from the diagnosis of every trace's second step, as there is no lookahead
before that, until the last step is opened; start-up and finish are shown separately.
"""

import itertools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import anyio

from benchmarks.shared.simulation import Simulated, Simulation, simulate
from gome.agents.protocol.messages import StepOpened
from gome.agents.protocol.run_messages import RunFinished
from gome.bus.message import Envelope

CALLS = 3


@dataclass(frozen=True)
class Cell:
    """One setting of the grid; times in unscaled seconds."""

    call: float
    run: float
    traces: int
    slots: int
    lookahead: int = 0

    @property
    def bound(self) -> float:
        """Upper bound of slot utilisation."""
        flying = self.traces * (self.lookahead + 1)
        return min(1.0, flying * self.run / (self.slots * (CALLS * self.call + self.run)))

    @property
    def sequential(self) -> float:
        """Slot utilisation of a loop that waits for each call and script in turn."""
        return self.run / (self.slots * (CALLS * self.call + self.run))


GRID = [
    Cell(call, run, traces, slots)
    for (call, run), (traces, slots) in itertools.product(
        ((2.0, 6.0), (4.0, 2.0), (0.5, 6.0)), ((1, 1), (2, 1), (2, 2), (4, 2), (8, 2))
    )
] + [Cell(2.0, 6.0, 1, 1, lookahead=1), Cell(4.0, 2.0, 1, 1, lookahead=1), Cell(2.0, 6.0, 1, 2, lookahead=1)]


def busy(simulated: Simulated, slots: int) -> float:
    """Slot utilisation between the diagnosis of the second steps and the opening of the last step."""
    start = max(each.time for each in simulated.envelopes if each.kind == "diagnosis" and each.step == 2)
    end = max(each.time for each in simulated.envelopes if isinstance(each.message, StepOpened))
    held = sum(max(0.0, min(until, end) - max(taken, start)) for taken, until in simulated.holds)
    return held / (slots * (end - start))


def edges(envelopes: list[Envelope], holds: list[tuple[float, float]]) -> tuple[float, float]:
    """Seconds before the first script, and seconds of the finish."""
    called = next(each.time for each in envelopes if each.kind == "finish_called")
    ended = next(each.time for each in envelopes if isinstance(each.message, RunFinished))
    return min(taken for taken, _ in holds), ended - called


async def measure(cell: Cell, scale: float, rounds: int) -> Simulated:
    """Simulate a cell with `rounds` steps per trace."""
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
    """gome's own seconds per trial: the median with one trace, instant model and instant scripts."""
    asked = Simulation(call=0.0, run=0.0, traces=1, slots=1, trials=steps)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as folder:
        simulated = await simulate(asked, Path(folder) / "run")
    times = [each.time for each in simulated.envelopes if each.kind == "diagnosis"]
    settled = times[3:]  # the first steps also import libraries
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(settled))
    return gaps[len(gaps) // 2]


async def main(scale: float) -> None:
    """Measure and print the table."""
    print(f"simulated model calls and scripts, at {scale:g} of the times shown; slot utilisation")
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
    print(f"own time per trial, without model and script: {1000 * await own_time():.1f} ms (median of 36)")


if __name__ == "__main__":
    anyio.run(main, float(sys.argv[1]) if len(sys.argv) > 1 else 0.1)
