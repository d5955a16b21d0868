"""The nine built-in tasks with the expert: medals, and scores normalised between a dummy and gold.

`python -m benchmarks.tasks [--quick] [--arms …] [--tasks …] [--out FOLDER]` writes tasks.md and tasks.svg to the
folder, updated after each task. It can be stopped and restarted: finished runs and scripts are not repeated. Missing
task data are prepared. `--quick` is one seed and few trials, for two cores and ten minutes.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from benchmarks.shared.runs import Stage, all_at_once, commit, kept, open_stage
from benchmarks.tasks.report import Result, figure, page
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.prepare.preparing import TASKS, prepare_task
from gome.scenarios.prepare.recipes import RECIPES

ARMS: dict[str, dict[str, Any]] = {
    "gome": {"optimizer": "gome", "traces": 4},
    "tree-search": {"optimizer": "tree-search", "traces": 1, "method": {"tree": {"drafts": 4}}},
    "best-of-n": {"optimizer": "best-of-n", "traces": 1},
}
"""Settings of each arm. Tree search has as many drafts as gome has traces."""
_AT_ONCE = 2
"""Concurrent arms: in lockstep, one waits for its slowest script while the other uses the slot."""


@dataclass(frozen=True)
class Extent:
    """Size of the benchmark: seeds, trials, (candidates, seeds) of the finish, time limit of a script in seconds, and
    how often a failing script is tried.
    """

    seeds: tuple[int, ...]
    trials: int
    finish: tuple[int, int]
    seconds: float
    tries: int = 3


FULL = Extent((0, 1, 2), 16, (3, 2), 120.0)
QUICK = Extent((0,), 6, (1, 1), 60.0, tries=1)


@dataclass(frozen=True)
class Cell:
    """Specification of one run."""

    arm: str
    task: str
    seed: int
    extent: Extent

    @property
    def name(self) -> str:
        """Name of the run's log and result."""
        return f"{self.task}-{self.seed}-{self.arm}-{self.extent.trials}-{self.extent.seconds:g}"

    @property
    def scenario(self) -> Scenario:
        """The scenario: lockstep for reproducibility, without debug runs."""
        arm = ARMS[self.arm]
        extent = self.extent
        executors = {"slots": 2, "threads": 1, "debug": False, "full_tries": extent.tries}
        candidates, seeds = extent.finish
        return Scenario.model_validate(
            {
                "name": "tasks",
                "task": self.task,
                "memory": {"consistency": "lockstep"},
                "budget": {"trials": extent.trials},
                "seed": self.seed,
                "backends": {"expert": {"kind": "expert"}},
                "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "expert"),
                "executors": {**executors, "timeout": {"full": extent.seconds}},
                **arm,
                "method": {**arm.get("method", {}), "finish": {"candidates": candidates, "seeds": seeds}},
            }
        )


async def run(
    arms: Sequence[str], tasks: Sequence[str], extent: Extent, folder: Path, place: Path = TASKS
) -> list[Result]:
    """Run all arms on the tasks in the folder `place`, updating the report after each task; return all results."""
    results: list[Result] = []
    for seed in extent.seeds:
        for task in tasks:
            cells = [Cell(arm, task, seed, extent) for arm in arms]
            async with open_stage(cells[0].scenario, place / task, f"{task}-{seed}", folder) as stage:
                results += await all_at_once(_AT_ONCE, [partial(_result, stage, cell) for cell in cells])
            _say(f"seed {seed}, {task}: {len(results)} runs so far")
            await anyio.to_thread.run_sync(_write, results, folder, place)
    return results


def _write(results: Sequence[Result], folder: Path, place: Path) -> None:
    """Write the report and its figure."""
    (folder / "tasks.md").write_text(page(results, place), encoding="utf-8")
    (folder / "tasks.svg").write_text(figure(results, place), encoding="utf-8")


async def _result(stage: Stage, cell: Cell) -> Result:
    """Make the run, or read its stored result."""

    async def make() -> Result:
        begun = time.monotonic()
        dummy = await anyio.to_thread.run_sync(stage.resources.harness.dummy_score)
        played = await stage.play(cell.name, cell.scenario, dummy)
        final = played.finished
        return Result(
            arm=cell.arm,
            task=cell.task,
            seed=cell.seed,
            trials=cell.extent.trials,
            dummy=dummy,
            validation=final.winner.score if final.winner else None,
            score=final.grade.score if final.grade else None,
            accepted=final.accepted / max(1, final.trials),
            seconds=time.monotonic() - begun,
            counted=played.counted,
            commit=commit(),
        )

    return await kept(stage.folder, cell.name, Result, make)


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def count(word: str) -> int:
    """Parse a number of trials. Raises ValueError, which argparse reports, where it is not a positive integer."""
    number = int(word)
    if number < 1:
        raise ValueError(word)
    return number


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark, and write the report and its figure."""
    parser = argparse.ArgumentParser(prog="benchmarks.tasks.grid")
    parser.add_argument("--quick", action="store_true", help="one seed, few trials")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["gome"], help="which optimizers")
    parser.add_argument("--tasks", nargs="+", choices=RECIPES, default=list(RECIPES), help="which tasks")
    parser.add_argument("--out", type=Path, default=Path(".benchmark-tasks"), help="folder of the results")
    parser.add_argument("--trials", type=count, help=f"trials per run, instead of {FULL.trials} or {QUICK.trials}")
    asked = parser.parse_args(arguments)
    extent = QUICK if asked.quick else FULL
    extent = replace(extent, trials=asked.trials or extent.trials)
    folder: Path = asked.out.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    commit()
    for task in asked.tasks:
        prepare_task(task, say=_say)
    anyio.run(run, asked.arms, asked.tasks, extent, folder)
    print((folder / "tasks.md").read_text(encoding="utf-8"))
