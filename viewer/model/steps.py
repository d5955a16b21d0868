"""Traces and steps, filled in from the messages received so far."""

from dataclasses import dataclass, field

from gome.agents.protocol.messages import (
    Diagnosis,
    Job,
    Proposal,
    Recollection,
    RepairCalled,
    SolutionCompleted,
    StepOpened,
    TraceRestarted,
    Trial,
)
from gome.agents.protocol.run_messages import ProposalOffered, ProposalReviewed
from gome.agents.protocol.types import Effect, Hypothesis, Recalled
from gome.bus.message import Message
from gome.scenarios.evidence import Evaluation
from gome.viewer import text

__all__ = ["MARKS", "Step", "Trace", "gain_words"]

MARKS = {"accepted": "✓", "rejected": "✗", "failed": "!", "dead": "†", "unfinished": "–", "open": "·"}
"""The symbol of each verdict, the same on every screen."""


@dataclass
class Step:
    """One step of a trace with its messages so far. `opened` and `closed` are in seconds since the run's start.

    `completed` is its solution on more splits than those on which it was judged; `again` the comparison by which it was
    judged, as it is where one of the two solutions was run on more splits since. `offered`: its proposal was offered
    to the user, who has not answered yet.
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
    again: Effect | None = None
    offered: bool = False

    def hear(self, message: Message) -> None:
        """Take a message of the step that came before its diagnosis; others change nothing."""
        match message:
            case StepOpened():
                self.stage = message.stage
            case Recollection() | Proposal() | Job() | Trial():
                setattr(self, message.kind, message)
            case RepairCalled():
                self.repairs.append(message)
            case ProposalOffered() | ProposalReviewed():
                self.offered = isinstance(message, ProposalOffered)
            case _:
                pass

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
    def judging(self) -> Effect | None:
        """The comparison by which it was judged, as it was then."""
        return self.diagnosis.effect if self.diagnosis else None

    @property
    def effect(self) -> Effect | None:
        """The comparison by which it was judged, on all splits that both solutions were run on since."""
        return self.again or self.judging

    @property
    def gain(self) -> float | None:
        """The gain by which it was judged, on all splits known now, positive for better; None where not compared."""
        return self.effect.gain if self.effect else None

    @property
    def accepted(self) -> bool:
        """Whether its diagnosis accepted it."""
        return self.diagnosis is not None and self.diagnosis.accepted

    @property
    def changed(self) -> str | None:
        """The ref of the script that a return changed, against which it is measured; None of another step."""
        returned = self.proposal is not None and self.proposal.step_kind == "return"
        return self.proposal.base_ref if self.proposal is not None and returned else None

    @property
    def gain_over(self) -> str:
        """What its gain is over, in words."""
        return "the solution that it changed" if self.changed is not None else "the trace's best"

    @property
    def gain_on(self) -> str:
        """On how many splits it was judged (`2 of 5`) where its score or its gain is of others now; else empty."""
        then, evaluation = self.judging, self.evaluation
        if then is None or evaluation is None:
            return ""
        return _judged_on(then, evaluation) if self.again else then.narrower(evaluation)

    @property
    def gain_words(self) -> str:
        """The gain as shown on screens, with the splits that it is of where the score beside it is of others."""
        return gain_words(self.diagnosis, self.evaluation, self.again) if self.diagnosis else text.UNKNOWN

    @property
    def gain_notes(self) -> str:
        """What a gain that stands alone needs beside it: its splits, by what it was judged, a return's other gain."""
        return self.gain_words.removeprefix(text.gain(self.gain)).strip(" ,")

    @property
    def gain_told(self) -> str:
        """The gain in a sentence, with what it is over."""
        both = self.diagnosis is not None and self.diagnosis.over_best is not None
        return self.gain_words if both else f"{self.gain_words} against {self.gain_over}"

    @property
    def predicted(self) -> float | None:
        """The gain predicted by its hypothesis; None for a step with several hypotheses, such as a root."""
        return self.hypotheses[0].expected_gain if len(self.hypotheses) == 1 else None

    @property
    def verdict(self) -> str:
        """The diagnosis's verdict, or `open`."""
        return self.diagnosis.verdict if self.diagnosis else "open"

    @property
    def waits_for_the_user(self) -> bool:
        """Whether its proposal was offered to the user, who has not answered."""
        return self.offered and self.proposal is None and self.diagnosis is None

    @property
    def awaiting(self) -> bool:
        """Whether its trial has ended and its diagnosis is awaited, which takes minutes with a slow model."""
        return self.trial is not None and self.diagnosis is None

    @property
    def verdict_words(self) -> str:
        """The verdict as shown on screens: of an open step, whether it is being tried or was measured already."""
        if self.awaiting:
            return "awaiting its diagnosis"
        return "its proposal waits for you: gome confirm" if self.waits_for_the_user else self.verdict


def gain_words(diagnosis: Diagnosis, evaluation: Evaluation | None, again: Effect | None = None) -> str:
    """A gain beside a score: `+2.06`, with all that is needed for it to be the same figure on every screen.

    `+2.06 on 2 of 5 splits` where it is of fewer splits than the score, which `evaluation` has: a score of some splits
    says so itself, and its gain is of the same ones. `+1.93, judged by +2.06 on 2 of 5 splits` where it was compared
    `again`. Of a return, what the gain is over, and that over the trace's best, by which it was judged.
    """
    effect, best = diagnosis.effect, diagnosis.over_best
    if effect is None:
        return text.UNKNOWN
    fewer = (again or effect).narrower(evaluation) if evaluation is not None else ""
    words = text.gain((again or effect).gain) + (f" on {fewer} splits" if fewer else "")
    words += " over what it changed" if best is not None else ""
    if again is not None and evaluation is not None:
        words += f", judged by {text.gain(effect.gain)} on {_judged_on(effect, evaluation)} splits"
    return words + (f", {text.gain(best.gain)} over the trace's best" if best is not None else "")


def _judged_on(effect: Effect, evaluation: Evaluation) -> str:
    return f"{effect.splits} of {evaluation.planned}"


@dataclass
class Trace:
    """One trace. Step 0, the survey, is kept separate from the trials.

    `reference` is the script that its next trial is compared with.
    """

    index: int
    survey: Step | None = None
    steps: dict[int, Step] = field(default_factory=dict)
    restarts: list[TraceRestarted] = field(default_factory=list)
    best: Step | None = None
    reference: str | None = None

    def restart(self, message: TraceRestarted) -> None:
        """Begin again, from another solution or from nothing."""
        self.restarts.append(message)
        self.best, self.reference = None if message.script_ref is None else self.best, message.script_ref

    @property
    def trials(self) -> list[Step]:
        """Its steps in order, without the survey."""
        return [self.steps[number] for number in sorted(self.steps)]
