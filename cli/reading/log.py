"""`log`: list and show the messages of a run."""

import difflib
import re
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from gome.api.step_explanation import last_of
from gome.api.step_explanation import why as explained
from gome.cli.options import InRun, Json, Place, Run, Runs, folder_of
from gome.cli.reading.stats import show_sql, show_stats
from gome.errors import RunNotFound, UsageError
from gome.scenarios.config.units import parse_duration
from gome.viewer.model.summary import find_step, summarise
from gome.viewer.output import hint, say
from gome.viewer.queries.listing import Filter, list_messages
from gome.viewer.queries.message import show_causes, show_message, show_thread
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["app"]

app = App(name="log", help="Read a run's messages: gome log RUN, or one of the commands below.", help_epilogue="")


@app.default
def log(
    run: Run = "@last",
    *,
    role: str | None = None,
    trace: Place = None,
    step: Place = None,
    kind: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    since: str | None = None,
    grep: str | None = None,
    follow: Annotated[bool, Parameter(name=["-f", "--follow"], negative=(), show_default=False)] = False,
    all_: Annotated[bool, Parameter(name="--all", negative=(), show_default=False)] = False,
    last: Annotated[int, Parameter(validator=Number(gte=0))] = 200,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """List a run's messages.

    Parameters
    ----------
    role
        Only messages sent by this role (diagnoser, proposer, memory-keeper, writer, runner, director, …).
    trace
        Only messages of this trace.
    step
        Only messages of this step.
    kind
        Only messages of this kind (diagnosis, proposal, trial, …). May be repeated.
    since
        Only messages sent later than this after the start of the run, such as 90s or 5min.
    grep
        Only messages that contain this text.
    follow
        Keep printing new messages until the run has finished.
    all_
        Include starts and ends of model calls and script runs.
    last
        Number of messages to show, the newest; 0 shows all.
    """
    try:
        start = None if since is None else float(parse_duration(since))
    except ValueError as error:
        raise UsageError(f"--since {since}: {error}") from error
    chosen = Filter(role, trace, step, kind, start, grep, everything=all_)
    return list_messages(_folder(run, runs), chosen, last, follow, as_json=json)


def _folder(run: str, runs: Path | None) -> Path:
    """The folder of a run. Raises RunNotFound, with a suggestion where the name resembles a sub-command."""
    try:
        return folder_of(run, runs)
    except RunNotFound as error:
        near = difflib.get_close_matches(run, [name for name in app if not name.startswith("-")], n=1)
        if not near:
            raise
        raise RunNotFound(f"{error}; or did you mean: gome log {near[0]}?") from error


@app.command
def show(message: str, *, run: InRun = "@last", runs: Runs = None, json: Json = False) -> int:
    """Show one message in full: its fields, the rendered prompt, the reply, the cost.

    Parameters
    ----------
    message
        The id of the message, or a unique prefix of it.
    """
    return show_message(folder_of(run, runs), message, as_json=json)


@app.command
def thread(message: str, *, run: InRun = "@last", runs: Runs = None, json: Json = False) -> int:
    """Show the conversation that a message belongs to.

    Parameters
    ----------
    message
        The id of the message, or a unique prefix of it.
    """
    return show_thread(folder_of(run, runs), message, as_json=json)


@app.command
def why(message: str, *, run: InRun = "@last", runs: Runs = None, json: Json = False) -> int:
    """Show why a message was sent: its chain of causes. Of a step: what it tried, what came of it, and its causes.

    Parameters
    ----------
    message
        The id of the message, or a unique prefix of it; or a step, such as 0.2.
    """
    folder = folder_of(run, runs)
    if not re.fullmatch(r"\d+\.\d+", message):
        return show_causes(folder, message, as_json=json)
    with open_reader(folder) as reader:
        step = find_step(summarise(reader.envelopes()), message)
        last, told = last_of(reader, step), explained(reader, step)
    if json:
        return show_causes(folder, last, as_json=True)
    say(told)
    hint(f"gome log show {last[:8]} --run {as_opened(folder)}", f"gome diff {as_opened(folder)} {step.name}")
    return 0


@app.command
def stats(run: Run = "@last", *, runs: Runs = None, json: Json = False) -> int:
    """Show messages and calls by role, and how the time was spent."""
    return show_stats(folder_of(run, runs), as_json=json)


@app.command
def sql(query: str, *, run: InRun = "@last", runs: Runs = None, json: Json = False) -> int:
    """Query the log with SQL, read-only. Tables: messages, cursors, telemetry, meta.

    Parameters
    ----------
    query
        One SELECT statement.
    """
    return show_sql(folder_of(run, runs), query, as_json=json)
