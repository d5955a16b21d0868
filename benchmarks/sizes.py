"""Large tables: how long until a run's first script starts, and how much memory gome itself needs until then.

`python -m benchmarks.sizes [ROWSxCOLUMNS ...]`, by default 2000000x20 and 200x10000. Each table is written, run with
`gome run TABLE --target y`, and the run is ended once its first script has been put into its workspace. Before that
the data of the first split are written, and the table is profiled. Processor time and memory are those of gome's own
process (the scripts' limits are settings); of memory, what the same run needs for a table of 40 rows is left out.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

_DEFAULT = ("2000000x20", "200x10000")
_SMALL = (40, 5)
_BLOCK = 1 << 22  # cells that are drawn at once
_LIMIT_SECONDS = 900
_PAUSE = 0.05


class Begun(NamedTuple):
    """A run up to its first script.

    Seconds since the command began until the first split has its data, and until the script; seconds of the processor
    until then; the peak of memory in bytes.
    """

    data: float
    script: float
    processor: float
    peak: int


def write(path: Path, rows: int, columns: int) -> None:
    """Write a table of random numbers with `columns` columns, the last of which is the target `y`."""
    draw = np.random.default_rng(1)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join([*(f"c{number}" for number in range(columns - 1)), "y"]) + "\n")
        for begin in range(0, rows, _BLOCK // columns):
            block = draw.normal(size=(min(_BLOCK // columns, rows - begin), columns))
            block[:, -1] += block[:, 0]
            np.savetxt(file, block, delimiter=",", fmt="%.6f")


def begin(table: Path) -> Begun:
    """Run gome on a table until its first script starts."""
    runs = table.parent / "runs"
    command = [sys.executable, "-m", "gome", "run", str(table), "--target", "y", "--runs", str(runs)]
    began, data = time.monotonic(), 0.0
    run = subprocess.Popen(
        [*command, "--set", "budget.trials=1", "--set", "traces=1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        while time.monotonic() - began < _LIMIT_SECONDS and run.poll() is None:
            if not data and any(view.suffix != ".part" for view in runs.glob("*/data/*")):
                data = time.monotonic() - began
            if next(runs.glob("*/work/*/workspace/*"), None) is not None:
                return Begun(data, time.monotonic() - began, _processor(run.pid), _peak(run.pid))
            time.sleep(_PAUSE)
        run.kill()
        raise SystemExit(f"{table.name}: no script started:\n{run.communicate()[0].decode()}")
    finally:
        run.terminate()
        run.wait()


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def main(sizes: list[str]) -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as name:
        small = Path(name) / "small" / "t.csv"
        small.parent.mkdir()
        write(small, *_SMALL)
        least = begin(small)
        print(f"{'40 x 5':>16}  {_times(least)}, {least.peak / 2**20:.0f} MiB", flush=True)
        for size in sizes or _DEFAULT:
            rows, columns = map(int, size.split("x"))
            table = Path(name) / size / "t.csv"
            table.parent.mkdir()
            write(table, rows, columns)
            found, bytes_of_file = begin(table), table.stat().st_size
            share = (found.peak - least.peak) / bytes_of_file
            print(
                f"{size:>16}  {_times(found)}, {found.peak / 2**20:.0f} MiB, "
                f"{share:.1f} times the file of {bytes_of_file / 2**20:.0f} MiB more",
                flush=True,
            )


def _times(begun: Begun) -> str:
    return f"data {begun.data:.1f} s, script {begun.script:.1f} s (processor {begun.processor:.1f} s)"


if __name__ == "__main__":
    main(sys.argv[1:])
