"""Traces and steps, filled in from the messages received so far."""

from dataclasses import dataclass, field

from gome.agents.protocol.messages import (
    Diagnosis,
    Job,
    Proposal,
    Recollection,
    RepairCalled,
    SolutionCompleted,
    TraceRestarted,
    Trial,
)
from gome.agents.protocol.types import Effect, Hypothesis, Recalled
from gome.scenarios.evidence import Evaluation
from gome.viewer import text

__all__ = ["MARKS", "Step", "Trace", "gain_words"]

MARKS = {"accepted": "✓", "rejected": "✗", "failed": "!", "dead": "†", "unfinished": "–", "open": "·"}
"""The symbol of each verdict, the same on every screen."""


@dataclass
class Step:
    """One step of a trace with its messages so far. `opened` and `closed` are in seconds since the run's start.

    `completed` is its solution on more splits than those on which it was judged.
    """

    trace: int
    step: int
    opened: float | None = None
    closed: float | None = None
    stage: str = ""
    recollection: Recollection | None = None
    proposal: Proposal | None = None
    job: Job | None = None
    repairs: list[RepairCalled] = field(default_factory=list)
    trial: Trial | None = None
    diagnosis: Diagnosis | None = None
    completed: SolutionCompleted | None = None

    @property
    def name(self) -> str:
        """`trace.step`, as shown on every screen."""
        return f"{self.trace}.{self.step}"

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The hypotheses that the step tried; once it is diagnosed, with what a search has found."""
        if self.diagnosis is not None and self.diagnosis.hypotheses:
            return self.diagnosis.hypotheses
        return self.proposal.hypotheses if self.proposal is not None else ()

    @property
    def recalled(self) -> tuple[Recalled, ...]:
        """The changes that the memory recalled for the step."""
        return self.recollection.recalled if self.recollection else ()

    @property
    def evaluation(self) -> Evaluation | None:
        """The harness's measurements, on all splits that it was run on; None before the trial has ended."""
        if self.completed is not None:
            return self.completed.evaluation
        if self.diagnosis is not None:
            return self.diagnosis.evaluation
        return self.trial.evaluation if self.trial else None

    @property
    def diagnostics_ref(self) -> str | None:
        """The ref of the analysis of its errors, on all splits that it was run on; None where there is none."""
        if self.completed is not None and self.completed.diagnostics_ref is not None:
            return self.completed.diagnostics_ref
        return self.diagnosis.diagnostics_ref if self.diagnosis else None

    @property
    def score(self) -> float | None:
        """The score, on all splits that it was run on; None where there is none (yet)."""
        if self.completed is not None:
            return self.completed.evaluation.score
        if self.diagnosis is not None:
            return self.diagnosis.score
        return self.trial.evaluation.score if self.trial and self.trial.evaluation else None

    @property
    def score_words(self) -> str:
        """The score as shown on screens, with the number of splits where the trial was stopped early."""
        return text.judged(self.score, self.evaluation)

    def complete(self, message: SolutionCompleted) -> None:
        """Take the message, if it is about this step's solution and has more splits than are known."""
        known = self.evaluation
        if self.diagnosis and known and message.adds_to(self.diagnosis.script_ref, known.splits):
            self.completed = message

    @property
    def gain(self) -> float | None:
        """The gain by which it was judged, positive for better; None where not compared."""
        return self.diagnosis.effect.gain if self.diagnosis and self.diagnosis.effect else None

    @property
    def accepted(self) -> bool:
        """Whether its diagnosis accepted it."""
        return self.diagnosis is not None and self.diagnosis.accepted

    @property
    def gain_over(self) -> str:
        """What its gain is over, in words: a return is measured against the solution that it changed."""
        returned = self.proposal is not None and self.proposal.step_kind == "return"
        return "the solution that it changed" if returned else "the trace's best"

    @property
    def gain_on(self) -> str:
        """On how many splits the gain was measured (`2 of 5`) where the score is of others; else empty."""
        effect = self.diagnosis.effect if self.diagnosis else None
        return effect.narrower(self.evaluation) if effect is not None and self.evaluation is not None else ""

    @property
    def gain_words(self) -> str:
        """The gain as shown on screens, with the splits that it is of where the score beside it is of others."""
        return gain_words(self.diagnosis.effect if self.diagnosis else None, self.evaluation)

    @property
    def predicted(self) -> float | None:
        """The gain predicted by its hypothesis; None for a step with several hypotheses, such as a root."""
        return self.hypotheses[0].expected_gain if len(self.hypotheses) == 1 else None

    @property
    def verdict(self) -> str:
        """The diagnosis's verdict, or `open`."""
        return self.diagnosis.verdict if self.diagnosis else "open"

    @property
    def awaiting(self) -> bool:
        """Whether its trial has ended and its diagnosis is awaited, which takes minutes with a slow model."""
        return self.trial is not None and self.diagnosis is None

    @property
    def verdict_words(self) -> str:
        """The verdict as shown on screens: of an open step, whether it is being tried or was measured already."""
        return "awaiting its diagnosis" if self.awaiting else self.verdict


def gain_words(effect: Effect | None, evaluation: Evaluation | None) -> str:
    """A gain beside a score: `+2.06 on 2 of 5 splits` where it is of fewer splits than the score; else `+2.06`.

    `evaluation` is that of the score. A score of some splits says so itself, and its gain is of the same ones.
    """
    if effect is None:
        return text.UNKNOWN
    fewer = effect.narrower(evaluation) if evaluation is not None else ""
    return text.gain(effect.gain) + (f" on {fewer} splits" if fewer else "")


@dataclass
class Trace:
    """One trace. Step 0, the survey, is kept separate from the trials."""

    index: int
    survey: Step | None = None
    steps: dict[int, Step] = field(default_factory=dict)
    restarts: list[TraceRestarted] = field(default_factory=list)
    best: Step | None = None

    @property
    def trials(self) -> list[Step]:
        """Its steps in order, without the survey."""
        return [self.steps[number] for number in sorted(self.steps)]
