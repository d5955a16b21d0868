"""`task`: the tasks of the house, prepared from packages of the registry; and tasks of one's own."""

import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gome.cli.options import Json
from gome.errors import UsageError
from gome.viewer.output import emit, hint, say, say_aside, table

if TYPE_CHECKING:
    from gome.scenarios.authoring.from_table import MetricInDoubt

__all__ = ["app"]

app = App(
    name="task",
    help="List and prepare the tasks of the house, make one of a table, serve a check of submissions.",
    help_epilogue="",
)


@app.command(name="list")
def list_tasks(*, json: Json = False) -> int:
    """List the tasks that can be prepared, and whether they are."""
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
    words = {True: "yes", False: "no"}
    body = [
        [row["name"], words[row["prepared"]], words[row["leaderboard"]], ", ".join(row["carriers"])] for row in rows
    ]
    say(table(["task", "prepared", "leaderboard", "comes in"], body))
    hint("gome task prepare NAME", "gome task prepare --all")
    return 0


@app.command
def adapters(*, json: Json = False) -> int:
    """List the competitions of MLE-bench whose files are known; any other is taken as mlebench:COMPETITION:METRIC."""
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
    say("Any other is guessed from its files and marked unverified: mlebench:COMPETITION:METRIC")
    return 0


@app.command
def prepare(
    *names: str,
    all_: Annotated[bool, Parameter(name="--all", negative=(), show_default=False)] = False,
    json: Json = False,
) -> int:
    """Prepare tasks: fetch their data by pip, once, and write them under scenarios/tasks/NAME/prepared.

    Parameters
    ----------
    names
        Which tasks; `gome task list` names them.
    all_
        All of them.
    """
    from gome.scenarios.prepare.preparing import prepare_task, recipe_named
    from gome.scenarios.prepare.recipes import RECIPES

    wanted = tuple(RECIPES) if all_ else names
    if not wanted:
        raise UsageError(f"name a task to prepare, or --all; there are {', '.join(RECIPES)}")
    for name in wanted:
        recipe_named(name)
    done = []
    for name in wanted:
        begun = time.monotonic()
        prepared = prepare_task(name, say=say_aside)
        seconds = round(time.monotonic() - begun, 1)
        done.append({"name": name, "folder": str(prepared.folder), "was_there": prepared.was_there, "seconds": seconds})
        if not json:
            what = "was prepared already" if prepared.was_there else f"prepared in {seconds:.1f} s"
            say(f"{name:<18} {what}  {prepared.folder}")
    peak = _peak_mebibytes()
    if json:
        emit("task-prepare", {"tasks": done, "peak_mebibytes": peak})
    else:
        say(f"peak memory {peak} MiB")
        hint("gome run NAME" if all_ else f"gome run {wanted[0]}")
    return 0


@app.command
def serve(task: str, *, port: int = 5000) -> int:
    """Serve POST /validate for a task on this machine: is a submission's form right? Ends with ^C.

    Parameters
    ----------
    task
        A name, a folder, or mlebench:COMPETITION.
    port
        Where to listen; 0 takes a free one.
    """
    from gome.scenarios.config.loader import task_folder
    from gome.scenarios.grading.server import ValidationServer
    from gome.scenarios.task.task import Task

    loaded = Task.load(task_folder(task, Path.cwd()))
    try:
        server = ValidationServer(loaded, port)
    except OSError as error:
        raise UsageError(f"port {port} cannot be had: {error.strerror}; give another by --port") from error
    with server:
        say(f"http://127.0.0.1:{server.server_port}/validate answers for {loaded.brief.name}; ^C ends it")
        hint(f"curl -F file=@submission.csv http://127.0.0.1:{server.server_port}/validate")
        server.serve_forever()
    return 0


@app.command
def new(
    folder: Path,
    *,
    train: Path,
    target: tuple[str, ...],
    metric: str | None = None,
    test: Path | None = None,
    id_: Annotated[str | None, Parameter(name="--id")] = None,
    split: str | None = None,
    extra: tuple[Path, ...] = (),
    json: Json = False,
) -> int:
    """Make a task of a table: description, split, sample submission, task.yaml, and a scenario that runs it.

    Parameters
    ----------
    folder
        The task's new folder.
    train
        A CSV file with a header: the rows to learn from.
    target
        The column to predict; may be given more than once.
    metric
        What submissions are scored by, such as rmse, auc, log-loss. Guessed from the target where it is not given.
    test
        A CSV file with the rows to predict. Without it a fifth of the training rows is held out.
    id_
        The column of ids. Without one, rows are numbered.
    split
        random, stratified, holdout, group:COLUMN or time:COLUMN: how validation is held apart.
    extra
        A file or a folder that scripts get too, such as a table to join or a folder of pictures. May be given more
        than once.
    """
    from gome.cli.running.table import name_of, write_scenario
    from gome.scenarios.authoring.from_table import MetricInDoubt, new_task

    try:
        made = new_task(folder, train, target, metric, test=test, id_column=id_, split=split, extra=extra)
    except MetricInDoubt as doubt:
        answer = _asked(doubt)
        made = new_task(folder, train, target, answer, test=test, id_column=id_, split=split, extra=extra)
    brief = made.task.brief
    scenario = made.folder / "scenario.yaml"
    write_scenario(scenario, name_of(folder), made.folder, f"task new {folder.name}")
    if json:
        emit("task-new", {"folder": str(made.folder), "task": brief, "guesses": made.guesses})
        return 0
    say(f"{made.folder}: {brief.task_type}, {brief.metric} ({brief.direction}), split {brief.split.kind}")
    say(f"{brief.train_rows} rows to learn from, {brief.test_rows} to predict")
    for guess in made.guesses:
        say(f"guessed: {guess}")
    hint(
        f"write what the columns mean into {made.folder / 'prepared' / 'public' / 'description.md'}",
        f"gome run {scenario}",
    )
    return 0


def _asked(doubt: "MetricInDoubt") -> str:
    """The user's answer, where there is one to ask. Raises the doubt where there is not."""
    if not sys.stdin.isatty():
        raise doubt
    say_aside(str(doubt))
    try:
        return input(f"metric ({', '.join(doubt.choices)}): ").strip()
    except EOFError:
        raise doubt from None


def _peak_mebibytes() -> int:
    """The most memory that this process, or one of its children, has held."""
    kibibytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return kibibytes // 1024
