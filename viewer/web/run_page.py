"""A run's own live page: its report, what goes on now, and the stream that keeps it up with the run."""

import json
import time
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.bus.store.reader import LogReader
from gome.viewer.model.now import Present, look
from gome.viewer.model.summary import Summary
from gome.viewer.queries.runs import state
from gome.viewer.store import open_reader
from gome.viewer.web.pages import environment, frame
from gome.viewer.web.report import render, row_for

__all__ = ["Follower", "RunPage", "address", "sent"]

_LAST = 8
_NEWEST = 150
"""Messages on a run's own page; all of them have a page."""


class Follower:
    """Keeps up with the log of the run in `folder`: folds in what is new, and says what goes on now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary = Summary()
        self._present = Present()
        self._last: list[Envelope] = []
        self._told = 0

    @property
    def head(self) -> int:
        """The number of the last message that was folded in."""
        return self.summary.seq

    def catch_up(self, reader: LogReader) -> list[Envelope]:
        """Fold in what is new in the log and in telemetry; the messages that are new."""
        fresh = list(reader.envelopes(after=self.summary.seq))
        for each in fresh:
            self.summary.apply(each)
        self._last = [*self._last, *(each for each in fresh if each.kind not in ACTIVITIES)][-_LAST:]
        lines = list(reader.telemetry(after=self._told))
        self._told = lines[-1].seq if lines else self._told
        self._present.hear(lines)
        return fresh

    def now(self) -> dict[str, Any]:
        """What the part of a page about now is drawn from."""
        standing = state(self.folder, self.summary)
        at = self.summary.now(time.time()) if standing == "running" else self.summary.time
        return {
            "state": standing,
            "now": look(self.summary, self._present, at),
            "last": [row_for(each) for each in reversed(self._last)],
        }

    def fragment(self) -> str:
        """The part of the page about now."""
        page = environment().get_template("now_part.html.j2")
        return page.render(summary=self.summary, **self.now())


class RunPage:
    """Draws the page of a run. What was read of the run that was asked for last is kept, so that its next page, which a
    browser fetches at each news, reads what is new and nothing else. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._follower: Follower | None = None
        self._envelopes: list[Envelope] = []

    def draw(self, folder: Path) -> str:
        """The run's report with what goes on now."""
        with self._lock, open_reader(folder) as reader:
            follower = self._follower_of(folder, reader)
            self._envelopes += follower.catch_up(reader)
            more = {**follower.now(), **frame(address(folder) + "/events")}
            return render(self._envelopes, reader.artefacts, more, newest=_NEWEST, summary=follower.summary)

    def _follower_of(self, folder: Path, reader: LogReader) -> Follower:
        """The follower that is kept, where it is this run's and its log still begins as it did; else a new one."""
        first = next(reader.envelopes(limit=1), None)
        known = self._envelopes[0].id if self._envelopes else None
        if self._follower is None or self._follower.folder != folder or known != (first.id if first else None):
            self._follower, self._envelopes = Follower(folder), []
        return self._follower


def address(folder: Path) -> str:
    """Where the page of the run in `folder` is."""
    return f"/runs/{quote(folder.name)}"


def sent(event: str, content: str) -> bytes:
    """A server-sent event; its content in JSON, so that it is one line."""
    return f"event: {event}\ndata: {json.dumps(content)}\n\n".encode()
