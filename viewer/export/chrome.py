"""Export a run as a Chrome trace (for Perfetto or chrome://tracing): lanes of actors and slots, messages as instants.

In this format the spans of a lane must not overlap, so concurrent work of one actor is put into additional lanes.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.viewer import text
from gome.viewer.model.message_lines import headline, place
from gome.viewer.model.summary import summarise
from gome.viewer.model.timeline import Span

__all__ = ["chrome_trace"]

_ROLES, _SLOTS = 1, 2
_HAIR = 1000
"""Tolerated overlap of two spans of a slot due to clock differences, in microseconds; the later span is shortened."""
Event = dict[str, Any]


def chrome_trace(envelopes: Iterable[Envelope], redact: bool) -> Event:
    """The trace as a JSON object, its events in time order, in microseconds since the run's start.

    With `redact`, headlines of messages are left out.
    """
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
    """The lanes of the trace by process and name, and the end of the last span in each."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, str], int] = {}
        self._ends: dict[int, int] = {}

    def first(self, process: int, name: str) -> dict[str, int]:
        """The lane of that name, created where needed."""
        number = self._numbers.setdefault((process, name), len(self._numbers) + 1)
        return {"pid": process, "tid": number}

    def take(self, process: int, name: str, start: int, end: int) -> tuple[dict[str, int], int]:
        """Allocate a free lane for a span; return the lane and the span's start in it. Call in the order of starts."""
        number = 1
        while True:
            lane = self.first(process, name if number == 1 else f"{name} ({number})")
            free = self._ends.get(lane["tid"], 0)
            if free <= min(end, start + (_HAIR if process == _SLOTS else 0)):
                self._ends[lane["tid"]] = end
                return lane, max(start, free)
            number += 1

    def names(self) -> Iterator[Event]:
        """The metadata events that name processes and lanes."""
        for process, name in ((_ROLES, "roles"), (_SLOTS, "slots")):
            yield {"ph": "M", "name": "process_name", "pid": process, "args": {"name": name}}
        for (process, name), number in self._numbers.items():
            yield {"ph": "M", "name": "thread_name", "pid": process, "tid": number, "args": {"name": name}}


def _placed(spans: Sequence[Span], until: float) -> list[tuple[Span, int, int]]:
    """The spans with start and end in microseconds, by start, longer spans first."""
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
