"""The command line, thin: its verbs, each in a module of its own that is imported when the verb is called.

A verb returns its exit status. An error of ours is one line on standard error, `error[code]: message`, and its class's
exit status (gome/errors.py); 2 is for what the user gave, 130 for ^C, 141 for a reader who left.
"""

import difflib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cyclopts import App, CycloptsError
from cyclopts.exceptions import MissingArgumentError, UnknownCommandError, UnusedCliTokensError

from gome.errors import GomeError, ScenarioError, TaskError, UsageError

__all__ = ["VERBS", "app", "main"]

VERBS = {
    "run": "Run a scenario, with a live view of who does what.",
    "validate": "Say everything that is wrong with a scenario and its task; calls nothing.",
    "doctor": "Ask each role's backend one real question, and look at sandbox, slots and disk.",
    "runs": "List the runs, newest first.",
    "log": "Read a run's messages, one of them whole, or why it was said.",
    "view": "Serve live pages of all runs to a browser on this machine.",
    "report": "Write the report of a run: one HTML file that needs no network.",
    "best": "Show or write out a run's best script and its submission.",
    "predict": "Predict new rows with the solution of a run.",
    "tree": "Show which solution came of which.",
    "diff": "Show what a step changed in its parent's code, and the effect on each split.",
    "memory": "Show the success memory: each idea with where it comes from and who was given it.",
    "cost": "Show what was asked of whom, what it cost, and what rejected work cost.",
    "gantt": "Show who worked when, and how far reasoning and executing overlapped.",
    "resume": "Go on with a run that was stopped, or beyond its end with more budget.",
    "finish": "End a run that was stopped, without another trial.",
    "fork": "Go another way from a message on; the parent stays as it is.",
    "replay": "Run a log again with the world closed: identical, or the first message that differs.",
    "compare": "Compare two runs: scores, times, costs, settings, ideas.",
    "sweep": "Run a scenario at every combination of settings; ends in one table and one figure.",
    "export": "Write a run for other tools: lines of JSON, OpenTelemetry spans, a trace for Perfetto.",
    "task": "List and prepare the tasks of the house, make one of a table, serve a check of submissions.",
    "grade": "Grade a submission as MLE-bench does: score, medal, above the median.",
}
"""Each verb and what it does; a module of its name in one of ROOMS holds it."""

ROOMS = {"task": "tasks", "grade": "tasks"} | dict.fromkeys(
    ("run", "validate", "doctor", "predict", "resume", "finish", "fork", "replay", "sweep"), "running"
)
"""The room of each verb that does more than read a log; the others are in `reading`."""

app = App(
    name="gome",
    help="Machine-learning engineering as gradient descent, by teams of agents that talk over one durable log.",
    help_epilogue="Start with: gome run bike-demand",
    version="0.2.0",
)
for _place, (_verb, _words) in enumerate(VERBS.items()):
    _own: dict[str, Any] = {} if _verb in ("log", "task") else {"help_epilogue": ""}  # those two are apps of their own
    _path = f"gome.cli.{ROOMS.get(_verb, 'reading')}.{_verb}:{_verb if _own else 'app'}"
    app.command(_path, name=_verb, help=_words, sort_key=_place, **_own)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `gome`: run the verb and exit with its status."""
    sys.exit(_guarded(lambda: app(arguments, exit_on_error=False, print_error=False, result_action="return_value")))


def _guarded(verb: Callable[[], Any]) -> int:
    """The exit status of a verb; an error of ours is told in words and never as a traceback."""
    try:
        status = verb()
        sys.stdout.flush()
    except CycloptsError as error:
        _complain(f"error[usage]: {_misused(error)}\nnext: {_typed(error)} --help")
        return UsageError.exit_status
    except GomeError as error:
        placed = isinstance(error, ScenarioError | TaskError) and "error[" in str(error)  # each line has its place
        _complain(str(error) if placed else f"error[{error.code}]: {error}")
        return error.exit_status
    except BrokenPipeError:
        # Python would complain once more when it flushes what nobody reads.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    return status if isinstance(status, int) else 0


def _typed(error: CycloptsError) -> str:
    """The verb that was understood, as it was typed: `gome log show`."""
    return " ".join(("gome", *(error.command_chain or ())))


def _misused(error: CycloptsError) -> str:
    """What is wrong with a verb or its arguments."""
    if isinstance(error, UnknownCommandError):
        return _unknown(error, str((error.unused_tokens or ["?"])[0]))
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        # `gome log RUN` and `gome log VERB` begin alike: a mistyped verb of the group was taken for a run.
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
    """That there is no such verb where it was looked for, with the nearest, or with all that there are."""
    where = f"{_typed(error)} has" if error.command_chain else "there is"
    near = _near(error, word)
    return f"{where} no verb {word!r}; " + (
        f"did you mean {near}?" if near else f"verbs are {', '.join(_verbs(error))}"
    )


def _near(error: CycloptsError, word: str) -> str | None:
    return next(iter(difflib.get_close_matches(word, _verbs(error), n=1)), None)


def _verbs(error: CycloptsError) -> list[str]:
    """The verbs of the group that was asked."""
    return [name for name in error.app or () if not name.startswith("-")]


def _complain(words: str) -> None:
    from gome.viewer.text import clean  # only when there is something to say

    print(clean(words), file=sys.stderr)
