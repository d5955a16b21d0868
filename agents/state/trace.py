"""State of one trace, computed from its messages; several of its roles keep it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from gome.agents.method.validation import compare
from gome.agents.protocol.messages import (
    Diagnosis,
    Proposal,
    Recollection,
    SolutionCompleted,
    SolutionProbed,
    StepOpened,
    TraceRestarted,
)
from gome.agents.protocol.run_messages import RunOpened, SessionOpened, TrialsSpent
from gome.agents.protocol.types import Challenge, Hypothesis, Key, Left, TraceBest, TrialNote
from gome.bus.message import Envelope
from gome.scenarios.diagnostics.record import Probes
from gome.scenarios.evidence import Direction, Evaluation

__all__ = ["FOLDED", "Best", "TraceState"]

FOLDED = frozenset(
    {
        *("run_opened", "session_opened", "trials_spent", "step_opened", "recollection", "proposal", "diagnosis"),
        *("solution_completed", "solution_probed", "trace_restarted"),
    }
)
"""Kinds of messages that `TraceState` applies; a role that keeps one must receive them."""


@dataclass(frozen=True, slots=True)
class Best:
    """A trace's best solution: θ.

    `oof_ref` refers to its out-of-fold predictions, `output_ref` to what it printed, `diagnostics_ref` to the analysis
    of its errors, `probes` are the results of probing it; None where unknown. `seconds` is the time of one run,
    `cpu_seconds` its processor time.
    """

    script_ref: str
    evaluation: Evaluation
    score: float
    seconds: float
    oof_ref: str | None = None
    probes: Probes | None = None
    output_ref: str | None = None
    diagnostics_ref: str | None = None
    cpu_seconds: float = 0.0

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> Self:
        """The solution of a scored diagnosis. Raises ValueError for a diagnosis without a score."""
        if diagnosis.script_ref is None or diagnosis.evaluation is None or diagnosis.score is None:
            raise ValueError("a scored diagnosis names its script, evaluation and score")
        return cls(
            diagnosis.script_ref,
            diagnosis.evaluation,
            diagnosis.score,
            diagnosis.seconds,
            diagnosis.oof_ref,
            output_ref=diagnosis.output_ref,
            diagnostics_ref=diagnosis.diagnostics_ref,
            cpu_seconds=diagnosis.cpu_seconds,
        )

    @classmethod
    def after(cls, restart: TraceRestarted) -> Self | None:
        """The solution from which a restarted trace continues; None where it starts from nothing."""
        evaluation = restart.evaluation
        if restart.script_ref is None or evaluation is None or evaluation.score is None:
            return None
        return cls(
            restart.script_ref,
            evaluation,
            evaluation.score,
            restart.seconds,
            restart.oof_ref,
            output_ref=restart.output_ref,
            diagnostics_ref=restart.diagnostics_ref,
            cpu_seconds=restart.cpu_seconds,
        )

    def completed(self, message: SolutionCompleted) -> "Best":
        """This solution with its evaluation on more splits, if the message has one of it; else unchanged."""
        evaluation, score = message.evaluation, message.evaluation.score
        if score is None or not message.adds_to(self.script_ref, self.evaluation.splits):
            return self
        found = message.diagnostics_ref or self.diagnostics_ref
        return replace(self, evaluation=evaluation, score=score, oof_ref=message.oof_ref, diagnostics_ref=found)


@dataclass(slots=True)
class TraceState:
    """Best solution, counts and history of one trace, and its running steps.

    `opened`, `known` and `proposals` are the messages of the steps without a diagnosis yet, by step. `accepted` and
    `refused` count the trials since the trace began or was last restarted. `notes` are all trials of the trace; those
    since then start at index `path`. `survey` are the challenges of the task itself. `replaced` is the solution that
    `best` changed, None where that is another trace's. `merged` are the scripts of other traces that accepted merges
    have taken from. `spent`: the budget's last trial is under way.
    """

    best: Best | None = None
    replaced: Best | None = None
    direction: Direction | None = None
    opened: dict[int, StepOpened] = field(default_factory=dict)
    known: dict[int, Recollection] = field(default_factory=dict)
    proposals: dict[int, Proposal] = field(default_factory=dict)
    accepted: int = 0
    refused: int = 0
    notes: list[TrialNote] = field(default_factory=list)
    path: int = 0
    survey: tuple[Challenge, ...] = ()
    challenges: tuple[Challenge, ...] = ()
    merged: set[str] = field(default_factory=set)
    spent: bool = False

    def heard(self, envelope: Envelope) -> None:
        """Apply a message of the run or of this trace; kinds other than `FOLDED` change nothing."""
        step = envelope.step or 0
        match envelope.message:
            case RunOpened() as run:
                self.direction = run.task.direction
            case TrialsSpent():
                self.spent = True
            case SessionOpened(budget=dict()):
                self.spent = False
            case StepOpened() as opened:
                self.opened[step] = opened
            case Recollection() as known:
                self.known[step] = known
            case Proposal() as proposal:
                self.proposals[step] = proposal
            case Diagnosis() as diagnosis:
                self.opened.pop(step, None)
                self.known.pop(step, None)
                self._diagnosed(envelope.trace or 0, step, diagnosis, self.proposals.pop(step, None))
            case TraceRestarted() as restart:
                self._restarted(restart)
            case SolutionCompleted() as message if self.best is not None:
                self._completed(message, self.best)
            case SolutionProbed() as message if self.best is not None and message.script_ref == self.best.script_ref:
                self.best = replace(self.best, probes=message.probes)
            case _:
                pass

    def _diagnosed(self, trace: int, step: int, diagnosis: Diagnosis, proposal: Proposal | None) -> None:
        if diagnosis.challenges:
            self.challenges = diagnosis.challenges
        if diagnosis.verdict == "surveyed":
            self.survey = diagnosis.challenges
        if diagnosis.verdict == "surveyed" or not diagnosis.hypotheses:
            return
        if diagnosis.accepted:
            self.accepted += 1
            returned = proposal is not None and proposal.step_kind == "return"
            self.best, self.replaced = Best.of(diagnosis), None if returned else self.best
            if proposal is not None and proposal.step_kind == "merge" and proposal.other_ref is not None:
                self.merged.add(proposal.other_ref)
        else:
            self.refused += 1
        effect, evaluation = diagnosis.effect, diagnosis.evaluation
        self.notes.append(
            TrialNote(
                trace=trace,
                step=step,
                hypotheses=diagnosis.hypotheses,
                score=diagnosis.score,
                gain=effect.gain if effect else None,
                standard_error=effect.standard_error if effect else None,
                accepted=diagnosis.accepted,
                reason=diagnosis.reason,
                observations=diagnosis.observations,
                judged=evaluation.judged if evaluation else "",
                gain_judged=effect.narrower(evaluation) if effect and evaluation else "",
                observed=evaluation.judged if evaluation else "",
                untested=diagnosis.hypothesis_verdict == "untested",
                against=diagnosis.against,
            )
        )

    def _completed(self, message: SolutionCompleted, best: Best) -> None:
        """Update the best, and the score and the gain of its note, with the evaluation on more splits."""
        known, replaced = best.evaluation, self.replaced
        self.replaced = replaced.completed(message) if replaced else None
        self.best = best.completed(message)
        last = max((index for index, note in enumerate(self.notes) if note.accepted), default=None)
        if last is None or (self.best is best and self.replaced is replaced):
            return
        note, evaluation = self.notes[last], self.best.evaluation
        changed: dict[str, object] = {"score": self.best.score, "judged": evaluation.judged}
        if self.replaced is not None and self.direction is not None and note.gain is not None:
            effect = compare(evaluation, self.replaced.evaluation, self.direction)
            if effect is not None and effect.splits:
                gain = {"gain": effect.gain, "standard_error": effect.standard_error}
                changed |= gain | {"gain_judged": effect.narrower(evaluation)}
        elif note.gain is not None:
            changed["gain_judged"] = note.gain_judged or known.judged
        self.notes[last] = note.model_copy(update=changed)

    def _restarted(self, restart: TraceRestarted) -> None:
        """Set another best, or none, and start a new path. The earlier notes are kept."""
        self.accepted = self.refused = 0
        self.path = len(self.notes)
        self.best, self.replaced = Best.after(restart), None
        self.challenges = (restart.challenges if self.best else ()) or self.survey

    def standings(self, known: Sequence[TraceBest], trace: int, *, timed: bool) -> tuple[TraceBest, ...]:
        """The bests of all traces as last reported in `known`, with this trace's own entry brought up to date.

        `timed` says whether run times may be shown.
        """
        best, last = self.best, next((note for note in reversed(self.notes) if note.accepted), None)
        if best is None:
            return tuple(known)
        found = best.evaluation
        if last is None or any(each.script_ref == best.script_ref for each in known):
            update = {"score": best.score, "judged": found.judged, "splits": found.splits, "folds": found.folds}
            update |= {"oof_ref": best.oof_ref}
            current = [each.model_copy(update=update) if each.script_ref == best.script_ref else each for each in known]
            trials = {"trials": len(self.notes)}
            return tuple(each.model_copy(update=trials) if each.trace == trace else each for each in current)
        own = TraceBest(
            trace=trace,
            step=last.step,
            score=best.score,
            judged=found.judged,
            idea="; ".join(f"{each.parameter} {each.direction}" for each in last.hypotheses),
            trials=len(self.notes),
            script_ref=best.script_ref,
            oof_ref=best.oof_ref,
            splits=found.splits,
            folds=found.folds,
            seconds=best.seconds if timed else 0.0,
            cpu_seconds=best.cpu_seconds if timed else 0.0,
        )
        return (*(each for each in known if each.trace != trace), own)

    def left(self, step: int) -> Left:
        """What is left of the budget after an open step: as it was when the step began, and whether it is over now."""
        left = self.opened[step].left
        return left.model_copy(update={"over": True}) if self.spent else left

    @property
    def tried(self) -> tuple[Hypothesis, ...]:
        """All hypotheses that were tried."""
        return tuple(hypothesis for note in self.notes for hypothesis in note.hypotheses)

    @property
    def refused_keys(self) -> tuple[Key, ...]:
        """Ideas whose last trial was not accepted, in the order of their first trial; they must not be repeated. [I]

        A rejected trial of several hypotheses is not counted: it does not show which of them failed. Nor is one from
        which a repair has taken the idea. [O]
        """
        tested = [note for note in self.notes if not note.untested]
        conclusive = [note for note in tested if note.accepted or len(note.hypotheses) == 1]
        kept = {hypothesis.key: note.accepted for note in conclusive for hypothesis in note.hypotheses}
        return tuple(key for key, accepted in kept.items() if not accepted)

    @property
    def history(self) -> tuple[TrialNote, ...]:
        """The trials shown to models: all since the trace began or was last restarted."""
        return tuple(self.notes[self.path :])
