"""The critical path: the chain of causes that leads to a run's end, and what its time went into.

Of everything that went on at once, only what stands on this path made the run as long as it was. It is read off the log
backwards: the last message, what caused it, what caused that. Between a cause and its effect somebody asked a reasoner,
ran a script, or the message waited: for a slot, for an actor that was busy, for the bus.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gome.bus.events import ACTIVITIES, ActivityFinished
from gome.bus.message import Envelope
from gome.viewer.model.headline import place, role
from gome.viewer.model.timeline import covered, held
from gome.viewer.model.usage import QUESTION, SCRIPT

__all__ = ["CriticalPath", "Hop", "Share", "critical_path"]


@dataclass(frozen=True)
class Hop:
    """From a cause to its effect; times in seconds of the run. The three shares add up to `end` − `start`."""

    role: str
    kind: str
    place: str
    start: float
    end: float
    reasoning: float
    executing: float

    @property
    def waiting(self) -> float:
        """What neither a question nor a script took."""
        return max(0.0, self.end - self.start - self.reasoning - self.executing)


@dataclass(frozen=True)
class CriticalPath:
    """The hops from the first cause on."""

    hops: tuple[Hop, ...]

    @property
    def seconds(self) -> float:
        """How long the path is."""
        return self.hops[-1].end - self.hops[0].start if self.hops else 0.0

    def by_role(self) -> list["Share"]:
        """What each role's hops add up to, the longest first."""
        sums: dict[str, Share] = {}
        for hop in self.hops:
            own = sums.setdefault(hop.role, Share(hop.role))
            own.reasoning += hop.reasoning
            own.executing += hop.executing
            own.waiting += hop.waiting
        return sorted(sums.values(), key=lambda share: -(share.reasoning + share.executing + share.waiting))


@dataclass
class Share:
    """Seconds of the path that are a role's."""

    role: str
    reasoning: float = 0.0
    executing: float = 0.0
    waiting: float = 0.0


def critical_path(envelopes: Sequence[Envelope]) -> CriticalPath:
    """The path to the last message that has a cause; of a run that finished, to its end."""
    by_id = {each.id: each for each in envelopes}
    told = [each for each in envelopes if each.kind not in ACTIVITIES and each.cause is not None]
    ends = [each for each in told if each.kind == "run_finished"] or told
    done: dict[tuple[str, str | None], list[Envelope]] = {}
    for each in envelopes:
        if isinstance(each.message, ActivityFinished):
            done.setdefault((each.sender, each.cause), []).append(each)
    hops: list[Hop] = []
    effect = ends[-1] if ends else None
    while effect is not None and effect.cause is not None:
        cause = by_id.get(effect.cause)
        if cause is None:
            break
        hops.append(_hop(cause, effect, done.get((effect.sender, effect.cause), [])))
        effect = cause
    return CriticalPath(tuple(reversed(hops)))


def _hop(cause: Envelope, effect: Envelope, done: Sequence[Envelope]) -> Hop:
    spans: dict[str, list[tuple[float, float]]] = {QUESTION: [], SCRIPT: []}
    for each in done:
        if isinstance(each.message, ActivityFinished) and each.time <= effect.time:
            start, end = max(cause.time, each.time - each.message.seconds), each.time
            if each.message.activity == SCRIPT:
                start, end = held(each.message, start, end)
            spans.setdefault(each.message.activity, []).append((start, end))
    executing = covered(spans[SCRIPT])
    reasoning = covered([*spans[QUESTION], *spans[SCRIPT]]) - executing
    return Hop(role(effect.sender), effect.kind, place(effect), cause.time, effect.time, reasoning, executing)
