"""`hint`: tell a run what its next steps should follow."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gome.agents.protocol.hint import Hint
from gome.agents.runtime.inbox import Note, leave_note
from gome.agents.runtime.lifecycle import scenario_of
from gome.agents.runtime.placement import python_of
from gome.agents.scripts.user_script import read_start
from gome.bus.store.lock import holder
from gome.cli.options import Json, Run, Runs, folder_of
from gome.errors import UsageError
from gome.executors.resources.packages import describe
from gome.viewer.model.summary import Summary
from gome.viewer.output import emit, say
from gome.viewer.output import hint as say_next
from gome.viewer.run_folders import outline

__all__ = ["hint"]

_LONGEST = 4000
Several = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)]


def hint(
    run: Run,
    words: str = "",
    *,
    avoid: Several = (),
    prefer: Several = (),
    start: Annotated[Path | None, Parameter(show_default=False)] = None,
    trace: Annotated[int | None, Parameter(show_default=False)] = None,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Tell a run what its next steps should follow. It is recorded in the log; `gome log why` shows where it counted.

    Models read it with each proposal from then on and answer it. The rule-based expert reads --avoid and --prefer.

    Parameters
    ----------
    words
        What you want to say, in your own words.
    avoid
        Something not to use, such as lightgbm or network. May be repeated.
    prefer
        Something to try first. It ends an earlier --avoid of the same. May be repeated.
    start
        Your own solution script: the next step runs it as it is.
    trace
        Only for this trace. Default: all traces; a script goes to the trace with the best solution.
    """
    folder = folder_of(run, runs)
    given = Hint(words=words.strip(), avoid=avoid, prefer=prefer)
    if given == Hint() and start is None:
        raise UsageError('say something: gome hint RUN "…", or use --avoid, --prefer or --start')
    if len(given.line) > _LONGEST:
        raise UsageError(f"a hint of {len(given.line)} characters is too long for a prompt; the limit is {_LONGEST}")
    summary = outline(folder)
    _check_trace(summary, trace)
    script = None
    if start is not None:
        python = python_of(scenario_of(folder).executors) or Path(sys.executable)
        script = read_start(start, describe(python).importable)
        trace = _best_trace(summary) if trace is None else trace
    name = leave_note(folder, Note(kind="hint", trace=trace, hint=given, script=script))
    running = holder(folder) is not None
    if json:
        emit("hint", {"run": folder.name, "note": name, "trace": trace, "running": running})
        return 0
    if running:
        say(f"left for {folder.name}; its next proposals read it")
    else:
        say(f"left for {folder.name}, which is not running: it is recorded when the run is resumed")
    say_next(f"gome log {folder.name} --kind hint_given --kind proposal")
    return 0


def _check_trace(summary: Summary, trace: int | None) -> None:
    if trace is not None and trace not in summary.traces:
        known = ", ".join(map(str, sorted(summary.traces))) or "none yet"
        raise UsageError(f"run {summary.run} has no trace {trace}; its traces are {known}")


def _best_trace(summary: Summary) -> int:
    """The trace with the best solution; 0 where there is none yet."""
    return int(summary.best.step.partition(".")[0]) if summary.best is not None else 0
