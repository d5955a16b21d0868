"""`stop`: stop a running run in order, from another terminal."""

import time
from pathlib import Path

from gome.agents.runtime.inbox import Note, leave_note
from gome.bus.store.lock import holder
from gome.cli.options import Run, Runs, folder_of
from gome.errors import Outage, UsageError
from gome.viewer.output import hint, say, say_aside
from gome.viewer.run_folders import as_opened, outline

__all__ = ["check_running", "stop"]

_POLL = 0.2
_PATIENCE = 90.0
"""Seconds: running work gets 30 to end."""


def stop(run: Run = "@last", *, runs: Runs = None) -> int:
    """Stop a running run as ^C does: running work gets 30 s to end, finished work is saved."""
    folder = folder_of(run, runs)
    check_running(folder)
    leave_note(folder, Note(kind="stop"))
    say_aside(f"{folder.name} is stopping: it saves finished work, and gives what is under way up to 30 s to end …")
    limit = time.monotonic() + _PATIENCE
    while (process := holder(folder)) is not None:
        if time.monotonic() > limit:
            raise Outage(f"process {process} does not stop; end it with: kill {process}, then resume the run")
        time.sleep(_POLL)
    summary = outline(folder)
    say(f"{folder.name} has finished" if summary.finished else f"{folder.name} is stopped")
    hint(f"gome resume {as_opened(folder)}", f"gome best {as_opened(folder)}")
    return 0


def check_running(folder: Path) -> None:
    """Raise UsageError where no process runs the run in `folder`."""
    if holder(folder) is None:
        raise UsageError(f"run {folder.name} is not running; continue it with: gome resume {as_opened(folder)}")
