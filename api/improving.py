"""`gome.improve`: run gome on a table from Python, and wait for the result."""

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Literal

import anyio.to_thread

from gome.agents.protocol.activities import QUESTION
from gome.agents.runtime.lifecycle import Ready, start_run
from gome.agents.runtime.stopping import waiting_words
from gome.api.finished import Run
from gome.api.frames import Table, as_file
from gome.api.own_table import name_of, write_scenario
from gome.api.results import write_results
from gome.api.table_budget import budget_settings
from gome.api.tracking import tracked
from gome.api.waiting import wait_for
from gome.bus.actors.supervisor import Supervisor
from gome.errors import UsageError
from gome.scenarios.authoring.from_table import NewTask, new_task
from gome.scenarios.authoring.sources import open_source
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.scenario import Scenario
from gome.viewer.output import say
from gome.viewer.run_folders import has_log, new_run_id, runs_root
from gome.viewer.terminal.watch import Display, PlainDisplay, QuietDisplay, RichDisplay, watch

__all__ = ["Budget", "Progress", "improve", "improve_async"]

Budget = str | int | Mapping[str, Any]
"""A time such as `1h`, a number of trials, or several limits: `{"time": "1h", "usd": 5}`."""
Progress = Literal["plain", "rich", "none"]
_DISPLAYS: dict[str, type[Display]] = {"plain": PlainDisplay, "rich": RichDisplay, "none": QuietDisplay}


@dataclass(frozen=True)
class _Asked:
    """The arguments of `improve`."""

    train: Table
    target: str | tuple[str, ...]
    test: Table | None = None
    metric: str | None = None
    model: str | None = None
    budget: Budget | None = None
    start: Path | str | None = None
    id_column: str | None = None
    split: str | None = None
    settings: Mapping[str, Any] | None = None
    runs: Path | str | None = None
    progress: Progress = "plain"
    sandbox: Literal["auto", "none"] = "auto"

    def __post_init__(self) -> None:
        if self.progress not in _DISPLAYS:
            raise UsageError(f"progress is one of {', '.join(_DISPLAYS)}, not {self.progress!r}")

    @property
    def name(self) -> str:
        """The name of the run: of the table's file, or of the target where the table is in memory."""
        first = self.target if isinstance(self.target, str) else next(iter(self.target), "")
        return name_of(Path(self.train) if isinstance(self.train, str | Path) else Path(f"{first}.csv"))

    @property
    def overrides(self) -> list[str]:
        """Budget and settings as overrides of the scenario, with the value in JSON, which is YAML too."""
        settings = [f"{path}={json.dumps(value)}" for path, value in (self.settings or {}).items()]
        return [*settings, *budget_settings(self.budget)]


def improve(
    train: Table,
    target: str | tuple[str, ...],
    *,
    test: Table | None = None,
    metric: str | None = None,
    model: str | None = None,
    budget: Budget | None = None,
    start: Path | str | None = None,
    id_column: str | None = None,
    split: str | None = None,
    settings: Mapping[str, Any] | None = None,
    runs: Path | str | None = None,
    progress: Progress = "plain",
    sandbox: Literal["auto", "none"] = "auto",
) -> Run:
    """Improve a solution for a table until the budget is used, and return the run.

    Works in a script, in a notebook, and inside a running event loop, which it blocks; there, `improve_async` does not.
    ^C stops the run in order: the run that is returned can be continued with `gome resume`.

    Args:
        train: Rows with the target: a DataFrame, or the path of a table or of a folder of pictures by class.
        target: The column to predict; several as a tuple.
        test: Rows to predict. By default a fifth of `train` is held out, and the solution is graded on it.
        metric: Such as rmse, rmsle, auc, log-loss. By default guessed from the target.
        model: A language model, such as gpt-5, whose key is in OPENAI_API_KEY. By default the rule-based expert.
        budget: A time such as `1h`, a number of trials, or several limits. By default ten minutes and twelve trials;
            with a model an hour and 5 USD, or 20 trials where its price is unknown. As soon as you name a limit, the
            defaults of time and trials are gone; that in USD stays until you name USD.
        start: Your own solution script (docs/contract.md): it is the first trial, and traces continue from it.
        id_column: The column with ids. By default it is found, or rows are numbered.
        split: random, stratified, holdout, group:COLUMN or time:COLUMN. By default random or stratified.
        settings: Further settings of the scenario, such as `{"seed": 3, "executors.slots": 2}`.
        runs: The folder of all runs. By default $GOME_RUNS, or `runs` in the working directory.
        progress: A line per message (`plain`), a live screen (`rich`), or nothing.
        sandbox: `none` runs the scripts unconfined.

    Raises:
        UsageError: A table, a column or a setting is invalid; nothing is left on disk then.
        SandboxError: Scripts cannot be run in a sandbox here.
        Outage: A service failed during the run, which can be resumed.
    """
    asked = _Asked(
        train, target, test, metric, model, budget, start, id_column, split, settings, runs, progress, sandbox
    )
    begun: list[Supervisor] = []

    def interrupt() -> None:
        for supervisor in begun:
            if progress != "none":
                say(f"stopping: {waiting_words(supervisor.in_flight(QUESTION))}; interrupt again to leave at once")
            supervisor.stop()

    return wait_for(partial(_improve, asked, begun.append), interrupt)


async def improve_async(
    train: Table,
    target: str | tuple[str, ...],
    *,
    test: Table | None = None,
    metric: str | None = None,
    model: str | None = None,
    budget: Budget | None = None,
    start: Path | str | None = None,
    id_column: str | None = None,
    split: str | None = None,
    settings: Mapping[str, Any] | None = None,
    runs: Path | str | None = None,
    progress: Progress = "plain",
    sandbox: Literal["auto", "none"] = "auto",
) -> Run:
    """As `improve`, on the running event loop (asyncio); cancel it to stop the run at once.

    Args, Raises: as `improve`.
    """
    asked = _Asked(
        train, target, test, metric, model, budget, start, id_column, split, settings, runs, progress, sandbox
    )
    return await _improve(asked, lambda _: None)


async def _improve(asked: _Asked, ready: Ready) -> Run:
    """Write the task and run its scenario, while a thread shows the progress; then write the results."""
    root = runs_root(Path(asked.runs) if asked.runs is not None else None)
    folder = root / new_run_id(asked.name)
    place = root / "tasks" / folder.name
    scenario, path, made = await anyio.to_thread.run_sync(_prepare, asked, place)
    for guess in made.guesses if asked.progress != "none" else ():
        say(f"guessed: {guess}")
    with tracked(folder):
        over = Event()
        with ThreadPoolExecutor(1, thread_name_prefix="watch") as pool:
            watching = pool.submit(watch, folder, _DISPLAYS[asked.progress](), over)
            try:
                await start_run(
                    *(scenario, path, folder),
                    run_id=folder.name,
                    start=Path(asked.start) if asked.start is not None else None,
                    unsandboxed=asked.sandbox == "none",
                    task=made.task,
                    on_ready=ready,
                )
            finally:
                over.set()
                if not has_log(folder):  # it did not begin
                    shutil.rmtree(place, ignore_errors=True)
            await anyio.to_thread.run_sync(watching.result)
        if has_log(folder):
            await anyio.to_thread.run_sync(write_results, folder)
    return Run(folder)


def _prepare(asked: _Asked, place: Path) -> tuple[Scenario, Path, NewTask]:
    """Write tables, task and scenario into the folder `place`, or nothing.

    Returns the scenario, its path, and the task with what was guessed from the table.
    """
    targets = (asked.target,) if isinstance(asked.target, str) else tuple(asked.target)
    try:
        train = as_file(asked.train, place / "train.csv")
        test = None if asked.test is None else as_file(asked.test, place / "test.csv")
        task, path = place / f"{asked.name}-task", place / f"{asked.name}.yaml"
        with open_source(train, test, targets) as source:
            options: dict[str, Any] = {"test": source.test, "id_column": asked.id_column, "split": asked.split}
            options |= {"extra": source.extra, "classified": source.classified}
            made = new_task(task, source.train, source.targets, asked.metric, **options)
        write_scenario(path, asked.name, task, "improve", asked.model, asked.overrides)
        made = replace(made, guesses=(*source.remarks, *made.guesses))
        return load_scenario(path, overrides=asked.overrides), path, made
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
