"""The live page of a run: its report, its present state, and the events that keep the page current."""

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
from gome.viewer.run_folders import open_reader
from gome.viewer.web.pages import environment, frame
from gome.viewer.web.report import render, row_for

__all__ = ["Follower", "RunPage", "address", "sent"]

_LAST = 8
_NEWEST = 150
"""Messages shown on a run's own page; a separate page lists all."""


class Follower:
    """Follows the log of the run in `folder` and computes its present state. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary = Summary()
        self._present = Present()
        self._last: list[Envelope] = []
        self._telemetry_seen = 0

    @property
    def head(self) -> int:
        """Sequence number of the last message applied."""
        return self.summary.seq

    def catch_up(self, reader: LogReader) -> list[Envelope]:
        """Apply new messages and telemetry; return the new messages."""
        fresh = list(reader.envelopes(after=self.summary.seq))
        for each in fresh:
            self.summary.apply(each)
        self._last = [*self._last, *(each for each in fresh if each.kind not in ACTIVITIES)][-_LAST:]
        lines = list(reader.telemetry(after=self._telemetry_seen))
        self._telemetry_seen = lines[-1].seq if lines else self._telemetry_seen
        self._present.hear(lines)
        return fresh

    def now(self) -> dict[str, Any]:
        """Template variables of the page's section on the present state."""
        run_state = state(self.folder, self.summary)
        at = self.summary.now(time.time()) if run_state == "running" else self.summary.time
        return {
            "state": run_state,
            "now": look(self.summary, self._present, at),
            "last": [row_for(each) for each in reversed(self._last)],
        }

    def fragment(self) -> str:
        """Render the page's section on the present state."""
        page = environment().get_template("now_part.html.j2")
        return page.render(summary=self.summary, **self.now())


class RunPage:
    """Renders the page of a run. Thread-safe.

    Keeps the messages of the last requested run, so that the next request for it reads only new messages.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._follower: Follower | None = None
        self._envelopes: list[Envelope] = []

    def draw(self, folder: Path, token: str = "") -> str:
        """Render the run's report with its present state; with `token`, also a form that leaves hints by it."""
        with self._lock, open_reader(folder) as reader:
            follower = self._follower_of(folder, reader)
            self._envelopes += follower.catch_up(reader)
            more = {**follower.now(), **frame(address(folder) + "/events"), "token": token, "address": address(folder)}
            return render(self._envelopes, reader.artefacts, more, newest=_NEWEST, summary=follower.summary)

    def _follower_of(self, folder: Path, reader: LogReader) -> Follower:
        """The cached follower where it is for this run and the log still has the same first message; else a new one."""
        first = next(reader.envelopes(limit=1), None)
        known = self._envelopes[0].id if self._envelopes else None
        if self._follower is None or self._follower.folder != folder or known != (first.id if first else None):
            self._follower, self._envelopes = Follower(folder), []
        return self._follower


def address(folder: Path) -> str:
    """The URL path of the page of the run in `folder`."""
    return f"/runs/{quote(folder.name)}"


def sent(event: str, content: str) -> bytes:
    """Encode a server-sent event; content is JSON, because event data must not contain line breaks."""
    return f"event: {event}\ndata: {json.dumps(content)}\n\n".encode()
