"""A trace's memory of itself: the fold over its diagnoses that several of its roles keep."""

from dataclasses import dataclass, field, replace
from typing import Self

from gome.agents.protocol.messages import Diagnosis, Proposal, SolutionCompleted, SolutionProbed, TraceRestarted
from gome.agents.protocol.types import Challenge, Hypothesis, Key, TrialNote
from gome.bus.message import Envelope
from gome.scenarios.diagnostics.record import Probes
from gome.scenarios.evidence import Evaluation

__all__ = ["FOLDED", "Best", "TraceState"]

FOLDED = frozenset({"proposal", "diagnosis", "solution_completed", "solution_probed", "trace_restarted"})
"""The kinds of messages that `TraceState` folds; who keeps one hears them."""


@dataclass(frozen=True, slots=True)
class Best:
    """A trace's best solution: θ.

    `oof_ref` are its out-of-fold predictions, `probes` what probing it has shown; None where that is not known.
    """

    script_ref: str
    evaluation: Evaluation
    score: float
    seconds: float
    oof_ref: str | None = None
    probes: Probes | None = None

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> Self:
        """The solution that a scored diagnosis is about. Raises ValueError for a diagnosis without a score."""
        if diagnosis.script_ref is None or diagnosis.evaluation is None or diagnosis.score is None:
            raise ValueError("a scored diagnosis names its script, evaluation and score")
        return cls(diagnosis.script_ref, diagnosis.evaluation, diagnosis.score, diagnosis.seconds, diagnosis.oof_ref)

    @classmethod
    def after(cls, restart: TraceRestarted) -> Self | None:
        """The solution that a restarted trace goes on from; None where it begins afresh."""
        evaluation = restart.evaluation
        if restart.script_ref is None or evaluation is None or evaluation.score is None:
            return None
        return cls(restart.script_ref, evaluation, evaluation.score, restart.seconds)

    def completed(self, message: SolutionCompleted) -> "Best":
        """The same with all of its splits, where it is this solution that was completed."""
        evaluation, score = message.evaluation, message.evaluation.score
        if message.script_ref != self.script_ref or score is None:
            return self
        return replace(self, evaluation=evaluation, score=score, oof_ref=message.oof_ref)


@dataclass(slots=True)
class TraceState:
    """Best solution, counts and history of one trace.

    `proposals` are those in the air, by step. `accepted` and `refused` count the trials on the path since its root.
    `notes` are all trials of the trace; those from `path` on belong to the present path. `survey` is what the task
    itself poses.
    """

    best: Best | None = None
    proposals: dict[int, Proposal] = field(default_factory=dict)
    accepted: int = 0
    refused: int = 0
    notes: list[TrialNote] = field(default_factory=list)
    path: int = 0
    survey: tuple[Challenge, ...] = ()
    challenges: tuple[Challenge, ...] = ()

    def heard(self, envelope: Envelope) -> None:
        """Fold a proposal, diagnosis or restart of this trace; any other message changes nothing."""
        step = envelope.step or 0
        match envelope.message:
            case Proposal() as proposal:
                self.proposals[step] = proposal
            case Diagnosis() as diagnosis:
                self.proposals.pop(step, None)
                self._diagnosed(envelope.trace or 0, step, diagnosis)
            case TraceRestarted() as restart:
                self._restarted(restart)
            case SolutionCompleted() as message if self.best is not None:
                self._completed(message, self.best)
            case SolutionProbed() as message if self.best is not None and message.script_ref == self.best.script_ref:
                self.best = replace(self.best, probes=message.probes)
            case _:
                pass

    def _diagnosed(self, trace: int, step: int, diagnosis: Diagnosis) -> None:
        if diagnosis.challenges:
            self.challenges = diagnosis.challenges
        if diagnosis.verdict == "surveyed":
            self.survey = diagnosis.challenges
        if diagnosis.verdict == "surveyed" or not diagnosis.hypotheses:
            return
        if diagnosis.accepted:
            self.accepted += 1
            self.best = Best.of(diagnosis)
        else:
            self.refused += 1
        self.notes.append(
            TrialNote(
                trace=trace,
                step=step,
                hypotheses=diagnosis.hypotheses,
                score=diagnosis.score,
                gain=diagnosis.effect.gain if diagnosis.effect else None,
                standard_error=diagnosis.effect.standard_error if diagnosis.effect else None,
                accepted=diagnosis.accepted,
                reason=diagnosis.reason,
                observations=diagnosis.observations,
                judged=diagnosis.evaluation.judged if diagnosis.evaluation else "",
            )
        )

    def _completed(self, message: SolutionCompleted, best: Best) -> None:
        """The best and its note, with all of its splits."""
        self.best = best.completed(message)
        last = max((index for index, note in enumerate(self.notes) if note.accepted), default=None)
        if self.best is not best and last is not None:
            self.notes[last] = self.notes[last].model_copy(update={"score": self.best.score, "judged": ""})

    def _restarted(self, restart: TraceRestarted) -> None:
        """Another best, or none, and a path that begins anew. What was tried stays known."""
        self.accepted = self.refused = 0
        self.path = len(self.notes)
        self.best = Best.after(restart)
        self.challenges = (restart.challenges if self.best else ()) or self.survey

    @property
    def tried(self) -> tuple[Hypothesis, ...]:
        """All hypotheses that were put to a trial."""
        return tuple(hypothesis for note in self.notes for hypothesis in note.hypotheses)

    @property
    def refused_keys(self) -> tuple[Key, ...]:
        """The ideas whose last trial was not accepted, in the order they were first tried: not to be repeated. [I]

        Of several that were refused together none is known to be in vain. [O]
        """
        told = [note for note in self.notes if note.accepted or len(note.hypotheses) == 1]
        kept = {hypothesis.key: note.accepted for note in told for hypothesis in note.hypotheses}
        return tuple(key for key, accepted in kept.items() if not accepted)

    @property
    def history(self) -> tuple[TrialNote, ...]:
        """What reasoners are shown: the accepted trials, and the failures since the last accept. [C]"""
        path = self.notes[self.path :]
        last = max((index for index, note in enumerate(path) if note.accepted), default=-1)
        return tuple(note for index, note in enumerate(path) if note.accepted or index > last)
