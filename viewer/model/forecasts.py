"""Calibration: predicted gains of hypotheses against the measured gains of their trials.

A step is confident if its predicted gain exceeds the standard error of its comparison, so the gain should be visible.
A confident step that is clearly worse went the wrong way; the literature calls this gradient hallucination.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean

from gome.agents.protocol.messages import Diagnosis, Proposal
from gome.agents.protocol.run_messages import RunOpened, SessionOpened
from gome.bus.message import Envelope

__all__ = ["Calibration", "calibrate"]


@dataclass
class Calibration:
    """Forecasts of one source of ideas: paired `predicted` and `realised` gains, in units of the metric."""

    source: str
    reasoner: str
    predicted: list[float] = field(default_factory=list)
    realised: list[float] = field(default_factory=list)
    confident: int = 0
    wrong_way: int = 0

    @property
    def steps(self) -> int:
        """Number of steps with both a predicted and a measured gain."""
        return len(self.predicted)

    @property
    def mean_predicted(self) -> float:
        """Mean predicted gain."""
        return fmean(self.predicted)

    @property
    def mean_realised(self) -> float:
        """Mean measured gain."""
        return fmean(self.realised)

    @property
    def right_sign(self) -> float:
        """Share of steps whose measured gain has the predicted sign."""
        pairs = zip(self.predicted, self.realised, strict=True)
        return fmean((promised > 0) == (gain > 0) for promised, gain in pairs)

    @property
    def hallucinated(self) -> float | None:
        """Share of confident steps that went the wrong way; None where no step was confident."""
        return self.wrong_way / self.confident if self.confident else None

    def add(self, predicted: float, diagnosis: Diagnosis) -> None:
        """Add a step with one hypothesis; ignored where it was not compared with its trace's best."""
        effect = diagnosis.effect
        if effect is None:
            return
        self.predicted.append(predicted)
        self.realised.append(effect.gain)
        if predicted > (effect.standard_error or 0.0):
            self.confident += 1
            self.wrong_way += effect.verdict == "worse"


def calibrate(envelopes: Iterable[Envelope]) -> list[Calibration]:
    """Calibration per source of the idea (proposer or success memory) and per backend of the Proposer.

    Roots are left out: they try several hypotheses at once and have no parent to compare with. So are searches of
    constants, for which no gain is predicted.
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
                if proposed.step_kind == "tune":
                    continue
                source = "proposer" if proposed.origin is None else "success memory"
                found.setdefault((source, who), Calibration(source, who)).add(hypothesis.expected_gain, diagnosis)
            case _:
                pass
    return [found[key] for key in sorted(found)]
