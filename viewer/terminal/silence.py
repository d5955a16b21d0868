"""What a plain screen says while nothing else is said: who is at work, on what, since when.

A language model may think for minutes, and a screen of lines that does not move looks like one that hangs. The longer
it lasts the rarer it is told, so that a file of such lines stays small.
"""

import time
from collections import Counter
from collections.abc import Callable

from gome.viewer import text
from gome.viewer.model.headline import line_of
from gome.viewer.model.now import Now, Present, look
from gome.viewer.model.summary import Summary

__all__ = ["Silence", "waiting_line"]

_FIRST = 10.0
"""Seconds of silence before the first line."""
_LONGEST = 300.0
"""Seconds between two lines at most; until then each wait is twice as long as the one before."""
_NAMED = 3
"""Of those at work beside the first, so many are named."""


class Silence:
    """Says when a line is due. `clock` tells UTC seconds since 1970, as a session's start is told.

    It is made before the session of the run that is watched: an older one tells nothing of what goes on now.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._made = self._since = clock()
        self._wait = _FIRST

    def broken(self) -> None:
        """Something was said: the silence begins anew."""
        self._since, self._wait = self._clock(), _FIRST

    def line(self, summary: Summary, present: Present) -> str | None:
        """The line that is due now; None before its time and after the run's end."""
        at = self._clock()
        begun = bool(summary.sessions) and summary.sessions[-1].wall >= self._made
        if at - self._since < self._wait or (begun and summary.finished is not None):
            return None
        self._since, self._wait = at, min(_LONGEST, 2 * self._wait)
        if not begun:
            words = f"task, sandbox and backends are made ready, for {text.duration(at - self._made)}"
            return line_of(summary.time, "", "session", "", "waiting", words)
        return waiting_line(look(summary, present, summary.now(at)))


def waiting_line(now: Now) -> str:
    """Who has been at work for longest, on what, for how long, and who else is: in the columns of a message."""
    work = sorted(((each, doing) for each in now.roles for doing in each.doing), key=lambda pair: pair[1].since)
    if not work:
        return line_of(now.time, "", "", "", "waiting", "nobody is at work")
    (first, doing), *others = work
    words = f"{doing.task} for {text.duration(max(0.0, now.time - doing.since))}"
    alike = Counter(f"{role.role} {other.place}".strip() for role, other in others)
    named = [who if number == 1 else f"{number} × {who}" for who, number in list(alike.items())[:_NAMED]]
    if len(alike) > _NAMED:
        named.append(f"{len(alike) - _NAMED} more")
    trouble = [f"; {text.line(first.trouble)}"] if first.trouble else []
    also = [f"; also {', '.join(named)}"] if named else []
    return line_of(now.time, "", first.role, doing.place, "waiting", "".join([words, *trouble, *also]))
