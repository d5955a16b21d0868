"""Scalability of one process: a run of 1, 10, 100 and 1,000 traces with instant models and instant scripts.

`python -m benchmarks.scale [--quick] [TRACES ...]`. Models and scripts answer at once (`shared/simulation.py`); log,
actors, slots, memory and supervision are real. So the benchmark measures gome's own work: maximum messages per second,
memory, lag of the event loop, and size of the log. Each number of traces runs in its own process. Every trace makes
`STEPS` trials; with `--quick` two.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio

from benchmarks.shared.simulation import Simulation, simulate

COUNTS = (1, 10, 100, 1000)
STEPS = 5
QUICK_STEPS = 2
SLOTS = 8
_TICK = 0.01


@dataclass(frozen=True)
class Measured:
    """Figures of one run: times in seconds, sizes in bytes; lags are those of a 10 ms timer."""

    traces: int
    trials: int
    messages: int
    seconds: float
    cpu: float
    memory: int
    lag_median: float
    lag_high: float
    lag_most: float
    log: int

    @property
    def line(self) -> str:
        """One line of the table."""
        return (
            f"{self.traces:>7}{self.trials:>8}{self.messages:>10}{self.messages / self.seconds:>9.0f}"
            f"{1000 * self.cpu / self.trials:>11.1f} ms{self.memory / 2**20:>8.0f} MiB"
            f"{1000 * self.lag_median:>8.1f}{1000 * self.lag_high:>8.1f}{1000 * self.lag_most:>8.0f} ms"
            f"{self.log / self.trials / 2**10:>8.1f} KiB"
        )


async def lags(into: list[float]) -> None:
    """Measure repeatedly how much too late a short sleep ends, in seconds, and append it to `into`."""
    while True:
        asked = time.perf_counter()
        await anyio.sleep(_TICK)
        into.append(time.perf_counter() - asked - _TICK)


async def measure(traces: int, steps: int, folder: Path) -> Measured:
    """Run the simulation in this process and measure it."""
    late: list[float] = []
    asked = Simulation(call=0.0, run=0.0, traces=traces, slots=SLOTS, trials=traces * steps)
    began, cpu = time.perf_counter(), time.process_time()
    async with anyio.create_task_group() as group:
        group.start_soon(lags, late)
        done = await simulate(asked, folder, keep=False)
        group.cancel_scope.cancel()
    low = statistics.quantiles(late, n=100)
    return Measured(
        traces=traces,
        trials=asked.trials,
        messages=done.head,
        seconds=time.perf_counter() - began,
        cpu=time.process_time() - cpu,
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
        lag_median=low[49],
        lag_high=low[98],
        lag_most=max(late),
        log=log_size(folder),
    )


def log_size(folder: Path) -> int:
    """Bytes of a run's log, including SQLite's auxiliary files, without artefacts."""
    return sum(path.stat().st_size for path in folder.glob("*.sqlite*"))


def in_its_own_process(traces: int, steps: int) -> Measured:
    """Measure in a new process, so that peak memory is that of this run alone."""
    words = [sys.executable, "-m", "benchmarks.scale", "--one", str(traces), str(steps)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True)
    return Measured(**json.loads(done.stdout))


def main(words: list[str]) -> None:
    """Measure and print the table."""
    if words[:1] == ["--one"]:
        with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as name:
            found = anyio.run(measure, int(words[1]), int(words[2]), Path(name) / "run")
            print(json.dumps(asdict(found)), flush=True)
        return
    steps = QUICK_STEPS if "--quick" in words else STEPS
    counts = [int(word) for word in words if word.isdigit()] or COUNTS
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {steps} trials a trace, {SLOTS} slots")
    print(f"{'traces':>7}{'trials':>8}{'messages':>10}{'msg/s':>9}{'CPU/trial':>14}{'memory':>12}", end="")
    print(f"{'lag p50':>8}{'p99':>8}{'most':>11}{'log/trial':>12}")
    for count in counts:
        print(in_its_own_process(count, steps).line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
