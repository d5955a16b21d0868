"""Overhead of a cluster for a script: Ray's latency to a node and back, and the memory of its processes.

`python -m benchmarks.cluster [REPEATS]`, or the last part of `benchmarks.execution`. It starts a cluster of this
machine alone; jobs on the cluster and on the machine itself alternate, so that a busy machine slows both equally.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import anyio
import psutil

from benchmarks.shared.timing import held
from gome.executors.choose_sandbox import probe
from gome.executors.launch import Launch
from gome.executors.local import LocalExecutor
from gome.executors.ray.connection import connect
from gome.executors.ray.executor import ClusterExecutor

__all__ = ["lines"]

_DATA = 64 << 20
"""Bytes of the data whose transfer to the node is timed."""


async def lines(folder: Path, repeats: int) -> list[str]:
    """Measure in `folder`; return the lines to print. Must be called in the main thread."""
    before = psutil.Process().memory_full_info().uss
    began = time.perf_counter()
    link = connect("local")
    joined = time.perf_counter() - began
    try:
        local, cluster = LocalExecutor(await probe()), ClusterExecutor(link)
        first = await held(cluster, _launch(folder))
        pairs = [(await held(local, _launch(folder)), await held(cluster, _launch(folder))) for _ in range(repeats)]
        data = folder / "data"
        data.write_bytes(bytes(_DATA))
        sent = [await held(cluster, _launch(folder, data)) for _ in range(4)]
        own = psutil.Process().memory_full_info().uss - before
        rays = sum(_private(each) for each in psutil.Process().children(recursive=True))
    finally:
        link.close()
    extra = statistics.median(theirs - ours for ours, theirs in pairs)
    return [
        f"{'ray: a cluster of this machine up':<34}{1000 * joined:>8.0f} ms",
        f"{'ray: the first job (a cold worker)':<34}{1000 * first:>8.0f} ms",
        _line("a job here, sandboxed", [ours for ours, _ in pairs]),
        _line("ray: a job, sandboxed", [theirs for _, theirs in pairs]),
        f"{'ray adds to a job':<34}{1000 * extra:>8.1f} ms",
        f"{'ray: a job with 64 MiB of new data':<34}{1000 * sent[0]:>8.0f} ms   (again: {1000 * min(sent[1:]):.0f} ms)",
        f"{'ray: memory of its processes':<34}{rays / 2**20:>8.0f} MiB",
        f"{'ray: memory in this process':<34}{own / 2**20:>8.0f} MiB",
    ]


def _launch(folder: Path, data: Path | None = None) -> Launch:
    workspace = Path(tempfile.mkdtemp(dir=folder))
    script = workspace / "solution.py"
    script.write_text("pass")
    return Launch(script=script, workspace=workspace, read_only={data: Path("/gome/data")} if data else {})


def _private(process: psutil.Process) -> int:
    """Proportional set size (PSS) of a process in bytes; 0 if it has ended."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0


def _line(name: str, seconds: Sequence[float]) -> str:
    low, middle, high = (1000 * each for each in statistics.quantiles(seconds, n=4))
    return f"{name:<34}{middle:>8.1f} ms   [{low:.1f} … {high:.1f}]"


async def main(repeats: int) -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as name:
        for line in await lines(Path(name), repeats):
            print(line)


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 20)
