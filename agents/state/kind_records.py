"""What the steps of each kind have gained and cost, over all traces. State of the Director."""

from dataclasses import dataclass, field

from gome.agents.method.next_kind import rewarded
from gome.agents.protocol.kind_record import KindRecord
from gome.agents.protocol.messages import Diagnosis, Proposal, StepOpened
from gome.agents.protocol.types import StepKind
from gome.bus.message import Envelope

__all__ = ["KindRecords"]

Place = tuple[int, int]
"""A step of a trace."""


@dataclass(slots=True)
class KindRecords:
    """Counts the trials that were compared with their trace's best; first solutions are not."""

    found: dict[StepKind, KindRecord] = field(default_factory=dict)
    kinds: dict[Place, StepKind] = field(default_factory=dict)
    began: dict[Place, float] = field(default_factory=dict)

    def heard(self, envelope: Envelope, *, timed: bool) -> None:
        """Apply a message of a step. It costs the minutes from its opening to its diagnosis; without `timed`, 1."""
        if envelope.trace is None or envelope.step is None:
            return
        place = (envelope.trace, envelope.step)
        match envelope.message:
            case Proposal() as proposal:
                self.kinds[place] = proposal.step_kind
            case StepOpened():
                self.began[place] = envelope.time
            case Diagnosis() as diagnosis:
                kind, began = self.kinds.pop(place, None), self.began.pop(place, envelope.time)
                if kind is not None and diagnosis.effect is not None:
                    self._add(kind, diagnosis, (envelope.time - began) / 60 if timed else 1.0)
            case _:
                pass

    def _add(self, kind: StepKind, diagnosis: Diagnosis, cost: float) -> None:
        effect, before = diagnosis.effect, self.found.get(kind, KindRecord(kind=kind))
        if effect is None:
            return
        gain = rewarded(effect.gain, effect.standard_error, accepted=diagnosis.accepted)
        self.found[kind] = KindRecord(
            kind=kind,
            steps=before.steps + 1,
            accepted=before.accepted + diagnosis.accepted,
            gain=before.gain + gain,
            cost=before.cost + cost,
        )

    @property
    def told(self) -> tuple[KindRecord, ...]:
        """The records, in the order in which kinds were first counted."""
        return tuple(self.found.values())
