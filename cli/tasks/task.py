"""`task`: list and prepare the built-in tasks, create a task from a table, serve a submission check."""

import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gome.cli.options import Json, Port
from gome.errors import UsageError
from gome.viewer.output import emit, hint, say, say_aside, table

if TYPE_CHECKING:
    from gome.scenarios.authoring.from_table import MetricInDoubt, NewTask

__all__ = ["app"]

app = App(
    name="task",
    help="List and prepare built-in tasks, create a task from a table, serve a submission check.",
    help_epilogue="",
)


@app.command(name="list")
def list_tasks(*, json: Json = False) -> int:
    """List the built-in tasks and whether they are prepared."""
    from gome.scenarios.prepare.preparing import TASKS
    from gome.scenarios.prepare.recipes import RECIPES

    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "prepared": all((TASKS / name / "prepared" / path).exists() for path in recipe.sums),
            "leaderboard": (TASKS / name / "leaderboard.csv").is_file(),
            "carriers": sorted({f"{carrier.package} {carrier.version}" for carrier in recipe.carriers}),
        }
        for name, recipe in RECIPES.items()
    ]
    if json:
        emit("task-list", rows)
        return 0
    yes_no = {True: "yes", False: "no"}
    body = [
        [row["name"], yes_no[row["prepared"]], yes_no[row["leaderboard"]], ", ".join(row["carriers"])] for row in rows
    ]
    say(table(["task", "prepared", "leaderboard", "packages"], body))
    hint("gome task prepare NAME", "gome task prepare --all")
    return 0


@app.command
def adapters(*, json: Json = False) -> int:
    """List the MLE-bench competitions with an adapter; use any other as mlebench:COMPETITION:METRIC."""
    from gome.scenarios.authoring.mlebench_adapters import ADAPTERS

    rows = [
        {"competition": name, "targets": list(each.targets), "metric": each.metric, "split": str(each.split["kind"])}
        for name, each in ADAPTERS.items()
    ]
    if json:
        emit("task-adapters", rows)
        return 0
    body = [[name, ", ".join(each.targets), each.metric, str(each.split["kind"])] for name, each in ADAPTERS.items()]
    say(table(["competition", "targets", "metric", "validation"], body))
    say("Any other competition: mlebench:COMPETITION:METRIC (guessed from its files, marked unverified)")
    return 0


@app.command
def prepare(
    *names: str,
    all_: Annotated[bool, Parameter(name="--all", negative=(), show_default=False)] = False,
    json: Json = False,
) -> int:
    """Prepare tasks: download their data once, with pip, and write scenarios/tasks/NAME/prepared.

    Parameters
    ----------
    names
        The tasks to prepare; see `gome task list`.
    all_
        Prepare all tasks.
    """
    from gome.scenarios.prepare.preparing import prepare_task, recipe_named
    from gome.scenarios.prepare.recipes import RECIPES

    wanted = tuple(RECIPES) if all_ else names
    if not wanted:
        raise UsageError(f"name a task to prepare, or use --all; tasks are {', '.join(RECIPES)}")
    for name in wanted:
        recipe_named(name)
    done = []
    for name in wanted:
        begun = time.monotonic()
        prepared = prepare_task(name, say=say_aside)
        seconds = round(time.monotonic() - begun, 1)
        done.append({"name": name, "folder": str(prepared.folder), "was_there": prepared.was_there, "seconds": seconds})
        if not json:
            what = "already prepared" if prepared.was_there else f"prepared in {seconds:.1f} s"
            say(f"{name:<18} {what}  {prepared.folder}")
    peak = _peak_mebibytes()
    if json:
        emit("task-prepare", {"tasks": done, "peak_mebibytes": peak})
    else:
        say(f"peak memory {peak} MiB")
        hint("gome run NAME" if all_ else f"gome run {wanted[0]}")
    return 0


@app.command
def serve(task: str, *, port: Port = 5000) -> int:
    """Serve POST /validate on this machine: check the format of submissions to a task. Stop with ^C.

    Parameters
    ----------
    task
        A name, a folder, or mlebench:COMPETITION.
    port
        The port to listen on; 0 picks a free port.
    """
    from gome.scenarios.config.loader import task_folder
    from gome.scenarios.grading.server import ValidationServer
    from gome.scenarios.task.task import Task

    loaded = Task.load(task_folder(task, Path.cwd()))
    try:
        server = ValidationServer(loaded, port)
    except OSError as error:
        raise UsageError(f"cannot listen on port {port}: {error.strerror}; choose another --port") from error
    with server:
        address = f"http://127.0.0.1:{server.server_port}/validate"
        say(f"{address} checks submissions to {loaded.brief.name}; press ^C to stop")
        hint(f"curl -F file=@submission.csv {address}")
        server.serve_forever()
    return 0


@app.command
def new(
    folder: Path,
    *,
    train: Path,
    target: tuple[str, ...] = (),
    metric: str | None = None,
    model: str | None = None,
    test: Path | None = None,
    id_: Annotated[str | None, Parameter(name="--id")] = None,
    split: str | None = None,
    extra: tuple[Path, ...] = (),
    drop_missing_target: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    json: Json = False,
) -> int:
    """Create a task from a table: description, split, sample submission, task.yaml, and a scenario to run it.

    Parameters
    ----------
    folder
        The folder to create.
    train
        A table with a header (CSV, also packed, Parquet, Feather, Excel; - for standard input): the training rows. Or a
        folder of pictures by class (CLASS/picture.png).
    target
        The column to predict. May be repeated. For pictures: the name of the class, by default class.
    metric
        The metric, such as rmse, auc, log-loss. Default: guessed from the target.
    model
        The language model of the scenario, such as gpt-5. Default: the rule-based offline expert.
    test
        A table with the rows to predict. Default: a fifth of the training rows is held out.
    id_
        The id column. Default: found, or rows are numbered.
    split
        The validation split: random, stratified, holdout, group:COLUMN or time:COLUMN.
    extra
        A file or folder that scripts also get, such as a table to join or a folder of images. May be repeated.
    drop_missing_target
        Leave out rows without a target.
    """
    from gome.api.own_table import model_line, name_of, write_scenario
    from gome.scenarios.authoring.from_table import MetricInDoubt, new_task
    from gome.scenarios.authoring.sources import open_source

    line = model_line(model) if model is not None else None  # refused before the table is read
    with open_source(train, test, target) as source:
        options: dict[str, Any] = {"test": source.test, "id_column": id_, "split": split}
        options |= {"extra": (*source.extra, *extra), "classified": source.classified}
        options["drop_missing"] = drop_missing_target
        try:
            made = new_task(folder, source.train, source.targets, metric, **options)
        except MetricInDoubt as doubt:
            made = new_task(folder, source.train, source.targets, _asked(doubt), **options)
        made = replace(made, guesses=(*source.remarks, *made.guesses))
    scenario = made.folder / "scenario.yaml"
    write_scenario(scenario, name_of(folder), made.folder, f"task new {folder.name}", model)
    if json:
        emit("task-new", {"folder": str(made.folder), "task": made.task.brief, "guesses": made.guesses})
    else:
        _tell(made, scenario, line)
    return 0


def _tell(made: "NewTask", scenario: Path, model: str | None) -> None:
    """Print what was made, what was guessed, the line about its `model`, and what to do next."""
    brief = made.task.brief
    say(f"{made.folder}: {brief.task_type}, {brief.metric} ({brief.direction}), split {brief.split.kind}")
    say(f"{brief.train_rows} training rows, {brief.test_rows} rows to predict")
    for guess in made.guesses:
        say(f"table: {guess}")
    if model is not None:
        say(model)
    hint(
        f"describe the columns in {made.folder / 'prepared' / 'public' / 'description.md'}",
        *([f"gome doctor {scenario}"] if model is not None else []),
        f"gome run {scenario}",
    )


def _asked(doubt: "MetricInDoubt") -> str:
    """Ask the user for the metric. Raises `doubt` where standard input is not a terminal."""
    if not sys.stdin.isatty():
        raise doubt
    say_aside(str(doubt))
    try:
        return input(f"metric ({', '.join(doubt.choices)}): ").strip()
    except EOFError:
        raise doubt from None


def _peak_mebibytes() -> int:
    """Peak resident memory of this process or of a child process, in MiB."""
    kibibytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return kibibytes // 1024
