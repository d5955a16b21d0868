"""Watches a run from outside: polls its log and shows what is new, by the path that any other viewer takes."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Literal, Protocol

from rich.console import Console
from rich.live import Live

from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.bus.store.reader import LogReader
from gome.viewer.model.headline import event_line
from gome.viewer.model.now import Present, look, pool_of
from gome.viewer.model.summary import Summary
from gome.viewer.output import document, envelope_data, say
from gome.viewer.store import has_log, open_reader
from gome.viewer.terminal.live import screen
from gome.viewer.terminal.silence import Silence

__all__ = [
    "Display",
    "DisplayName",
    "JsonDisplay",
    "PlainDisplay",
    "QuietDisplay",
    "RichDisplay",
    "choose_display",
    "watch",
]

_POLL = 0.25
"""Seconds between two looks at the log."""

DisplayName = Literal["rich", "plain", "json"]


class Display(Protocol):
    """Shows a run as it goes."""

    def show(self, fresh: Sequence[Envelope], present: Present) -> None:
        """Take in the messages that are new, and what telemetry tells."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class PlainDisplay:
    """A line a message; questions and scripts only where they end in a message, or where that takes long."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._summary = Summary()
        self._silence = Silence(clock)

    def show(self, fresh: Sequence[Envelope], present: Present) -> None:
        """Print the new messages, and in a longer silence who is at work."""
        for each in fresh:
            self._summary.apply(each)
            if each.kind not in ACTIVITIES:
                say(event_line(each))
                self._silence.broken()
        if (waiting := self._silence.line(self._summary, present)) is not None:
            say(waiting)
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is open."""


class JsonDisplay:
    """A JSON document a line for each message, activities included."""

    def show(self, fresh: Sequence[Envelope], present: Present) -> None:
        """Print the new messages."""
        for each in fresh:
            print(document("message", envelope_data(each)))
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is open."""


class QuietDisplay:
    """Shows nothing: only the end is wanted."""

    def show(self, fresh: Sequence[Envelope], present: Present) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing is open."""


class RichDisplay:
    """The live screen."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=False)
        self._summary = Summary()
        self._pool: dict[str, float] | None = None
        self._last: list[Envelope] = []
        self._live.start()

    def show(self, fresh: Sequence[Envelope], present: Present) -> None:
        """Fold in the new messages and draw the screen anew; nothing of a run that may never begin."""
        if not fresh and self._summary.opened is None:
            return
        for each in fresh:
            self._summary.apply(each)
        self._last = [*self._last, *(each for each in fresh if each.kind not in ACTIVITIES)][-12:]
        if self._pool is None and self._summary.opened is not None:
            self._pool = pool_of(self._summary)
        now = self._summary.time if self._summary.finished else self._summary.now(time.time())
        now_there = look(self._summary, present, now)
        self._live.update(screen(self._summary, now_there, self._pool or {}, self._last), refresh=True)

    def close(self) -> None:
        """Leave the last screen standing."""
        self._live.stop()


def choose_display(name: DisplayName | None) -> Display:
    """The display of that name; without a name rich on a terminal that can be drawn on and plain elsewhere."""
    if name == "json":
        return JsonDisplay()
    if name == "rich" or (name is None and sys.stdout.isatty() and not Console().is_dumb_terminal):
        return RichDisplay()
    return PlainDisplay()


def watch(folder: Path, display: Display, stop: Event) -> None:
    """Show the run in `folder` until `stop` is set, and then what was still missing. Blocks: give it a thread.

    Waits for the log to be there, and shows nothing where the run ended before it had one.
    """
    try:
        while not has_log(folder):
            if stop.wait(_POLL):
                return
            display.show([], Present())
        with open_reader(folder) as reader:
            _show_news(reader, display, stop)
    finally:
        display.close()


def _show_news(reader: LogReader, display: Display, stop: Event) -> None:
    present = Present()
    after = told = 0
    while True:
        last_look = stop.is_set()
        lines = list(reader.telemetry(after=told))
        told = lines[-1].seq if lines else told
        present.hear(lines)
        fresh = list(reader.envelopes(after=after))
        after = fresh[-1].seq if fresh else after
        display.show(fresh, present)
        if last_look:
            return
        stop.wait(_POLL)
