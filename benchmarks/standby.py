"""What a standby saves a script, what it holds in memory, and whether a script beside it notices its start.

`python -m benchmarks.standby [REPEATS]`, or as a part of `benchmarks.execution`. Scripts from a cold start and from a
standby take turns, so that a busy machine slows both alike; each standby is waited for before it is used, and imports
at an ordinary priority for it. Only beside the script that computes is it the lowest, as it is in a run.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import anyio
import psutil

from benchmarks.timing import held, launch, told
from executors.launch import Executor, Launch, Slot
from executors.local import LocalExecutor
from executors.sandbox import Sandbox, probe
from executors.standby import StandbyExecutor

__all__ = ["lines"]

_SLOT, _BESIDE = Slot(index=0), Slot(index=1)
_SOURCES = {
    "first output": "print('here')",
    "imports pandas, sklearn": "import pandas, sklearn.ensemble, sklearn.model_selection",
    "imports these and torch": "import pandas, torch, sklearn.ensemble, sklearn.model_selection",
}
_COMPUTES = """
import time
began = time.perf_counter()
for _ in range(60):
    sum(range(1_000_000))
print(time.perf_counter() - began)
"""


async def lines(folder: Path, repeats: int) -> list[str]:
    """Measure in `folder`; the lines to print. Must be called in the process's first thread."""
    sandbox = await probe()
    warm = StandbyExecutor(sandbox, folder / "standby", nice=0)
    beside = StandbyExecutor(sandbox, folder / "beside")
    try:
        return [
            *await _starts(LocalExecutor(sandbox), warm, folder, repeats),
            await _memory(warm, folder),
            *await _disturbance(sandbox, beside, folder, repeats),
        ]
    finally:
        await warm.aclose()
        await beside.aclose()


async def _starts(cold: Executor, warm: StandbyExecutor, folder: Path, repeats: int) -> list[str]:
    """Each script in turn from a cold start and from a standby."""
    seconds: dict[str, list[float]] = {}
    made: list[float] = []
    for _ in range(repeats):
        for name, source in _SOURCES.items():
            measure = _first_line if "print" in source else held
            seconds.setdefault(f"{name}, cold", []).append(await measure(cold, launch(folder, source)))
            asked = launch(folder, source)
            began = time.perf_counter()
            await warm.seat(asked, _SLOT)
            assert await warm.ready(_SLOT)
            made.append(time.perf_counter() - began)
            seconds.setdefault(f"{name}, from a standby", []).append(await measure(warm, asked))
            await warm.aclose()
    assert warm.handed_over == repeats * len(_SOURCES)
    return [*(told(name, found) for name, found in seconds.items()), told("a standby, until it is ready", made)]


async def _first_line(executor: Executor, asked: Launch) -> float:
    """Seconds from asking to the first line that a script prints."""
    began = time.perf_counter()
    heard: list[float] = []
    outcome = await executor.run(asked, _SLOT, lambda _: heard.append(time.perf_counter() - began))
    assert outcome.ok, outcome
    return heard[0]


async def _memory(warm: StandbyExecutor, folder: Path) -> str:
    """What a standby's processes hold: all of it, and what is nobody else's."""
    before = set(psutil.Process().children(recursive=True))
    await warm.seat(launch(folder, "pass"), _SLOT)
    assert await warm.ready(_SLOT)
    tree = [each.memory_full_info() for each in set(psutil.Process().children(recursive=True)) - before]
    held_in_all, own = (sum(getattr(each, name) for each in tree) / 2**20 for name in ("rss", "uss"))
    await warm.aclose()
    return f"{'memory of a standby':<40}{held_in_all:>8.0f} MiB  ({own:.0f} MiB its own)"


async def _disturbance(sandbox: Sandbox, warm: StandbyExecutor, folder: Path, repeats: int) -> list[str]:
    """A script that computes on one core, alone, and while a standby imports on the same core."""
    core = (min(os.sched_getaffinity(0)),)
    slot, beside = (each.model_copy(update={"cpus": core}) for each in (_SLOT, _BESIDE))
    seconds: dict[str, list[float]] = {"a script that computes, alone": [], "the same, beside a standby's start": []}
    for _ in range(repeats):
        for beside_it, found in enumerate(seconds.values()):
            if beside_it:
                await warm.seat(launch(folder, "pass"), beside)
            outcome = await LocalExecutor(sandbox).run(launch(folder, _COMPUTES), slot)
            found.append(float(outcome.stdout))
        await warm.aclose()
    return [told(name, found) for name, found in seconds.items()]


async def main(repeats: int) -> None:
    """Measure and print."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        for line in await lines(Path(name), repeats):
            print(line)


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 10)
