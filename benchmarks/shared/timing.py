"""Shared by benchmarks of executors: make a launch, time it, format a line of a table."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gome.executors.launch import Executor, Launch, Limits, Slot

__all__ = ["held", "launch", "told"]


def launch(folder: Path, source: str, **limits: float) -> Launch:
    """A launch of the source in a new folder below `folder`; `limits` are fields of `Limits`."""
    workspace = Path(tempfile.mkdtemp(dir=folder))
    script = workspace / "solution.py"
    script.write_text(source)
    return Launch(script=script, workspace=workspace, limits=Limits.model_validate(limits))


async def held(executor: Executor, asked: Launch) -> float:
    """Seconds from the call of an executor to the outcome of the script."""
    began = time.perf_counter()
    outcome = await executor.run(asked, Slot(index=0))
    assert outcome.ok, outcome
    return time.perf_counter() - began


def told(name: str, seconds: Sequence[float]) -> str:
    """One line of a table: median and quartiles in milliseconds."""
    low, middle, high = (1000 * each for each in statistics.quantiles(seconds, n=4))
    return f"{name:<40}{middle:>8.1f} ms   [{low:.1f} … {high:.1f}]"
