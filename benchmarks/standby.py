"""Warm interpreters: the time they save a script, their memory, and whether their start slows a concurrent script.

`python -m benchmarks.standby [REPEATS]`, or a part of `benchmarks.execution`. Scripts started cold and from a template
alternate, so that a busy machine slows both equally. One template serves all; the benchmark waits until it is ready,
and meanwhile it imports at normal priority. In the other parts its priority is the lowest, as in a run.

"Splits" imitate a trial: on two slots at once, one short script after the other, cold and warm alternately.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import anyio
import psutil

from benchmarks.shared.timing import held, launch, told
from gome.executors.choose_sandbox import Sandbox, probe
from gome.executors.launch import Executor, Launch, Slot
from gome.executors.local import LocalExecutor
from gome.executors.warm.executor import WarmExecutor

__all__ = ["lines"]

_SLOT, _BESIDE = Slot(index=0), Slot(index=1)
_SOURCES = {
    "first output": "print('here')",
    "imports pandas, sklearn": "import pandas, sklearn.ensemble, sklearn.model_selection",
    "imports these and torch": "import pandas, torch, sklearn.ensemble, sklearn.model_selection",
}
_SPLITS = 5
_SPLIT = """
import pandas, torch, sklearn.ensemble, sklearn.model_selection, time
end = time.process_time() + 0.5
while time.process_time() < end: pass
"""
_COMPUTES = """
import time
began = time.perf_counter()
for _ in range(60):
    sum(range(1_000_000))
print(time.perf_counter() - began)
"""


async def lines(folder: Path, repeats: int) -> list[str]:
    """Measure in `folder`; return the lines to print. Must be called in the main thread."""
    sandbox = await probe()
    warm = WarmExecutor(sandbox, folder / "standby")
    beside = WarmExecutor(sandbox, folder / "beside")
    try:
        return [
            *await _starts(LocalExecutor(sandbox), warm, folder, repeats),
            *await _splits(LocalExecutor(sandbox), beside, folder, max(2, repeats // 2)),
            await _memory(warm, folder),
            *await _disturbance(sandbox, beside, folder, repeats),
        ]
    finally:
        await warm.aclose()
        await beside.aclose()


async def _starts(cold: Executor, warm: WarmExecutor, folder: Path, repeats: int) -> list[str]:
    """Start times of each script, cold and warm alternately; for warm ones also CPU time."""
    began = time.perf_counter()
    await warm.seat(launch(folder, "pass"), _SLOT)
    assert await warm.ready(_SLOT)
    made = time.perf_counter() - began
    seconds: dict[str, list[float]] = {}
    spent: list[float] = []
    for _ in range(repeats):
        for name, source in _SOURCES.items():
            measure = _first_line if "print" in source else held
            seconds.setdefault(f"{name}, cold", []).append(await measure(cold, launch(folder, source)))
            seconds.setdefault(f"{name}, warm", []).append(await measure(warm, launch(folder, source)))
        for name, executor in (("nothing, cold", cold), ("nothing, warm", warm)):
            began = time.perf_counter()
            outcome = await executor.run(launch(folder, "pass"), _SLOT)
            seconds.setdefault(name, []).append(time.perf_counter() - began)
        spent.append(outcome.cpu_seconds)
    assert warm.handed_over == repeats * (len(_SOURCES) + 1)
    found = [told(name, each) for name, each in seconds.items()]
    return [*found, told("nothing, warm: CPU time", spent), f"{'a template, until it is ready':<40}{made:>8.2f} s"]


async def _splits(cold: Executor, warm: WarmExecutor, folder: Path, repeats: int) -> list[str]:
    """Seconds per split when every core is busy."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    slots = [Slot(index=number, cpus=(core,)) for number, core in enumerate(cores)]
    for slot in slots:
        await warm.seat(launch(folder, "pass"), slot)
        assert await warm.ready(slot)
    seconds: dict[str, list[float]] = {"a split of 0.5 s of work, cold": [], "the same, warm": []}
    for _ in range(repeats):
        for executor, found in zip((cold, warm), seconds.values(), strict=True):
            began = time.perf_counter()
            async with anyio.create_task_group() as group:
                for slot in slots:
                    group.start_soon(_in_turn, executor, folder, slot)
            found.append((time.perf_counter() - began) / _SPLITS)
    handed = f"{'splits that were warm':<40}{warm.handed_over:>8} of {repeats * _SPLITS * len(slots)}"
    await warm.aclose()
    ratio = statistics.median(seconds["a split of 0.5 s of work, cold"]) / statistics.median(seconds["the same, warm"])
    table = [told(name, each) for name, each in seconds.items()]
    return [*table, handed, f"{'cold / warm':<40}{ratio:>8.1f}"]


async def _in_turn(executor: Executor, folder: Path, slot: Slot) -> None:
    for _ in range(_SPLITS):
        outcome = await executor.run(launch(folder, _SPLIT), slot)
        assert outcome.ok, outcome


async def _first_line(executor: Executor, asked: Launch) -> float:
    """Seconds from the call to the first line that a script prints."""
    began = time.perf_counter()
    received: list[float] = []
    outcome = await executor.run(asked, _SLOT, lambda _: received.append(time.perf_counter() - began))
    assert outcome.ok, outcome
    return received[0]


async def _memory(warm: WarmExecutor, folder: Path) -> str:
    """Memory of a template's processes: resident (RSS) and private (USS)."""
    await warm.aclose()
    before = set(psutil.Process().children(recursive=True))
    await warm.seat(launch(folder, "pass"), _SLOT)
    assert await warm.ready(_SLOT)
    tree = [each.memory_full_info() for each in set(psutil.Process().children(recursive=True)) - before]
    held_in_all, own = (sum(getattr(each, name) for each in tree) / 2**20 for name in ("rss", "uss"))
    await warm.aclose()
    return f"{'memory of a template':<40}{held_in_all:>8.0f} MiB  ({own:.0f} MiB private)"


async def _disturbance(sandbox: Sandbox, warm: WarmExecutor, folder: Path, repeats: int) -> list[str]:
    """Time of a computing script on one core, alone and while a template imports on the same core."""
    core = (min(os.sched_getaffinity(0)),)
    slot, beside = (each.model_copy(update={"cpus": core}) for each in (_SLOT, _BESIDE))
    seconds: dict[str, list[float]] = {"a script that computes, alone": [], "the same, beside a template's start": []}
    for _ in range(repeats):
        for beside_it, found in enumerate(seconds.values()):
            if beside_it:
                await warm.seat(launch(folder, "pass"), beside)
            outcome = await LocalExecutor(sandbox).run(launch(folder, _COMPUTES), slot)
            found.append(float(outcome.stdout))
        await warm.aclose()
    return [told(name, found) for name, found in seconds.items()]


async def main(repeats: int) -> None:
    """Measure and print the table."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        for line in await lines(Path(name), repeats):
            print(line)


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 10)
