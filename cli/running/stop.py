"""`stop`: stop a running run in order, from another terminal."""

import time
from pathlib import Path

from gome.agents.protocol.activities import QUESTION
from gome.agents.runtime.inbox import Note, leave_note
from gome.agents.runtime.stopping import PATIENCE, waiting_words
from gome.bus.actors.supervisor import GRACE
from gome.bus.events import ActivityStarted
from gome.bus.store.lock import holder
from gome.cli.options import Run, Runs, folder_of
from gome.errors import Outage, UsageError
from gome.viewer.output import hint, say, say_aside
from gome.viewer.run_folders import as_opened, open_reader, outline

__all__ = ["check_running", "stop"]

_POLL = 0.2
_MARGIN = 60.0
"""Seconds in which the process ends after what it waits for: 30 for running work, more for answers in flight."""


def stop(run: Run = "@last", *, runs: Runs = None) -> int:
    """Stop a running run as ^C does: finished work is saved, and running work gets 30 s to end.

    Answers that models are giving are waited for up to 10 minutes, and no question is begun. A second `gome stop`
    leaves at once.
    """
    folder = folder_of(run, runs)
    check_running(folder)
    words = waiting_words(_answers_in_flight(folder))
    leave_note(folder, Note(kind="stop"))
    say_aside(f"{folder.name} is stopping: {words}; gome stop again leaves at once")
    begun = time.monotonic()
    while (process := holder(folder)) is not None:
        waited = time.monotonic() - begun - _MARGIN
        if waited > GRACE and (waited > PATIENCE[QUESTION] or not _answers_in_flight(folder)):
            raise Outage(f"process {process} does not stop; end it with: kill {process}, then resume the run")
        time.sleep(_POLL)
    summary = outline(folder)
    say(f"{folder.name} has finished" if summary.finished else f"{folder.name} is stopped")
    hint(f"gome resume {as_opened(folder)}", f"gome best {as_opened(folder)}")
    return 0


def _answers_in_flight(folder: Path) -> int:
    """How many questions the process that runs it has put and waits for."""
    with open_reader(folder) as reader:
        begun = max((each.seq for each in reader.envelopes(kinds=["session_opened"])), default=0)
        calls = [each.message for each in reader.in_flight() if each.seq > begun]
    return sum(isinstance(call, ActivityStarted) and call.activity == QUESTION for call in calls)


def check_running(folder: Path) -> None:
    """Raise UsageError where no process runs the run in `folder`."""
    if holder(folder) is None:
        raise UsageError(f"run {folder.name} is not running; continue it with: gome resume {as_opened(folder)}")
