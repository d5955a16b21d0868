"""List messages: filtered, and followed while the run continues."""

import difflib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gome.agents.protocol.messages import VOCABULARY
from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.bus.store.reader import LogReader
from gome.errors import UsageError
from gome.viewer import text
from gome.viewer.model.message_lines import event_line
from gome.viewer.output import emit, envelope_data, hint, say, screen_width
from gome.viewer.queries.runs import now_words
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["Filter", "check_filter", "list_messages", "say_messages"]

_SENDERS = frozenset(
    {
        *("director", "memory-keeper", "proposer", "writer", "runner", "diagnoser", "completer", "prober", "finisher"),
        *("user", "session", "clock"),
    }
)
"""Who sends messages; the roles of a trace also with its number, such as proposer-0."""
_POLL = 0.1
"""Seconds between two polls of the log while following it."""


@dataclass(frozen=True)
class Filter:
    """Which messages to list. With empty `kinds`, starts and ends of activities only where `everything` is set."""

    role: str | None = None
    trace: int | None = None
    step: int | None = None
    kinds: tuple[str, ...] = ()
    since: float | None = None
    grep: str | None = None
    everything: bool = False

    def read(
        self, reader: LogReader, after: int = 0, before: int | None = None, newest: int | None = None
    ) -> list[Envelope]:
        """The matching messages with `after` < seq < `before`, in log order; with `newest`, at most that many."""
        wanted = frozenset(self.kinds) or (None if self.everything else frozenset(VOCABULARY.classes) - ACTIVITIES)
        found = reader.envelopes(
            after=after,
            before=before,
            kinds=wanted,
            trace=self.trace,
            step=self.step,
            role=self.role,
            since=self.since,
            grep=self.grep,
            limit=newest,
            newest_first=newest is not None,
        )
        return sorted(found, key=lambda envelope: envelope.seq)


def list_messages(folder: Path, chosen: Filter, newest: int, follow: bool, as_json: bool) -> int:
    """Print the `newest` matching messages (0: all); with `follow`, print new ones until the run has finished."""
    check_filter(chosen)
    with open_reader(folder) as reader:
        shown = chosen.read(reader, newest=newest or None)
        if as_json and not follow:
            emit("log", [envelope_data(each) for each in shown])
            return 0
        if newest and len(shown) == newest and not as_json:
            say(f"… only the newest {newest}; --last 0 shows all")
        say_messages(shown, as_json)
        if follow:
            _follow(reader, chosen, shown[-1].seq if shown else 0, as_json)
    if not as_json:
        if now := now_words(folder):
            say(text.cut(f"now {now}", screen_width()))
        example = shown[-1].id[:8] if shown else "ID"
        message = f"{example} --run {as_opened(folder)}"
        hint(f"gome log show {message}", f"gome log why {message}", f"gome log stats {as_opened(folder)}")
    return 0


def check_filter(chosen: Filter) -> None:
    """Raise UsageError for a kind of message that there is not, or a role, with or without the number of its trace."""
    for kind in chosen.kinds:
        if kind not in VOCABULARY.classes:
            raise UsageError(f"there is no message kind {kind!r}; kinds are {', '.join(sorted(VOCABULARY.classes))}")
    name = chosen.role
    stem, _, number = (name or "").rpartition("-")
    if name is None or name in _SENDERS or (stem in _SENDERS and number.isdigit()):
        return
    near = difflib.get_close_matches(name, _SENDERS, n=1)
    known = f"did you mean {near[0]}?" if near else f"roles are {', '.join(sorted(_SENDERS))}"
    raise UsageError(f"there is no role {name!r}; {known}")


def say_messages(envelopes: Sequence[Envelope], as_json: bool) -> None:
    """Print one line per message: text cut at the terminal's width, or a JSON document."""
    width = screen_width()
    for each in envelopes:
        if as_json:
            emit("message", envelope_data(each))
        else:
            say(event_line(each, width))
    sys.stdout.flush()


def _follow(reader: LogReader, chosen: Filter, after: int, as_json: bool) -> None:
    """Poll for new messages and print them until the run has finished."""
    while True:
        over = any(True for _ in reader.envelopes(kinds=frozenset({"run_finished"}), limit=1))
        fresh = chosen.read(reader, after=after)
        say_messages(fresh, as_json)
        after = fresh[-1].seq if fresh else after
        if over:
            return
        time.sleep(_POLL)
