"""`pause`: let a running run open no further steps."""

from typing import Annotated

from cyclopts import Parameter

from gome.agents.runtime.inbox import Note, leave_note
from gome.cli.options import Run, Runs, folder_of
from gome.cli.running.stop import check_running
from gome.viewer.output import hint, say
from gome.viewer.run_folders import as_opened

__all__ = ["pause"]


def pause(
    run: Run = "@last",
    *,
    end: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    runs: Runs = None,
) -> int:
    """Let a running run open no further steps. Steps in progress end; time still counts against its budget.

    Parameters
    ----------
    end
        End the pause. A resume or the end of the budget's time ends it too.
    """
    folder = folder_of(run, runs)
    check_running(folder)
    leave_note(folder, Note(kind="continue" if end else "pause"))
    if end:
        say(f"{folder.name} opens steps again")
        return 0
    say(f"{folder.name} opens no further steps")
    named = as_opened(folder)
    hint(f"gome pause {named} --end", f"gome stop {named}", f'gome hint {named} "…"')
    return 0
