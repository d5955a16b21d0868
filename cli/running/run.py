"""`run`: run a scenario and show its progress; at the end write the best files and the report."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import anyio
from cyclopts import Parameter

from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.memory import share_heap
from gome.api.own_files import remove
from gome.api.own_table import TABLE_ENDS, Table, Written, scenario_of_table
from gome.api.results import write_results
from gome.api.table_budget import budget_settings
from gome.api.tracking import tracked
from gome.bus.actors.supervisor import Supervisor
from gome.cli.detach import detach as start_detached
from gome.cli.detach import tell_detached
from gome.cli.exit_statuses import INTERRUPTED
from gome.cli.interrupts import Work, interruptible
from gome.cli.key_consent import check_consent
from gome.cli.options import Display, Json, Overrides, RoleBackends, Runs, Sandbox, ScenarioFile, Trust
from gome.cli.reading.best import best_data
from gome.cli.running.confirm import answer_at_terminal, is_terminal
from gome.errors import UsageError
from gome.scenarios.authoring.sources import STANDARD_INPUT
from gome.scenarios.config.loader import load_scenario, warnings
from gome.scenarios.config.scenario import Scenario
from gome.viewer import text
from gome.viewer.model.doubts import doubts
from gome.viewer.output import emit, hint, say, say_aside
from gome.viewer.run_folders import as_opened, has_log, new_run_id, open_reader, runs_root
from gome.viewer.terminal.watch import DisplayName, QuietDisplay, choose_display, watch

if TYPE_CHECKING:
    from gome.agents.runtime.lifecycle import Ready
    from gome.scenarios.task.task import Task

__all__ = ["conclude", "run", "run_watched"]


def run(
    scenario: ScenarioFile,
    *,
    set_: Overrides = (),
    role: RoleBackends = (),
    display: Display = None,
    sandbox: Sandbox = "auto",
    trust: Trust = False,
    target: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    test: Annotated[Path | None, Parameter(show_default=False)] = None,
    metric: Annotated[str | None, Parameter(show_default=False)] = None,
    model: Annotated[str | None, Parameter(show_default=False)] = None,
    split: Annotated[str | None, Parameter(show_default=False)] = None,
    drop_missing_target: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    id_: Annotated[str | None, Parameter(name="--id", show_default=False)] = None,
    budget: Annotated[str | None, Parameter(show_default=False)] = None,
    start: Annotated[Path | None, Parameter(show_default=False)] = None,
    confirm: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    detach: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    run_id: Annotated[str | None, Parameter(show=False)] = None,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Run a scenario, or your own table (train.csv --target COLUMN) or pictures (FOLDER), and show its progress live.

    Parameters
    ----------
    scenario
        A scenario's YAML file or a built-in one's name; or a table (CSV, also packed, Parquet, Feather, Excel, - for
        standard input) or a folder of pictures, CLASS/picture.png: task and scenario are then written beside it.
    target
        For a table: the column to predict. For pictures: the name of the class, by default class.
    test
        A second table, or folder of pictures, with the rows to predict. Default: a part of the first is held out.
    metric
        For a table: the metric, such as rmse, auc, log-loss. Default: guessed from the target.
    model
        For a table: the language model, such as gpt-5. Default: the rule-based offline expert.
    split
        For a table: random, stratified, holdout, group:COLUMN or time:COLUMN. Default: as the test differs.
    drop_missing_target
        For a table: leave out rows without a target.
    id_
        For a table: the column that names its rows, also in predictions. Default: found, or rows are numbered.
    budget
        Time of the whole run, such as 4min, or a number of trials, such as 12. Default: the scenario's; for a table
        10min and 12 trials, whichever is used first; with a model 1h and 5 USD (unknown price: 20 trials).
    start
        Your own solution script (see docs/contract.md). It is the first trial; traces continue from it.
    confirm
        Each proposal waits until you accept, edit or reject it: here, or elsewhere with `gome confirm`.
    detach
        Return once the run has begun; it continues in the background, also after this terminal closes.
    """
    set_ = (*set_, *budget_settings(budget), *(["confirm=true"] if confirm else []))
    own = Table(target, test, metric, model, drop_missing_target, split, id_)
    with _set_up(scenario, own, set_, role, trust, sandbox, runs, run_id, start) as (path, asked, folder, work):
        if detach:
            return _detached(path, _settings(set_, role, sandbox, start), display, folder, as_json=json)
        return run_watched(folder, work, display, as_json=json, confirms=asked.confirm)


@contextmanager
def _set_up(
    scenario: Path,
    table: Table,
    overrides: Sequence[str],
    roles: Sequence[str],
    trust: bool,
    sandbox: str,
    runs: Path | None,
    run_id: str | None,
    start: Path | None,
) -> Iterator[tuple[Path, Scenario, Path, Work]]:
    """The file of the scenario, the scenario, the run's folder, and what starts the run there.

    What was newly written for the table is removed if the run does not begin.
    """
    unsandboxed, load = sandbox == "none", partial(_load, overrides=overrides, roles=roles, trust=trust)
    root = runs_root(runs)  # first, because a table's task is written before the run
    path, made = _with_table(scenario, table, unsandboxed, load, overrides, root)
    folder: Path | None = None
    try:
        asked = _warned(path, load)
        folder = root / (run_id or new_run_id(asked.name))
        yield path, asked, folder, partial(_start, asked, path, folder, start, unsandboxed, made.task if made else None)
    finally:
        if made and not made.again and not (folder and has_log(folder)):
            remove(made.scenario, made.task.folder)
            say_aside(f"removed {made.scenario} and {made.task.folder}, as the run did not begin")


def _warned(path: Path, load: Callable[[Path], Scenario]) -> Scenario:
    """Load the scenario, and tell what its user should know of it."""
    scenario = load(path)
    for note in warnings(scenario):
        say_aside(f"{path}: warning: {note}")
    return scenario


async def _start(
    asked: Scenario,
    path: Path,
    folder: Path,
    start: Path | None,
    unsandboxed: bool,
    made: "Task | None",
    ready: "Ready",
) -> RunFinished | None:
    """Start the run, and tell its folder once it has begun: one that fails to begin has none.

    What the user should know of the task is told too, unless it was just `made` from a table, which has told it.
    """
    from gome.agents.runtime.lifecycle import start_run  # a second or more: the display stands before it
    from gome.cli.running.validate import task_notes

    def known(task: "Task") -> None:
        for note in task_notes(task) if made is None else ():
            say_aside(f"{path}: warning: {note}")

    def begun(supervisor: Supervisor) -> None:
        say_aside(f"run {folder.name} in {folder}")
        ready(supervisor)

    options: dict[str, Any] = {"run_id": folder.name, "start": start, "unsandboxed": unsandboxed, "task": made}
    return await start_run(asked, path, folder, **options, on_ready=begun, on_task=known)


def _with_table(
    scenario: Path,
    table: Table,
    unsandboxed: bool,
    load: Callable[[Path], Scenario],
    overrides: Sequence[str],
    runs: Path,
) -> tuple[Path, Written | None]:
    """The file of the scenario to run: the given one, or that written beside a table, with what was written.

    Raises UsageError for options in vain.
    """
    if scenario.suffix.lower() in TABLE_ENDS or scenario == STANDARD_INPUT or scenario.is_dir():
        from gome.agents.runtime.resources import check_means  # pandas with it: only where there is a table

        share_heap()  # before the first thread
        means = partial(check_means, beside=scenario.parent, unsandboxed=unsandboxed)
        made = scenario_of_table(
            scenario, table, lambda draft: anyio.run(means, load(draft)), say_aside, overrides, runs
        )
        return made.scenario, made
    if table != Table(()):
        options = "--target, --test, --metric, --model, --split, --id and --drop-missing-target"
        raise UsageError(f"{options} need a table: gome run train.csv --target COLUMN")
    return scenario, None


def _settings(set_: Sequence[str], role: Sequence[str], sandbox: str, start: Path | None) -> list[str]:
    """The options of a run that a detached process needs again."""
    options = [*(f"--set={each}" for each in set_), *(f"--role={each}" for each in role), "--sandbox", sandbox]
    return [*options, f"--start={start.absolute()}"] if start else options


def _detached(path: Path, settings: Sequence[str], display: DisplayName | None, folder: Path, *, as_json: bool) -> int:
    """Start the run in `folder` in a process of its own, with the same arguments, and say how to reach it."""
    shown = ["--display", "json" if display == "json" else "plain"]
    again = ["run", str(path), *settings, *shown, "--runs", str(folder.parent), "--run-id", folder.name]
    return tell_detached(start_detached(again, folder), as_json=as_json)


def _load(path: Path, overrides: Sequence[str], roles: Sequence[str], trust: bool) -> Scenario:
    """Load the scenario with its overrides and check the user's consent to the servers that get API keys."""
    scenario = load_scenario(path, overrides=overrides, roles=roles)
    check_consent(scenario, path.parent, trust=trust)
    return scenario


def run_watched(folder: Path, work: Work, display: DisplayName | None, as_json: bool, *, confirms: bool = False) -> int:
    """Run `work` while a thread displays the log in `folder`; then write the results. Returns the exit status.

    With `confirms`, a second thread asks about proposals where a terminal is there, line by line.
    """
    share_heap()
    with tracked(folder):
        return _watched(folder, work, display, as_json=as_json, confirms=confirms)


def _watched(folder: Path, work: Work, display: DisplayName | None, *, as_json: bool, confirms: bool) -> int:
    over = Event()
    asks = confirms and not as_json and display != "json" and is_terminal()
    told = _last_message(folder)  # a run that goes on does not repeat what it has printed before
    shown = QuietDisplay() if as_json and display is None else choose_display("plain" if asks else display, told)
    with ThreadPoolExecutor(2, thread_name_prefix="watch") as pool:
        watching = [pool.submit(watch, folder, shown, over)]
        watching += [pool.submit(answer_at_terminal, folder, over)] if asks else []
        try:
            finished = anyio.run(interruptible, work)
        finally:
            over.set()
        for each in watching:
            each.result()
    if finished is None and not has_log(folder):
        say_aside("stopped before the run began")
        return INTERRUPTED
    if finished is None:
        say_aside(f"stopped; finished work is saved in {folder}")
        hint(f"gome resume {as_opened(folder)}", f"gome log {as_opened(folder)}", f"gome best {as_opened(folder)}")
        return INTERRUPTED
    return conclude(folder, as_json=as_json or display == "json")


def _last_message(folder: Path) -> int:
    """Sequence number of the last message in the log; 0 where there is none."""
    if not has_log(folder):
        return 0
    with open_reader(folder) as reader:
        return reader.head()


def conclude(folder: Path, as_json: bool) -> int:
    """Write report and best files of a finished run and print their paths; status 1 where no trial was accepted."""
    results = write_results(folder)
    summary, files = results.summary, results.files
    if summary.best is None:
        from gome.viewer.model.no_success import shortfall

        say_aside(f"no trial was accepted; report: {results.report}")
        if (why := shortfall(summary)) is not None:
            say_aside(why)
        hint(f"gome log {as_opened(folder)} --kind diagnosis", f"gome log {as_opened(folder)} --kind repair_called")
        return 1
    with open_reader(folder) as reader:
        data: dict[str, Any] = best_data(reader, summary)
    paths = {"folder": folder, "script": files["script"], "submission": files["submission"], "report": results.report}
    if as_json:
        emit("run", {**data, **{name: str(path) for name, path in paths.items()}})
        return 0
    say(f"\nbest         step {data['step']}, {data['metric']} {text.on_splits(data['score'], data['judged'])}")
    say(f"baseline     {text.score(data['baseline'])}, a constant prediction")
    if summary.submitted is not None:
        say(f"submitted    {summary.submitted.at_the_finish}")
        if summary.submitted.because:
            say(f"because      {summary.submitted.because}")
        if summary.submitted.grade is not None:
            say(f"test score   {summary.submitted.on_the_test}")
    for doubt in doubts(summary):
        say(f"beware       {doubt}")
    for name, path in paths.items():
        say(f"{name:<12} {path}")
    hint(f"gome log {as_opened(folder)}", f"gome best {as_opened(folder)} --json", "gome runs")
    return 0
