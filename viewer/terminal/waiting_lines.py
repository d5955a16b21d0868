"""Periodic "waiting" lines of the plain display: which roles work, on what, for how long.

A model call may take minutes, and a display without output looks hung. The interval grows with the length of the
silence, so that a log file of these lines stays small.
"""

import time
from collections import Counter
from collections.abc import Callable

from gome.viewer import text
from gome.viewer.model.message_lines import line_of
from gome.viewer.model.now import Now, Present, look
from gome.viewer.model.summary import Summary

__all__ = ["Silence", "waiting_line"]

_FIRST = 10.0
"""Seconds of silence before the first line."""
_LONGEST = 300.0
"""Maximum seconds between two lines; until then each interval is twice the previous one."""
_NAMED = 3
"""Maximum number of further roles named on a line."""


class Silence:
    """Decides when a waiting line is due. `clock` returns UTC seconds since 1970, like the start time of a session.

    Must be created before the session that it watches begins: older sessions in the log are ignored.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._made = self._since = clock()
        self._wait = _FIRST

    def broken(self) -> None:
        """Restart the interval, because a message was printed."""
        self._since, self._wait = self._clock(), _FIRST

    def line(self, summary: Summary, present: Present) -> str | None:
        """The line to print now; None where none is due yet, and after the run's end."""
        wall = self._clock()
        begun = bool(summary.sessions) and summary.sessions[-1].wall >= self._made
        if wall - self._since < self._wait or (begun and summary.finished is not None):
            return None
        self._since, self._wait = wall, min(_LONGEST, 2 * self._wait)
        if not begun:
            words = f"preparing task, sandbox and backends for {text.duration(wall - self._made)}"
            return line_of(summary.time, "", "session", "", "waiting", words)
        return waiting_line(look(summary, present, summary.now(wall)))


def waiting_line(now: Now) -> str:
    """The longest-running work (role, task, duration), then other roles at work; in the columns of an event line."""
    work = now.work
    if not work:
        return line_of(now.time, "", "", "", "waiting", now.words)
    (first, doing), *others = work
    words = f"{doing.task} for {text.duration(max(0.0, now.time - doing.since))}"
    alike = Counter(f"{role.role} {other.place}".strip() for role, other in others)
    named = [who if number == 1 else f"{number} × {who}" for who, number in list(alike.items())[:_NAMED]]
    if len(alike) > _NAMED:
        named.append(f"{len(alike) - _NAMED} more")
    trouble = [f"; {text.line(first.trouble)}"] if first.trouble else []
    also = [f"; also {', '.join(named)}"] if named else []
    queued = [f"; {now.queued}"] if now.queued else []
    return line_of(now.time, "", first.role, doing.place, "waiting", "".join([words, *trouble, *also, *queued]))
