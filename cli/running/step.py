"""`step`: let a running run open one more step, and show it until its diagnosis."""

import time
from collections.abc import Iterator
from pathlib import Path

from gome.agents.protocol.messages import Diagnosis, StepOpened
from gome.agents.protocol.run_messages import PauseRequested, RunFinished
from gome.agents.runtime.inbox import Note, leave_note
from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.bus.store.lock import holder
from gome.bus.store.reader import LogReader
from gome.cli.options import Run, Runs, folder_of
from gome.cli.running.stop import check_running
from gome.viewer.model.message_lines import event_line
from gome.viewer.output import hint, say
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["step"]

_POLL = 0.25


def step(run: Run = "@last", *, runs: Runs = None) -> int:
    """Let a running run open one more step, show it until its diagnosis, and open no further one.

    In lockstep it is one round: a step of each trace. ^C ends the showing alone.
    """
    folder = folder_of(run, runs)
    check_running(folder)
    with open_reader(folder) as reader:
        seen = reader.head()
        note = leave_note(folder, Note(kind="step"))
        for each in _one_step(reader, folder, note, seen):
            say(event_line(each))
    named = as_opened(folder)
    hint(f"gome step {named}", f"gome pause {named} --end", f'gome hint {named} "…"')
    return 0


def _one_step(reader: LogReader, folder: Path, note: str, seen: int) -> Iterator[Envelope]:
    """The messages from the note's own to the diagnosis of the step that it opened, or the end of the run."""
    asked, opened = False, None
    while True:
        running = holder(folder) is not None  # asked before the log is read, so that its last message is seen
        for each in reader.envelopes(after=seen):
            seen = each.seq
            asked = asked or (isinstance(each.message, PauseRequested) and each.message.note == note)
            if not asked or each.kind in ACTIVITIES:
                continue
            yield each
            if opened is None and isinstance(each.message, StepOpened):
                opened = each.trace, each.step
            diagnosed = isinstance(each.message, Diagnosis) and (each.trace, each.step) == opened
            if diagnosed or isinstance(each.message, RunFinished):
                return
        if not running:
            return
        time.sleep(_POLL)
