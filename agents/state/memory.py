"""What a run knows: the fold over all traces that the Memory-Keeper answers from, and that `gome memory` shows.

Four kinds of entries, each with the trials that speak for and against it:

    success   an accepted change, with its gain in standard errors; demoted where others tried it in vain
    failure   what a script failed of, and what made it run after all
    finding   what a trial taught, whether it was accepted or not
    state     the best solution of each trace
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from statistics import fmean

from gome.agents.method.momentum import signed_gain
from gome.agents.protocol.messages import (
    Diagnosis,
    Job,
    Proposal,
    Recollection,
    RepairCalled,
    SolutionCompleted,
    TraceRestarted,
)
from gome.agents.protocol.types import Challenge, Failure, Finding, Hypothesis, Key, Recalled, TraceBest
from gome.bus.message import Envelope
from gome.scenarios.evidence import Direction

__all__ = ["Given", "Memory", "Picture", "Success", "Trying", "in_errors"]

Place = tuple[int, int]
"""(trace, step)."""
_MOST_ERRORS = 3.0
_MOST_FAILURES, _MOST_FINDINGS, _MOST_STANDINGS, _MOST_SIBLINGS = 8, 12, 8, 60


@dataclass(frozen=True, slots=True)
class Trying:
    """A trial of an idea: where, and its gain in standard errors."""

    trace: int
    step: int
    gain: float


@dataclass(frozen=True, slots=True)
class Success:
    """An accepted change. `id` is its Diagnosis, `before` what its trace had accepted before it.

    `gain` is in the metric's units with its `error`; a first solution has none. `score` and `spread` are those of the
    solution, the latter its standard error.
    """

    id: str
    trace: int
    step: int
    hypotheses: tuple[Hypothesis, ...]
    feedback: str
    gain: float
    error: float | None
    score: float
    judged: str
    spread: float | None
    script_ref: str
    base_ref: str | None
    before: "Success | None"

    @property
    def statement(self) -> str:
        """What it changed, in words."""
        return " ".join(each.statement for each in self.hypotheses)

    @property
    def short(self) -> str:
        """The same by its parameters."""
        return "; ".join(f"{each.parameter} {each.direction}" for each in self.hypotheses)

    @property
    def path(self) -> Iterator["Success"]:
        """It and all that were accepted before it, newest first."""
        entry: Success | None = self
        while entry is not None:
            yield entry
            entry = entry.before

    def recalled(self, weight: float | None) -> Recalled:
        """As it is given to another trace; the global best has no weight."""
        return Recalled(
            id=self.id,
            trace=self.trace,
            step=self.step,
            hypotheses=self.hypotheses,
            feedback=self.feedback,
            gain=self.gain,
            standard_error=self.error,
            score=self.score,
            judged=self.judged,
            weight=weight,
            why="global-best" if weight is None else "sampled",
            script_ref=self.script_ref,
            base_ref=self.base_ref,
        )


@dataclass(slots=True)
class Given:
    """An entry that was given to a step. `used`: the step took it; `gain` is what that brought, if it was tried."""

    id: str
    trace: int
    step: int
    used: bool = False
    verdict: str = ""
    gain: float | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known at one moment, as a trace sees it: `successes` are those of others that may be recalled by it."""

    successes: tuple[Success, ...]
    challenges: tuple[Challenge, ...]
    best_score: float | None
    path_length: int
    failures: tuple[Failure, ...]
    findings: tuple[Finding, ...]
    standings: tuple[TraceBest, ...]


@dataclass(slots=True)
class _Trace:
    """A trace as memory knows it: `tip` is its last accepted change, on the path since its root."""

    tip: Success | None = None
    best: TraceBest | None = None
    trials: int = 0
    survey: tuple[Challenge, ...] = ()
    challenges: tuple[Challenge, ...] = ()
    tried: set[Key] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Memory:
    """All of it. `proposed` are the proposals of all steps; `tryings` are the trials of each success."""

    traces: dict[int, _Trace] = field(default_factory=lambda: defaultdict(_Trace))
    successes: list[Success] = field(default_factory=list)
    tryings: dict[str, list[Trying]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[Place, Failure] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    proposed: dict[Place, Proposal] = field(default_factory=dict)
    given: dict[tuple[str, int, int], Given] = field(default_factory=dict)
    notes: dict[Place, str] = field(default_factory=dict)

    def heard(self, envelope: Envelope) -> None:
        """Fold a message; one that says nothing of this changes nothing."""
        if envelope.trace is None:
            return
        trace, where = self.traces[envelope.trace], (envelope.trace, envelope.step or 0)
        match envelope.message:
            case Proposal() as proposal:
                self.proposed[where] = proposal
            case Job() as job:
                self.notes[where] = job.notes
            case RepairCalled() as call:
                self._failed(where, call.words)
            case Recollection() as said:
                self.given |= {(each.id, *where): Given(each.id, *where) for each in said.recalled}
            case Diagnosis() as diagnosis:
                self._diagnosed(envelope.id, where, trace, diagnosis)
            case TraceRestarted() as restart:
                self._restarted(trace, restart)
            case SolutionCompleted() as completed:
                self._completed(completed)
            case _:
                pass

    def _diagnosed(self, name: str, where: Place, trace: _Trace, diagnosis: Diagnosis) -> None:
        if diagnosis.challenges:
            trace.challenges = diagnosis.challenges
        if diagnosis.verdict == "surveyed":
            trace.survey = diagnosis.challenges
        if diagnosis.verdict in ("surveyed", "dead"):
            return
        trace.trials += 1
        trace.tried.update(each.key for each in diagnosis.hypotheses)
        if diagnosis.verdict == "failed":
            self._failed(where, diagnosis.reason)
        elif where in self.failures:
            self.failures[where] = self.failures[where].model_copy(update={"mended": self.notes.get(where, "")})
        self._tried(where, trace, diagnosis)
        if diagnosis.finding:
            self.findings.append(Finding(trace=where[0], step=where[1], text=diagnosis.finding))
        self._contradicted(where, diagnosis)
        if diagnosis.accepted and diagnosis.score is not None and diagnosis.script_ref is not None:
            self._accepted(name, where, trace, diagnosis, diagnosis.score, diagnosis.script_ref)

    def _completed(self, completed: SolutionCompleted) -> None:
        """The score of a solution on all of its splits."""
        evaluation = completed.evaluation
        if evaluation.score is None:
            return
        score, said, spread = evaluation.score, evaluation.judged, evaluation.standard_error
        for number, entry in enumerate(self.successes):
            if entry.script_ref == completed.script_ref:
                self.successes[number] = replace(entry, score=score, judged=said, spread=spread)
        for trace in self.traces.values():
            if trace.best is not None and trace.best.script_ref == completed.script_ref:
                trace.best = trace.best.model_copy(update={"score": score, "judged": said})

    def _failed(self, where: Place, words: str) -> None:
        proposal = self.proposed.get(where)
        idea = proposal.hypotheses[0].statement if proposal and proposal.hypotheses else ""
        self.failures[where] = Failure(trace=where[0], step=where[1], idea=idea, words=words)

    def _tried(self, where: Place, trace: _Trace, diagnosis: Diagnosis) -> None:
        """Note what became of the change that was taken out of memory, if one was."""
        proposal = self.proposed.get(where)
        if proposal is None or proposal.origin is None:
            return
        trace.taken.add(proposal.origin)
        effect = diagnosis.effect
        if given := self.given.get((proposal.origin, *where)):
            given.used, given.verdict, given.gain = True, diagnosis.verdict, effect.gain if effect else None
        if effect is not None:
            tried = Trying(*where, in_errors(effect.gain, effect.standard_error))
            self.tryings[proposal.origin].append(tried)

    def _contradicted(self, where: Place, diagnosis: Diagnosis) -> None:
        said = set(diagnosis.contradicts)
        if not said:
            return
        self.findings = [
            each.model_copy(update={"contradicted": (*each.contradicted, where)})
            if (each.trace, each.step) in said
            else each
            for each in self.findings
        ]

    def _accepted(
        self, name: str, where: Place, trace: _Trace, diagnosis: Diagnosis, score: float, script_ref: str
    ) -> None:
        effect, evaluation = diagnosis.effect, diagnosis.evaluation
        entry = Success(
            id=name,
            trace=where[0],
            step=where[1],
            hypotheses=diagnosis.hypotheses,
            feedback=diagnosis.observations,
            gain=effect.gain if effect else 0.0,
            error=effect.standard_error if effect else None,
            score=score,
            judged=evaluation.judged if evaluation else "",
            spread=evaluation.standard_error if evaluation else None,
            script_ref=script_ref,
            base_ref=trace.best.script_ref if trace.best else None,
            before=trace.tip,
        )
        self.successes.append(entry)
        if effect is not None:
            self.tryings[name].append(Trying(*where, in_errors(effect.gain, effect.standard_error)))
        trace.tip = entry
        trace.best = TraceBest(
            trace=where[0],
            step=where[1],
            score=score,
            judged=entry.judged,
            idea=entry.short,
            trials=trace.trials,
            script_ref=script_ref,
        )

    def _restarted(self, trace: _Trace, restart: TraceRestarted) -> None:
        """Another best, whose path is now this trace's too; or none."""
        source = next((each for each in self.successes if each.script_ref == restart.script_ref), None)
        trace.tip = source
        trace.challenges = restart.challenges or trace.survey
        trace.best = None
        if source is not None:
            trace.best = TraceBest(
                trace=source.trace,
                step=source.step,
                score=source.score,
                judged=source.judged,
                idea=source.short,
                trials=trace.trials,
                script_ref=source.script_ref,
            )

    def demoted(self, entry: Success) -> str:
        """Why an accepted change is not recalled any more, in words; empty while it is.

        It is demoted once all its trials together show no gain: the mean over them in standard errors, of which one
        trial counts for three at most.
        """
        tried = self.tryings[entry.id]
        against = [each for each in tried if each.gain <= 0]
        if not against or fmean(max(-_MOST_ERRORS, min(_MOST_ERRORS, each.gain)) for each in tried) > 0:
            return ""
        worst = min(against, key=lambda each: each.gain)
        together = f"; its {len(tried)} trials together show no gain" if len(tried) > 1 else ""
        return f"step {worst.step} of trace {worst.trace} tried it and lost {-worst.gain:.1f} standard errors{together}"

    def picture(self, place: int, direction: Direction) -> Picture:
        """What is known, as that trace sees it; the best traces first."""
        trace = self.traces[place]
        own = {each.id for each in trace.tip.path} if trace.tip else set()
        known = own | trace.taken
        successes = tuple(
            each
            for each in self.successes
            if each.id not in known
            and not {hypothesis.key for hypothesis in each.hypotheses} <= trace.tried
            and not self.demoted(each)
        )
        bests = [each.best for each in self.traces.values() if each.best is not None]
        bests.sort(key=lambda each: (-signed_gain(each.score, 0.0, direction), each.trace))
        failures = sorted(self.failures.values(), key=lambda each: (each.step, each.trace))
        return Picture(
            successes=successes,
            challenges=trace.challenges or trace.survey,
            best_score=trace.best.score if trace.best else None,
            path_length=sum(1 for _ in trace.tip.path) if trace.tip else 0,
            failures=tuple(failures[-_MOST_FAILURES:]),
            findings=tuple(self.findings[-_MOST_FINDINGS:]),
            standings=tuple(bests[:_MOST_STANDINGS]),
        )

    def siblings(self, place: int) -> tuple[Hypothesis, ...]:
        """What other traces have proposed: a first solution is to differ from it. [P]

        A trace that began afresh is also to differ from what it tried before.
        """
        if self.traces[place].tip is not None:
            return ()
        others = [
            hypothesis
            for (trace, _), proposal in sorted(self.proposed.items())
            if trace != place or self.traces[place].trials
            for hypothesis in proposal.hypotheses
        ]
        return tuple(others[-_MOST_SIBLINGS:])


def in_errors(gain: float, error: float | None) -> float:
    """A gain in standard errors; its sign alone where its error is not known."""
    return gain / error if error else math.copysign(1.0, gain) if gain else 0.0
