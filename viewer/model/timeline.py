"""When each actor worked: spans of activities, and the time shares computed from them.

A span is one recorded activity: a model call or a script run. The log counts live seconds; `WallClock` gives the dates.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gome.agents.protocol.activities import QUESTION, SCRIPT
from gome.agents.protocol.run_messages import SessionOpened
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.message import Envelope
from gome.viewer import text

__all__ = ["Shares", "Span", "Timeline", "WallClock", "covered", "held"]


@dataclass(slots=True)
class Span:
    """One activity, in seconds since the run's start. `end` is None while it runs, and where its process died.

    `slot` is the slot of a script, from 0; None for model calls.
    """

    message: str
    actor: str
    activity: str
    label: str
    trace: int | None
    step: int | None
    start: float
    end: float | None = None
    slot: int | None = None

    @property
    def executes(self) -> bool:
        """Whether this is a script run, as opposed to a model call."""
        return self.activity == SCRIPT


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the time from the run's start to `until`, in [0, 1]; the first four add up to one.

    `slots` is the mean share of busy slots. `sequential` is the time in seconds that the same work would have taken
    without any overlap.
    """

    until: float
    reasoning: float
    executing: float
    both: float
    neither: float
    slots: float
    sequential: float

    @property
    def words(self) -> str:
        """The shares in one line."""
        alone = f"reasoning {text.percent(self.reasoning)}, executing {text.percent(self.executing)}"
        together = f"both {text.percent(self.both)}, neither {text.percent(self.neither)}"
        return f"{alone}, {together}; slots busy {text.percent(self.slots)}"


@dataclass
class Timeline:
    """The spans of a run, updated message by message. `_ends` has the end of the last script in each lane."""

    spans: list[Span] = field(default_factory=list)
    slots: int = 1
    _open: dict[tuple[str, str | None, int], Span] = field(default_factory=dict)
    _ends: list[float] = field(default_factory=list)

    def start(self, envelope: Envelope, message: ActivityStarted) -> None:
        """Add a span for an activity that begins. A repeated activity replaces its span that never ended."""
        key = (envelope.sender, envelope.cause, message.ordinal)
        span = Span(
            message=envelope.id,
            actor=envelope.sender,
            activity=message.activity,
            label=message.label,
            trace=envelope.trace,
            step=envelope.step,
            start=envelope.time,
        )
        lost = self._open.pop(key, None)
        if lost is not None:
            self.spans.remove(lost)
        self._open[key] = span
        self.spans.append(span)

    def finish(self, envelope: Envelope, message: ActivityFinished) -> None:
        """End the span of an activity. The span of a script is the time for which it occupied its slot."""
        span = self._open.pop((envelope.sender, envelope.cause, message.ordinal), None)
        if span is None:
            return
        span.end = envelope.time
        if span.executes:
            span.start, span.end = held(message, span.start, envelope.time)
            span.slot = self._slot(span, message)

    def abandon(self) -> None:
        """Drop all open spans: a new session began, so the work of the previous process is lost."""
        for lost in self._open.values():
            self.spans.remove(lost)
        self._open.clear()

    def under_way(self) -> list[Span]:
        """The activities in progress."""
        return list(self._open.values())

    def shares(self, until: float) -> Shares:
        """Time shares from the run's start to `until`, in seconds since the start."""
        thinking = [(each.start, min(each.end or until, until)) for each in self.spans if each.activity == QUESTION]
        running = [(each.start, min(each.end or until, until)) for each in self.spans if each.executes]
        think, run = covered(thinking), covered(running)
        either = covered([*thinking, *running])
        whole = until or 1.0
        both = max(0.0, think + run - either)
        busy = sum(max(0.0, end - start) for start, end in running)
        return Shares(
            until=until,
            reasoning=(think - both) / whole,
            executing=(run - both) / whole,
            both=both / whole,
            neither=max(0.0, 1 - either / whole) if until else 0.0,
            slots=min(1.0, busy / (whole * self.slots)),
            sequential=busy + sum(max(0.0, end - start) for start, end in thinking),
        )

    def _slot(self, span: Span, message: ActivityFinished) -> int | None:
        """The slot that the script occupied; None for a script that was refused one.

        Where the slot was not recorded, use the lowest lane in which no other script ran at that time.
        """
        if "slot" in message.meter:
            return int(message.meter["slot"])
        if not message.meter:
            return None
        lane = next((index for index, end in enumerate(self._ends) if end <= span.start + 1e-3), len(self._ends))
        self._ends[lane : lane + 1] = [span.end if span.end is not None else span.start]
        return lane


def held(message: ActivityFinished, start: float, end: float) -> tuple[float, float]:
    """When a script requested at `start` occupied its slot: (from, to) in seconds since the run's start.

    Where this was not recorded, the script's duration is counted backwards from `end`. A script without any figures
    never had a slot.
    """
    if not message.meter:
        return end, end
    if "held_seconds" in message.meter:
        begun = start + message.meter["waited_seconds"]
        return min(begun, end), min(begun + message.meter["held_seconds"], end)
    return max(start, end - message.meter.get("script_seconds", message.seconds)), end


def covered(intervals: Iterable[tuple[float, float]]) -> float:
    """The length of the union of intervals."""
    total, reach = 0.0, float("-inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reach))
        reach = max(reach, end)
    return total


@dataclass(slots=True)
class WallClock:
    """The start of each session, in live seconds and in UTC seconds since 1970."""

    sessions: list[tuple[float, float]] = field(default_factory=list)

    def apply(self, envelope: Envelope) -> None:
        """Note a session; other messages change nothing."""
        if isinstance(envelope.message, SessionOpened):
            self.sessions.append((envelope.time, envelope.message.wall))

    def at(self, time: float) -> float:
        """UTC seconds since 1970 of a live time, by the session in which it lies; from 0 where there is none."""
        earlier = ((begun, wall) for begun, wall in reversed(self.sessions) if begun <= time)
        begun, wall = next(earlier, (self.sessions or [(0.0, 0.0)])[0])
        return wall + time - begun
