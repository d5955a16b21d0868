"""The critical path: the chain of causes that leads to a run's end, and how its time was spent.

Of all concurrent work, only this chain determines the run's duration. It is found backwards from the last message, from
effect to cause. Between cause and effect the actor called a model or ran a script, or the message waited: for a slot,
for a busy actor, or for the bus.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gome.agents.protocol.activities import QUESTION, SCRIPT
from gome.bus.events import ACTIVITIES, ActivityFinished
from gome.bus.message import Envelope
from gome.viewer.model.message_lines import place, role
from gome.viewer.model.timeline import covered, held

__all__ = ["CriticalPath", "Hop", "Share", "critical_path"]


@dataclass(frozen=True)
class Hop:
    """From a cause to its effect, in seconds since the run's start. The three shares add up to `end` − `start`."""

    role: str
    kind: str
    place: str
    start: float
    end: float
    reasoning: float
    executing: float

    @property
    def waiting(self) -> float:
        """Seconds spent neither in model calls nor in scripts."""
        return max(0.0, self.end - self.start - self.reasoning - self.executing)


@dataclass(frozen=True)
class CriticalPath:
    """The hops, beginning with the first cause."""

    hops: tuple[Hop, ...]

    @property
    def seconds(self) -> float:
        """The length of the path in seconds."""
        return self.hops[-1].end - self.hops[0].start if self.hops else 0.0

    def by_role(self) -> list["Share"]:
        """The sums of each role's hops, the longest first."""
        sums: dict[str, Share] = {}
        for hop in self.hops:
            own = sums.setdefault(hop.role, Share(hop.role))
            own.reasoning += hop.reasoning
            own.executing += hop.executing
            own.waiting += hop.waiting
        return sorted(sums.values(), key=lambda share: -(share.reasoning + share.executing + share.waiting))


@dataclass
class Share:
    """The seconds of the path that belong to one role."""

    role: str
    reasoning: float = 0.0
    executing: float = 0.0
    waiting: float = 0.0


def critical_path(envelopes: Sequence[Envelope]) -> CriticalPath:
    """The path to RunFinished or, where the run has not finished, to the last message that has a cause."""
    by_id = {each.id: each for each in envelopes}
    caused = [each for each in envelopes if each.kind not in ACTIVITIES and each.cause is not None]
    ends = [each for each in caused if each.kind == "run_finished"] or caused
    done: dict[tuple[str, str | None], list[Envelope]] = {}
    for each in envelopes:
        if isinstance(each.message, ActivityFinished):
            done.setdefault((each.sender, each.cause), []).append(each)
    hops: list[Hop] = []
    effect = ends[-1] if ends else None
    while effect is not None and effect.cause is not None:
        cause = by_id.get(effect.cause)
        if cause is None or cause.seq >= effect.seq:  # the latter in a log that gome did not write
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
