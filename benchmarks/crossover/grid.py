"""From which skill on gradient-like search beats tree search: optimizers × skill × tasks × seeds, equal trial budget.

`python -m benchmarks.crossover [--quick] [--out FOLDER]` writes crossover.md and crossover.svg to the folder, updated
after each task of each seed. It can be stopped and restarted: finished runs and scripts are not repeated. Seeds are run
one after the other, so that after a stop the finished seeds form a complete smaller grid; `--tell` writes the report of
the finished runs and runs nothing. `--quick` is a smaller grid for two cores and ten minutes.

`--trials N` sets the budget; `--arms`, `--skills`, `--tasks`, `--seeds` choose a part of the grid. Scripts run in one
process, so each further core takes another command with other tasks and the same folder; `--tell` then reports all.
`--knowledge .6` lets each trace's expert know that share of the catalogue. `--minutes 20 40` are the times on the
simulated clock (2 slots, calls of 20 s) at which arms are compared; the trials must be enough for that time. `--dev`
runs on the tasks on which constants are chosen, which are in no table.
"""

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from benchmarks.crossover.by_time import MINUTES, by_time
from benchmarks.crossover.report import figure, table
from benchmarks.crossover.runs import ARMS, Cell, Result, open_bench
from benchmarks.crossover.tasks import DEV, MADE, write_task
from benchmarks.shared.runs import all_at_once, commit

_AT_ONCE = 2
"""Concurrent runs: while one has a script in the one process, the other judges."""


@dataclass(frozen=True)
class Grid:
    """The runs to make. Ablations are run only at the skills `ablated`."""

    skills: tuple[float, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    trials: int
    arms: tuple[str, ...] = (
        "gome",
        "gome-paper",
        "tree-search",
        "tree-search-uct",
        "tree-search-raced",
        "best-of-n",
        "auto",
    )
    ablated: tuple[float, ...] = ()
    knowledge: float = 1.0

    def cells(self, task: str, seed: int) -> list[Cell]:
        """The runs of one task and seed, the main arms first."""
        ablations = [arm for arm in ARMS if arm.startswith(("with", "one", "two"))]
        pairs = [*itertools.product(self.arms, self.skills), *itertools.product(ablations, self.ablated)]
        return [Cell(arm, skill, task, seed, self.trials, self.knowledge) for arm, skill in pairs]


FULL = Grid((0.0, 0.25, 0.5, 0.75, 1.0), tuple(MADE), tuple(range(5)), 12, ablated=(1.0,))
QUICK = Grid((0.0, 0.5, 1.0), ("rentals", "loans"), (0, 1), 6, ("gome", "tree-search", "best-of-n"))


async def run(grid: Grid, folder: Path, minutes: Sequence[float] = MINUTES) -> list[Result]:
    """Run the grid, writing the report after each task; return all results."""
    results: list[Result] = []
    for seed in grid.seeds:
        for task in grid.tasks:
            task_folder = await anyio.to_thread.run_sync(write_task, task, folder / "tasks" / task)
            async with open_bench(task_folder, task, seed, folder) as bench:
                results += await all_at_once(_AT_ONCE, [partial(bench.run, cell) for cell in grid.cells(task, seed)])
            print(f"seed {seed}, {task}: {len(results)} runs so far", file=sys.stderr, flush=True)
            await anyio.to_thread.run_sync(write, results, folder, minutes)
    return results


def finished(grid: Grid, folder: Path) -> list[Result]:
    """The results of the grid's finished runs."""
    cells = [cell for seed in grid.seeds for task in grid.tasks for cell in grid.cells(task, seed)]
    paths = [folder / "results" / f"{cell.name}.json" for cell in cells]
    return [Result.model_validate_json(path.read_text(encoding="utf-8")) for path in paths if path.is_file()]


def write(results: Sequence[Result], folder: Path, minutes: Sequence[float] = MINUTES) -> None:
    """Write the report and its figure."""
    (folder / "crossover.md").write_text(f"{table(results)}\n{by_time(results, minutes)}", encoding="utf-8")
    (folder / "crossover.svg").write_text(figure(results), encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Run the grid, and write the report and its figure."""
    parser = argparse.ArgumentParser(prog="benchmarks.crossover.grid")
    parser.add_argument("--quick", action="store_true", help="a smaller grid")
    parser.add_argument("--out", type=Path, default=Path(".benchmark-crossover"), help="folder of the results")
    parser.add_argument("--tell", action="store_true", help="run nothing, report the finished runs")
    parser.add_argument("--dev", action="store_true", help="the tasks on which constants are chosen")
    parser.add_argument("--trials", type=int, help="budget of each run")
    parser.add_argument("--arms", nargs="+", choices=sorted(ARMS), help="arms to run; no ablations beside them")
    parser.add_argument("--skills", nargs="+", type=float, help="skills of the expert")
    parser.add_argument("--tasks", nargs="+", choices=sorted(MADE | DEV), help="made-up tasks")
    parser.add_argument("--seeds", nargs="+", type=int, help="seeds of splits and draws")
    parser.add_argument("--knowledge", type=float, default=1.0, help="share of the catalogue that each trace knows")
    parser.add_argument("--minutes", type=float, nargs="+", default=MINUTES, help="times on the simulated clock")
    asked = parser.parse_args(arguments)
    folder: Path = asked.out.absolute()
    grid = replace(QUICK if asked.quick else FULL, knowledge=asked.knowledge)
    grid = replace(grid, tasks=tuple(DEV)) if asked.dev else grid
    grid = replace(grid, trials=asked.trials) if asked.trials else grid
    parts: dict[str, Any] = {name: getattr(asked, name) for name in ("skills", "tasks", "seeds")}
    changed: dict[str, Any] = {name: tuple(given) for name, given in parts.items() if given}
    grid = replace(grid, **changed)
    grid = replace(grid, arms=tuple(asked.arms), ablated=()) if asked.arms else grid
    if not asked.tell:
        commit()
        folder.mkdir(parents=True, exist_ok=True)
        anyio.run(run, grid, folder, asked.minutes)
    elif results := finished(grid, folder):
        write(results, folder, asked.minutes)
    else:
        sys.exit(f"{folder} has no results of this grid; run it without --tell first")
    print((folder / "crossover.md").read_text(encoding="utf-8"))
