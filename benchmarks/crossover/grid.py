"""Where gradient-like search overtakes tree search: optimizers × skill × tasks × seeds at an equal budget of trials.

`python -m benchmarks.crossover [--quick] [--out FOLDER]` writes crossover.md and crossover.svg there, anew after each
task of each seed. It can be stopped and started again: finished runs are read, scripts that were run are not run
again. Seeds come one after the other, so that after a stop those that are finished are a smaller grid that is whole;
`--tell` writes page and figure of what is finished and runs nothing. `--quick` is a smaller grid for two cores and ten
minutes.
"""

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from benchmarks.crossover.report import figure, table
from benchmarks.crossover.runs import ARMS, Cell, Result, open_bench
from benchmarks.crossover.tasks import MADE, write_task
from benchmarks.shared.runs import all_at_once, commit
from benchmarks.shared.warm import warm_executor

_AT_ONCE = 3
"""Runs at once: two have a script in a slot while one thinks."""


@dataclass(frozen=True)
class Grid:
    """What is run. Ablations are run at `ablated` skills alone."""

    skills: tuple[float, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    trials: int
    arms: tuple[str, ...] = ("gome", "tree-search", "tree-search-uct", "best-of-n")
    ablated: tuple[float, ...] = ()

    def cells(self, task: str, seed: int) -> list[Cell]:
        """The runs of one task and seed, the main arms first."""
        ablations = [arm for arm in ARMS if arm.startswith(("without", "one"))]
        pairs = [*itertools.product(self.arms, self.skills), *itertools.product(ablations, self.ablated)]
        return [Cell(arm, skill, task, seed, self.trials) for arm, skill in pairs]


FULL = Grid((0.0, 0.25, 0.5, 0.75, 1.0), tuple(MADE), tuple(range(5)), 12, ablated=(1.0,))
QUICK = Grid((0.0, 0.5, 1.0), ("rentals", "loans"), (0, 1), 6, ("gome", "tree-search", "best-of-n"))


async def run(grid: Grid, folder: Path) -> list[Result]:
    """All results of the grid."""
    results: list[Result] = []
    async with warm_executor() as executor:
        for seed in grid.seeds:
            for task in grid.tasks:
                task_folder = await anyio.to_thread.run_sync(write_task, task, folder / "tasks" / task)
                async with open_bench(task_folder, task, seed, folder, executor) as bench:
                    results += await all_at_once(
                        _AT_ONCE, [partial(bench.run, cell) for cell in grid.cells(task, seed)]
                    )
                print(f"seed {seed}, {task}: {len(results)} runs so far", file=sys.stderr, flush=True)
                await anyio.to_thread.run_sync(write, results, folder)
    return results


def finished(grid: Grid, folder: Path) -> list[Result]:
    """The results of the grid that are there."""
    cells = [cell for seed in grid.seeds for task in grid.tasks for cell in grid.cells(task, seed)]
    paths = [folder / "results" / f"{cell.name}.json" for cell in cells]
    return [Result.model_validate_json(path.read_text(encoding="utf-8")) for path in paths if path.is_file()]


def write(results: Sequence[Result], folder: Path) -> None:
    """The page and its figure."""
    (folder / "crossover.md").write_text(table(results), encoding="utf-8")
    (folder / "crossover.svg").write_text(figure(results), encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Run, and write table and figure."""
    parser = argparse.ArgumentParser(prog="benchmarks.crossover.grid")
    parser.add_argument("--quick", action="store_true", help="a smaller grid")
    parser.add_argument("--out", type=Path, default=Path(".benchmark-crossover"), help="where results are kept")
    parser.add_argument("--tell", action="store_true", help="run nothing, tell of what is finished")
    asked = parser.parse_args(arguments)
    folder: Path = asked.out.absolute()
    grid = QUICK if asked.quick else FULL
    if not asked.tell:
        commit()
        folder.mkdir(parents=True, exist_ok=True)
        anyio.run(run, grid, folder)
    elif results := finished(grid, folder):
        write(results, folder)
    else:
        sys.exit(f"{folder} has no result of this grid; run it without --tell first")
    print((folder / "crossover.md").read_text(encoding="utf-8"))
