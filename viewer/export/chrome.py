"""A run as a Chrome trace, which Perfetto and chrome://tracing open: lanes of actors and slots, messages as marks.

The format wants of a lane that its spans do not overlap; what an actor does at the same time stands in lanes of its own
beside it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.viewer import text
from gome.viewer.model.headline import headline, place
from gome.viewer.model.summary import summarise
from gome.viewer.model.timeline import Span

__all__ = ["chrome_trace"]

_ROLES, _SLOTS = 1, 2
_HAIR = 1000
"""Microseconds by which clocks may let two spans of a slot overlap: the later one is drawn that much shorter."""
Event = dict[str, Any]


def chrome_trace(envelopes: Iterable[Envelope], redact: bool) -> Event:
    """The trace's JSON object, its events in the order of their time. Times are microseconds of the run."""
    every = list(envelopes)
    summary = summarise(every)
    lanes = _Lanes()
    events = [_complete(span, start, end, lanes) for span, start, end in _placed(summary.timeline.spans, summary.time)]
    for each in every:
        if each.kind not in ACTIVITIES:
            about = {"id": each.id} if redact else {"id": each.id, "what": headline(each)}
            mark = {"ph": "i", "s": "t", "name": f"{place(each)} {each.kind}".strip(), "cat": "message", "args": about}
            events.append({**mark, "ts": _micro(each.time), **lanes.first(_ROLES, each.sender)})
    events.sort(key=lambda event: (event["ts"], -event.get("dur", 0)))
    return {"traceEvents": [*lanes.names(), *events], "displayTimeUnit": "ms", "otherData": {"run": summary.run}}


class _Lanes:
    """The lanes of the trace by process and name, and up to when each is taken."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, str], int] = {}
        self._ends: dict[int, int] = {}

    def first(self, process: int, name: str) -> dict[str, int]:
        """The lane of that name."""
        number = self._numbers.setdefault((process, name), len(self._numbers) + 1)
        return {"pid": process, "tid": number}

    def take(self, process: int, name: str, start: int, end: int) -> tuple[dict[str, int], int]:
        """A lane for a span, and where the span begins in it. Spans come in the order of their starts."""
        number = 1
        while True:
            lane = self.first(process, name if number == 1 else f"{name} ({number})")
            free = self._ends.get(lane["tid"], 0)
            if free <= min(end, start + (_HAIR if process == _SLOTS else 0)):
                self._ends[lane["tid"]] = end
                return lane, max(start, free)
            number += 1

    def names(self) -> Iterator[Event]:
        """The names of processes and lanes, as the format has them."""
        for process, name in ((_ROLES, "roles"), (_SLOTS, "slots")):
            yield {"ph": "M", "name": "process_name", "pid": process, "args": {"name": name}}
        for (process, name), number in self._numbers.items():
            yield {"ph": "M", "name": "thread_name", "pid": process, "tid": number, "args": {"name": name}}


def _placed(spans: Sequence[Span], until: float) -> list[tuple[Span, int, int]]:
    """The spans with start and end in microseconds, in the order of their starts, the longest first."""
    placed = [(span, _micro(span.start), _micro(until if span.end is None else span.end)) for span in spans]
    return sorted(((span, start, max(start, end)) for span, start, end in placed), key=lambda each: (each[1], -each[2]))


def _complete(span: Span, start: int, end: int, lanes: _Lanes) -> Event:
    where = f"{span.trace}.{span.step} " if span.trace is not None else ""
    on = (_SLOTS, f"slot {span.slot}") if span.slot is not None else (_ROLES, span.actor)
    lane, begun = lanes.take(*on, start, end)
    name = text.line(f"{where}{span.label or span.activity}")
    about = {"message": span.message, "actor": span.actor}
    return {"ph": "X", "name": name, "cat": span.activity, "ts": begun, "dur": end - begun, "args": about, **lane}


def _micro(seconds: float) -> int:
    return round(seconds * 1e6)
