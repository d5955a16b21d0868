"""Capture a script's output in bounded memory: head and tail, long lines cut, the size of the gap stated.

    bytes ──► Lines (each cut at LINE) ──► HeadTail (first HEAD, last TAIL characters) ──► text

Both process whole chunks, because a script may print a hundred megabytes.
"""

from codecs import getincrementaldecoder
from collections import deque

__all__ = ["HEAD", "LINE", "TAIL", "HeadTail", "Lines"]

HEAD = 32 << 10
"""Characters kept from the start of the output."""
TAIL = 96 << 10
"""Characters kept from its end."""
LINE = 4 << 10
"""Characters kept of each line."""


class Lines:
    """Splits a stream of bytes into lines of text. A carriage return ends a line too, because progress bars use it."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._cut = 0

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that `chunk` completes, without line ends; empty lines are dropped."""
        first, *others = self._decoder.decode(chunk).replace("\r", "\n").split("\n")
        self._extend(first)
        if not others:
            return []
        lines = [self._take(), *(_shortened(line) for line in others[:-1])]
        self._extend(others[-1])
        return [line for line in lines if line]

    def close(self) -> list[str]:
        """The unfinished last line, if any."""
        return [line for line in [self._take()] if line]

    def _extend(self, piece: str) -> None:
        room = LINE - len(self._rest)
        self._rest += piece[:room]
        self._cut += max(0, len(piece) - room)

    def _take(self) -> str:
        line = _cut(self._rest, self._cut)
        self._rest, self._cut = "", 0
        return line


def _shortened(line: str) -> str:
    return line if len(line) <= LINE else _cut(line[:LINE], len(line) - LINE)


def _cut(line: str, missing: int) -> str:
    return f"{line} … [{missing} characters of this line cut]" if missing else line


class HeadTail:
    """Keeps the first and the last lines of a text of any length."""

    def __init__(self, head: int = HEAD, tail: int = TAIL) -> None:
        self._head_room = head
        self._tail_limit = tail
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self._dropped_lines = 0
        self._dropped_size = 0

    def add(self, lines: list[str]) -> None:
        """Add lines: to the head until it is full, then to the tail, which drops its oldest lines."""
        filled = 0
        while filled < len(lines) and self._head_room > 0:
            self._head_room -= len(lines[filled]) + 1
            filled += 1
        self._head += lines[:filled]
        self._tail.extend(lines[filled:])
        self._tail_size += sum(map(len, lines[filled:])) + len(lines) - filled
        while self._tail_size > self._tail_limit:
            dropped = len(self._tail.popleft()) + 1
            self._tail_size -= dropped
            self._dropped_size += dropped
            self._dropped_lines += 1

    def text(self) -> str:
        """The head, a line with the size of the gap (if any), and the tail."""
        gap = [f"… [{self._dropped_lines} lines, {self._dropped_size} characters cut] …"] if self._dropped_lines else []
        return "".join(f"{line}\n" for line in [*self._head, *gap, *self._tail])
