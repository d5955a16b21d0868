"""Predicted against realised: what hypotheses promised, and what their trials brought.

A confident step promised more than the standard error of its comparison, so that it should have been seen. Where such
a step came out clearly worse it went the wrong way: what the literature calls gradient hallucination.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean

from gome.agents.protocol.messages import Diagnosis, Proposal, RunOpened, SessionOpened
from gome.bus.message import Envelope

__all__ = ["Calibration", "calibrate"]


@dataclass
class Calibration:
    """The forecasts of one source of ideas: `predicted` and `realised` gains in pairs, in the metric's units."""

    source: str
    reasoner: str
    predicted: list[float] = field(default_factory=list)
    realised: list[float] = field(default_factory=list)
    confident: int = 0
    wrong_way: int = 0

    @property
    def steps(self) -> int:
        """How many steps had both a forecast and a measured gain."""
        return len(self.predicted)

    @property
    def mean_predicted(self) -> float:
        """The gain promised, on average."""
        return fmean(self.predicted)

    @property
    def mean_realised(self) -> float:
        """The gain measured, on average."""
        return fmean(self.realised)

    @property
    def right_sign(self) -> float:
        """The share of steps that moved the score as promised, up or down."""
        pairs = zip(self.predicted, self.realised, strict=True)
        return fmean((promised > 0) == (gain > 0) for promised, gain in pairs)

    @property
    def hallucinated(self) -> float | None:
        """The share of confident steps that went the wrong way; None where no step was confident."""
        return self.wrong_way / self.confident if self.confident else None

    def add(self, predicted: float, diagnosis: Diagnosis) -> None:
        """Take up one step of one hypothesis that was compared with its trace's best."""
        effect = diagnosis.effect
        if effect is None:
            return
        self.predicted.append(predicted)
        self.realised.append(effect.gain)
        if predicted > (effect.standard_error or 0.0):
            self.confident += 1
            self.wrong_way += effect.verdict == "worse"


def calibrate(envelopes: Iterable[Envelope]) -> list[Calibration]:
    """Who forecast how well: by where the idea came from (proposer, success memory) and who answered as Proposer.

    A root tries several hypotheses at once and has nothing to be compared with, so it counts nowhere.
    """
    found: dict[tuple[str, str], Calibration] = {}
    proposals: dict[tuple[int | None, int | None], tuple[str, Proposal]] = {}
    reasoner = ""
    for envelope in envelopes:
        match envelope.message:
            case RunOpened(reasoners=named) | SessionOpened(reasoners=named):
                reasoner = named.get("proposer", reasoner)
            case Proposal() as proposal:
                proposals[envelope.trace, envelope.step] = reasoner, proposal
            case Diagnosis(hypotheses=(hypothesis,)) as diagnosis if diagnosis.effect is not None:
                who, proposed = proposals[envelope.trace, envelope.step]
                source = "proposer" if proposed.origin is None else "success memory"
                found.setdefault((source, who), Calibration(source, who)).add(hypothesis.expected_gain, diagnosis)
            case _:
                pass
    return [found[key] for key in sorted(found)]
