"""Waits for what a run that goes on in another thread says or reads."""

import time
from pathlib import Path

from gome.agents.protocol.messages import VOCABULARY
from gome.agents.runtime.inbox import Note, leave_note
from gome.bus.store.reader import LogReader

__all__ = ["recorded", "stop_taken"]


def recorded(folder: Path, kind: str, count: int = 1) -> None:
    """Wait until so many messages of that kind are in the log."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with LogReader(folder, VOCABULARY) as reader:
            if len(list(reader.envelopes(kinds=[kind]))) >= count:
                return
        time.sleep(0.05)
    raise AssertionError(f"{kind} was not recorded")


def stop_taken(folder: Path) -> None:
    """Ask the run to stop, and wait until it has read that."""
    leave_note(folder, Note(kind="stop"))
    deadline = time.monotonic() + 60
    while list((folder / "inbox").glob("*.json")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
