"""Overhead of running a script: start time bare, sandboxed and warm, time to kill it, and the overhead of a cluster.

`python -m benchmarks.execution [REPEATS]`. The kinds of start alternate in one run, so that a busy machine slows all
equally; the table shows medians with quartiles, in milliseconds.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import anyio
import anyio.to_thread

from benchmarks import cluster, standby
from benchmarks.shared.timing import held, launch, told
from gome.executors.choose_sandbox import Sandbox, SandboxLevel, probe
from gome.executors.launch import Cause, Executor, Launch, Slot
from gome.executors.local import LocalExecutor

_STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        break
while True:
    time.sleep(1)
"""
_WALL = 0.5


async def bare(asked: Launch) -> float:
    """Seconds to start a script without sandbox and limits, and wait for it."""
    began = time.perf_counter()
    await anyio.run_process([sys.executable, str(asked.script)], stdout=subprocess.DEVNULL, env={"PATH": "/usr/bin"})
    return time.perf_counter() - began


async def killed(executor: Executor, asked: Launch) -> float:
    """Seconds after its time limit until a script that ignores SIGTERM, and its daemons, are gone."""
    outcome = await executor.run(asked, Slot(index=0))
    assert outcome.cause is Cause.TIMEOUT, outcome
    return outcome.seconds - _WALL


async def main(repeats: int) -> None:
    """Measure and print the table."""
    sandbox = await probe()
    sandboxed, unconfined = LocalExecutor(sandbox), LocalExecutor(Sandbox(SandboxLevel.NONE))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        starts: dict[str, list[float]] = {"start, bare": [], "start, limits alone": [], "start, sandboxed": []}
        for _ in range(repeats):
            starts["start, bare"].append(await bare(launch(folder, "pass")))
            starts["start, limits alone"].append(await held(unconfined, launch(folder, "pass")))
            starts["start, sandboxed"].append(await held(sandboxed, launch(folder, "pass")))
        kills = [await killed(sandboxed, launch(folder, _STUBBORN, wall=_WALL)) for _ in range(max(4, repeats // 4))]
        standbys = await standby.lines(folder, max(4, repeats // 4))
        rays = await cluster.lines(folder, max(4, repeats // 2)) if find_spec("ray") else []
    print(f"sandbox: {sandbox.level} ({sandbox.binary})")
    for each, seconds in starts.items():
        print(told(each, seconds))
    extra = [statistics.median(starts[each]) for each in ("start, sandboxed", "start, bare")]
    print(f"{'sandbox and monitoring add':<40}{1000 * (extra[0] - extra[1]):>8.1f} ms")
    print(told("kill of a stubborn tree, after limit", kills))
    print("\n".join(standbys))
    print("\n".join(rays or ["ray: not installed; pip install -e '.[ray]'"]))


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 40)
