"""A trace and its steps, as the messages of the ring have filled them in so far."""

from dataclasses import dataclass, field

from gome.agents.protocol.messages import Diagnosis, Job, Proposal, Recollection, RepairCalled, TraceRestarted, Trial
from gome.agents.protocol.types import Hypothesis, Recalled
from gome.scenarios.evidence import Evaluation
from gome.viewer import text

__all__ = ["MARKS", "Step", "Trace"]

MARKS = {"accepted": "✓", "rejected": "✗", "failed": "!", "dead": "†", "open": "·"}
"""One sign for each verdict of a trial; the same in every screen."""


@dataclass
class Step:
    """One step of a trace: each message of it that has arrived so far, and the ids of those one asks after."""

    trace: int
    step: int
    opened: float | None = None
    closed: float | None = None
    stage: str = ""
    recollection: Recollection | None = None
    proposal: Proposal | None = None
    proposal_id: str | None = None
    job: Job | None = None
    repairs: list[RepairCalled] = field(default_factory=list)
    trial: Trial | None = None
    diagnosis: Diagnosis | None = None
    diagnosis_id: str | None = None

    @property
    def name(self) -> str:
        """`trace.step`, as every screen writes it."""
        return f"{self.trace}.{self.step}"

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """What the step tried."""
        if self.proposal is not None:
            return self.proposal.hypotheses
        return self.diagnosis.hypotheses if self.diagnosis else ()

    @property
    def recalled(self) -> tuple[Recalled, ...]:
        """What the memory gave it."""
        return self.recollection.recalled if self.recollection else ()

    @property
    def evaluation(self) -> Evaluation | None:
        """What the harness measured of it, once it has its diagnosis."""
        return self.diagnosis.evaluation if self.diagnosis else None

    @property
    def score(self) -> float | None:
        """Its score, None where it has none (yet)."""
        return self.diagnosis.score if self.diagnosis else None

    @property
    def score_words(self) -> str:
        """Its score as every screen writes it: of how many splits, where it was stopped early."""
        return text.judged(self.score, self.evaluation)

    @property
    def gain(self) -> float | None:
        """What it brought against its trace's best, positive for better."""
        return self.diagnosis.effect.gain if self.diagnosis and self.diagnosis.effect else None

    @property
    def predicted(self) -> float | None:
        """The gain that its one hypothesis promised; None at a root, which tries several at once."""
        return self.hypotheses[0].expected_gain if len(self.hypotheses) == 1 else None

    @property
    def verdict(self) -> str:
        """The diagnosis's verdict, or `open`."""
        return self.diagnosis.verdict if self.diagnosis else "open"


@dataclass
class Trace:
    """One team's path. Step 0, the survey, stands apart from its trials."""

    index: int
    survey: Step | None = None
    steps: dict[int, Step] = field(default_factory=dict)
    restarts: list[TraceRestarted] = field(default_factory=list)
    best: Step | None = None

    @property
    def trials(self) -> list[Step]:
        """Its steps in order, the survey left out."""
        return [self.steps[number] for number in sorted(self.steps)]
