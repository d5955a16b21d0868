"""Watch a run: poll its log, read-only, and show new messages on a display."""

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
from gome.viewer.model.message_lines import event_line
from gome.viewer.model.now import Present, look, pool_of
from gome.viewer.model.summary import Summary
from gome.viewer.output import document, envelope_data, say
from gome.viewer.run_folders import has_log, open_reader
from gome.viewer.terminal.live import preparing, screen
from gome.viewer.terminal.waiting_lines import Silence

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
"""Seconds between two polls of the log."""

DisplayName = Literal["rich", "plain", "json"]


class Display(Protocol):
    """Shows the progress of a run."""

    def show(self, fresh: Sequence[Envelope], present: Present) -> None:
        """Show new messages and the current telemetry state."""

    def close(self) -> None:
        """Restore the terminal."""


class PlainDisplay:
    """One line per message, without activities; a waiting line where no message comes for long.

    Messages up to the sequence number `told` are not printed: an earlier session has printed them.
    """

    def __init__(self, clock: Callable[[], float] = time.time, told: int = 0) -> None:
        self._told = told
        self._summary = Summary()
        self._silence = Silence(clock)

    def show(self, fresh: Sequence[Envelope], present: Present) -> None:
        """Print the new messages, or a waiting line where one is due."""
        for each in fresh:
            self._summary.apply(each)
            if each.kind not in ACTIVITIES and each.seq > self._told:
                say(event_line(each))
                self._silence.broken()
        if (waiting := self._silence.line(self._summary, present)) is not None:
            say(waiting)
        sys.stdout.flush()

    def close(self) -> None:
        """Do nothing."""


class JsonDisplay:
    """One JSON document per message and line, activities included."""

    def show(self, fresh: Sequence[Envelope], present: Present) -> None:
        """Print the new messages."""
        for each in fresh:
            print(document("message", envelope_data(each)))
        sys.stdout.flush()

    def close(self) -> None:
        """Do nothing."""


class QuietDisplay:
    """Shows nothing, for `--json`: only the result is printed."""

    def show(self, fresh: Sequence[Envelope], present: Present) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class RichDisplay:
    """The live screen."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=False)
        self._summary = Summary()
        self._pool: dict[str, float] | None = None
        self._last: list[Envelope] = []
        self._made = time.time()
        self._live.start()
        self._prepare()

    def _prepare(self) -> None:
        """Draw what goes on before the run has begun."""
        self._live.update(preparing(time.time() - self._made), refresh=True)

    def show(self, fresh: Sequence[Envelope], present: Present) -> None:
        """Apply the new messages and redraw the screen; before the run has begun, draw for how long it is prepared."""
        if not fresh and self._summary.opened is None:
            self._prepare()
            return
        for each in fresh:
            self._summary.apply(each)
        self._last = [*self._last, *(each for each in fresh if each.kind not in ACTIVITIES)][-12:]
        if self._pool is None and self._summary.opened is not None:
            self._pool = pool_of(self._summary)
        now = self._summary.time if self._summary.finished else self._summary.now(time.time())
        current = look(self._summary, present, now)
        self._live.update(screen(self._summary, current, self._pool or {}, self._last), refresh=True)

    def close(self) -> None:
        """Stop updating; the last screen stays visible, but for that of a run that did not begin."""
        if self._summary.opened is None:
            self._live.update("", refresh=True)
        self._live.stop()


def choose_display(name: DisplayName | None, told: int = 0) -> Display:
    """Create the display of that name. Default: rich on a terminal with cursor control, otherwise plain.

    `told` is the last sequence number that plain text need not repeat.
    """
    if name == "json":
        return JsonDisplay()
    if name == "rich" or (name is None and sys.stdout.isatty() and not Console().is_dumb_terminal):
        return RichDisplay()
    return PlainDisplay(told=told)


def watch(folder: Path, display: Display, stop: Event) -> None:
    """Show the run in `folder` until `stop` is set, then the remaining messages. Blocking: run it in a thread.

    Waits for the log to appear. Closes the display at the end.
    """
    try:
        while not has_log(folder):
            if stop.wait(_POLL):
                return
            display.show([], Present())
        with open_reader(folder) as reader:
            _show_new(reader, display, stop)
    finally:
        display.close()


def _show_new(reader: LogReader, display: Display, stop: Event) -> None:
    present = Present()
    after = seen = 0
    while True:
        last_poll = stop.is_set()
        lines = list(reader.telemetry(after=seen))
        seen = lines[-1].seq if lines else seen
        present.hear(lines)
        fresh = list(reader.envelopes(after=after))
        after = fresh[-1].seq if fresh else after
        display.show(fresh, present)
        if last_poll:
            return
        stop.wait(_POLL)
