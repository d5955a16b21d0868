"""The offline expert beside six default models on tables that it was not built on.

`python -m benchmarks.unseen [--half development] [--tables NAME …] [--trials N] [--out FOLDER]` writes unseen.md to the
folder, updated after each table. It can be stopped and restarted: finished runs and scripts are not repeated.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from benchmarks.pools.pool import submissions
from benchmarks.shared.runs import Stage, commit, kept, open_stage
from benchmarks.unseen.build import make_task
from benchmarks.unseen.defaults import default_models
from benchmarks.unseen.report import Compared, compare, page
from benchmarks.unseen.tables import TABLES, Table, half_of
from gome.errors import TaskError
from gome.scenarios.config.scenario import Scenario

__all__ = ["TRIALS", "main", "run"]

TRIALS = 12
_SECONDS = 120.0
"""Processor time that one run of a script may take."""


def scenario_of(table: Table, trials: int) -> Scenario:
    """What `gome run TABLE` does without a model, but in lockstep, so that load changes no score."""
    return Scenario.model_validate(
        {
            "name": "unseen",
            "task": table.folder,
            "traces": 2,
            "memory": {"consistency": "lockstep"},
            "budget": {"trials": trials},
            "seed": 0,
            "backends": {"expert": {"kind": "expert"}},
            "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "expert"),
            "executors": {"slots": 2, "threads": 1, "debug": False, "timeout": {"full": _SECONDS}},
        }
    )


async def run(tables: Sequence[Table], trials: int, folder: Path) -> list[Compared]:
    """Run the expert and the default models on each table, updating the report; return all comparisons."""
    found: list[Compared] = []
    for table in tables:
        task = await anyio.to_thread.run_sync(make_task, table, folder / "tasks", _say)
        async with open_stage(scenario_of(table, trials), task, table.folder, folder) as stage:
            make = partial(_compared, stage, table, trials, folder)
            found.append(await kept(folder, f"{table.folder}-{trials}", Compared, make))
        _say(found[-1].words)
        await anyio.Path(folder / "unseen.md").write_text(page(found), encoding="utf-8")
    return found


async def _compared(stage: Stage, table: Table, trials: int, folder: Path) -> Compared:
    """One run of the expert, and its predictions beside those of the default models."""
    task, begun = stage.resources.task, time.monotonic()
    played = await stage.play(f"{table.folder}-{trials}", scenario_of(table, trials), None)
    seconds = time.monotonic() - begun
    text = await stage.resources.forward.artefacts.text(played.finished.submission_ref or "")
    own = anyio.Path(folder / "submissions" / f"{table.folder}.csv")
    await own.parent.mkdir(parents=True, exist_ok=True)
    await own.write_text(text, encoding="utf-8")
    defaults = default_models(task, stage.resources.harness.profile)
    place = folder / "defaults" / table.folder
    made = await anyio.to_thread.run_sync(submissions, task, defaults, place)
    return await anyio.to_thread.run_sync(
        partial(compare, table, task, Path(own), made, played, seconds=seconds, trials=trials, at=commit())
    )


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> None:
    """Run the measurement, and write its report. Raises SystemExit where a package cannot be fetched."""
    names = [table.name for table in TABLES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unseen")
    parser.add_argument("--half", choices=["development", "reported"], default="development", help="which tables")
    parser.add_argument("--tables", nargs="+", choices=names, metavar="NAME", help="only these of them")
    parser.add_argument("--trials", type=int, default=TRIALS, help=f"trials a run (default {TRIALS})")
    parser.add_argument("--out", type=Path, default=Path(".benchmark-unseen"), help="folder of the results")
    asked = parser.parse_args(arguments)
    chosen = [table for table in TABLES if half_of(table) == asked.half]
    if asked.tables:
        chosen = [table for table in chosen if table.name in asked.tables]
    commit()
    try:
        anyio.run(run, chosen, asked.trials, asked.out.absolute())
    except TaskError as error:
        parser.error(str(error))
    print((asked.out / "unseen.md").read_text(encoding="utf-8"))
