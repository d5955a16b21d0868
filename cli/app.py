"""Entry point of the command line. Each command has its own module, imported only when the command runs.

A command returns its exit status. A `GomeError` is printed on standard error as `error[code]: message`, and its class
defines the exit status (gome/errors.py). Other statuses: 2 for invalid arguments, 130 for ^C, 141 for a closed pipe.
"""

import difflib
import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError
from cyclopts.exceptions import MissingArgumentError, UnknownCommandError, UnusedCliTokensError

from gome.cli.exit_statuses import INTERRUPTED, PIPE_CLOSED
from gome.errors import GomeError, Outage, ScenarioError, TaskError, UsageError
from gome.version import VERSION

__all__ = ["VERBS", "app", "main"]

VERBS = {
    "run": "Run a scenario and show its progress live.",
    "validate": "Check a scenario and its task and report every problem; runs nothing.",
    "doctor": "Check that a scenario can run here: real requests to each backend, sandbox, slots, disk.",
    "runs": "List all runs, newest first.",
    "log": "List a run's messages; show one in full, with its conversation or its causes.",
    "view": "Serve live web pages of all runs on this machine.",
    "report": "Write the report of a run: one self-contained HTML file.",
    "best": "Show a run's best solution, or write its script and submission to a folder.",
    "predict": "Predict new rows with the solution of a run.",
    "tree": "Show the lineage: which solution was derived from which.",
    "diff": "Show what a step changed in its parent's code, and the effect on each split.",
    "memory": "Show the shared memory: accepted changes, failures, findings, and the state of each trace.",
    "cost": "Show calls, tokens, USD and time by role, trace, model, question or hypothesis.",
    "gantt": "Show a timeline of roles and slots, and how much reasoning and executing overlapped.",
    "resume": "Continue a stopped run, or extend a finished one with more budget.",
    "hint": "Tell a run what its next steps should try, avoid or prefer, or give it a script to start.",
    "pause": "Let a running run open no further steps, or end the pause.",
    "step": "Let a running run open one more step, show it, then pause.",
    "confirm": "Accept, edit or reject the proposals of a run that wait for you.",
    "stop": "Stop a running run in order; finished work is saved, resume continues it.",
    "finish": "Finish a stopped run without further trials.",
    "fork": "Branch a run at a message and continue live; the parent is unchanged.",
    "replay": "Replay a run from its log, offline, and verify that it makes the same decisions.",
    "compare": "Compare two runs: scores, times, costs, settings, ideas.",
    "sweep": "Run a scenario with every combination of settings; writes one table and one figure.",
    "export": "Export a run as JSON lines, spans or a Chrome trace, or its solution as a Python package.",
    "mcp": "Serve runs to an assistant by the Model Context Protocol (an extra: gome[mcp]).",
    "task": "List and prepare built-in tasks, create a task from a table, serve a submission check.",
    "completion": "Print the script by which a shell completes gome's commands and options.",
    "grade": "Grade a submission as MLE-bench does: score, medal, above or below the median.",
}
"""Help text of each command, in the order of `gome --help`. A command's module has its name."""

ROOMS = {"task": "tasks", "grade": "tasks"} | dict.fromkeys(
    (
        "run",
        "validate",
        "doctor",
        "predict",
        "resume",
        "finish",
        "fork",
        "replay",
        "sweep",
        "hint",
        "pause",
        "step",
        "confirm",
        "stop",
        "mcp",
    ),
    "running",
)
"""The folder of each command's module; commands not listed are in `reading`."""

app = App(
    name="gome",
    help="Machine-learning engineering as gradient descent: teams of agents over one durable message log.",
    help_epilogue="Start with: gome run bike-demand",
    version=VERSION,
)
for _place, (_verb, _words) in enumerate(VERBS.items()):
    _own: dict[str, Any] = {} if _verb in ("log", "task") else {"help_epilogue": ""}  # these two have sub-commands
    _path = f"gome.cli.{ROOMS.get(_verb, 'reading')}.{_verb}:{_verb if _own else 'app'}"
    app.command(_path, name=_verb, help=_words, sort_key=_place, **_own)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that `arguments` name (default: `sys.argv`) and exit with its status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell; its descriptor shall not become that of another file
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - until the process ends
    given = ["/dev/stdin" if each == "-" else each for each in (sys.argv[1:] if arguments is None else arguments)]
    sys.exit(_guarded(lambda: app(given, exit_on_error=False, print_error=False, result_action="return_value")))


def _guarded(verb: Callable[[], Any]) -> int:
    """Run a command; return its exit status. A `GomeError` is printed as a message, not as a traceback."""
    try:
        status = verb()
        sys.stdout.flush()
    except CycloptsError as error:
        _complain(f"error[usage]: {_misused(error)}\nnext: {_typed(error)} --help")
        return UsageError.exit_status
    except GomeError as error:
        placed = isinstance(error, ScenarioError | TaskError) and "error[" in str(error)  # lines have their codes
        _complain(str(error) if placed else f"error[{error.code}]: {error}")
        return error.exit_status
    except BrokenPipeError:
        # Otherwise Python reports a second error when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _complain(f"error[outage]: standard output cannot be written: {error.strerror}; direct it elsewhere")
        return Outage.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    return status if isinstance(status, int) else 0


def _typed(error: CycloptsError) -> str:
    """The part of the command line that was recognised, such as `gome log show`."""
    return " ".join(("gome", *(error.command_chain or ())))


def _misused(error: CycloptsError) -> str:
    """The error message for an unknown command or invalid arguments."""
    if isinstance(error, UnknownCommandError):
        return _unknown(error, str((error.unused_tokens or ["?"])[0]))
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        # `gome log RUN` and `gome log COMMAND` look alike: a mistyped sub-command was parsed as a run.
        first = next(iter((error.root_input_tokens or [])[len(error.command_chain or ()) :]), "")
        if _near(error, first):
            return _unknown(error, first)
        return f"{_typed(error)} does not take {error.unused_tokens[0]!r}"
    if not isinstance(error, MissingArgumentError) or error.argument is None or error.tokens_so_far:
        return str(error)
    name = error.argument.name
    missing = name.lstrip("-").upper() if error.argument.field_info.is_positional else name
    return f"{_typed(error)} needs {missing}"


def _unknown(error: CycloptsError, word: str) -> str:
    """The error message for an unknown command: suggests the closest one, else lists all."""
    where = f"{_typed(error)} has" if error.command_chain else "there is"
    near = _near(error, word)
    return f"{where} no command {word!r}; " + (
        f"did you mean {near}?" if near else f"commands are {', '.join(_verbs(error))}"
    )


def _near(error: CycloptsError, word: str) -> str | None:
    return next(iter(difflib.get_close_matches(word, _verbs(error), n=1)), None)


def _verbs(error: CycloptsError) -> list[str]:
    """The commands of the group in which the error occurred."""
    return [name for name in error.app or () if not name.startswith("-")]


def _complain(words: str) -> None:
    from gome.viewer.text import clean  # imported late: only errors need it

    print(clean(words), file=sys.stderr)
