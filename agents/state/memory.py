"""The memory of a run: state computed from the messages of all traces, used by the Memory-Keeper and `gome memory`.

Four kinds of entries:

    success   an accepted change, with its gain in standard errors; demoted when trials in other traces show no gain
    failure   why a script failed, and what fixed it, if anything
    finding   what a trial taught, accepted or not, with the trials that contradict it
    state     the best solution of each trace
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean

from gome.agents.method.next_kind import MOST_ERRORS
from gome.agents.method.validation import compare
from gome.agents.protocol.messages import (
    Diagnosis,
    Job,
    Proposal,
    Recollection,
    RepairCalled,
    SolutionCompleted,
    TraceRestarted,
)
from gome.agents.protocol.run_messages import RunOpened
from gome.agents.protocol.types import Challenge, Effect, Failure, Hypothesis, Key, TraceBest
from gome.agents.state.findings import Findings
from gome.agents.state.memory_entries import Given, Picture, Place, Replaced, Success, Trying, in_errors
from gome.agents.state.standings import ranked
from gome.agents.state.trace import Best
from gome.bus.message import Envelope
from gome.scenarios.evidence import Direction

__all__ = [
    "Memory",
]

_MOST_FAILURES, _MOST_FINDINGS, _MOST_STANDINGS, _MOST_SIBLINGS = 8, 12, 8, 60


@dataclass(slots=True)
class _Trace:
    """Memory of one trace. `tip` is its last accepted change; `taken` are ids of recalled changes that it has tried."""

    tip: Success | None = None
    best: TraceBest | None = None
    trials: int = 0
    survey: tuple[Challenge, ...] = ()
    challenges: tuple[Challenge, ...] = ()
    tried: set[Key] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Memory:
    """The memory. `proposed` are the proposals of all steps, `tryings` the trials of each success by its id.

    `surpassed` are the ids of successes that their traces have left for a better solution without them.
    """

    traces: dict[int, _Trace] = field(default_factory=lambda: defaultdict(_Trace))
    successes: list[Success] = field(default_factory=list)
    tryings: dict[str, list[Trying]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[Place, Failure] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    proposed: dict[Place, Proposal] = field(default_factory=dict)
    given: dict[tuple[str, int, int], Given] = field(default_factory=dict)
    notes: dict[Place, str] = field(default_factory=dict)
    surpassed: set[str] = field(default_factory=set)
    replaced: Replaced = field(default_factory=Replaced)
    direction: Direction = "maximize"

    def heard(self, envelope: Envelope) -> None:
        """Apply a message; other kinds of messages change nothing."""
        if isinstance(envelope.message, RunOpened):
            self.direction = envelope.message.task.direction
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
            case Recollection() as recollection:
                self.given |= {(each.id, *where): Given(each.id, *where) for each in recollection.recalled}
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
        if diagnosis.verdict in ("surveyed", "dead", "unfinished"):
            return
        trace.trials += 1
        if diagnosis.hypothesis_verdict != "untested":
            trace.tried.update(each.key for each in diagnosis.hypotheses)
        if diagnosis.verdict == "failed":
            self._failed(where, diagnosis.reason)
        elif where in self.failures:
            self.failures[where] = self.failures[where].model_copy(update={"mended": self.notes.get(where, "")})
        self._tried(where, trace, diagnosis)
        proposal, base_ref = self.proposed.get(where), trace.best.script_ref if trace.best else None
        if proposal and proposal.step_kind == "return":
            base_ref = proposal.base_ref
        self.findings.heard(where, diagnosis, base_ref)
        if diagnosis.accepted:
            self._accepted(name, where, trace, diagnosis, Best.of(diagnosis))

    def _completed(self, completed: SolutionCompleted) -> None:
        """Take the score of a solution on more splits, and compare again whatever was compared with it."""
        evaluation, score = completed.evaluation, completed.evaluation.score
        if score is None:
            return
        for place, entry in enumerate(self.successes):
            if completed.adds_to(entry.script_ref, entry.evaluation.splits):
                self.successes[place] = replace(entry, score=score, evaluation=evaluation)
        self._compared_again(self.findings.completed(completed, self.direction))
        for trace in self.traces.values():
            best = trace.best
            if best and completed.adds_to(best.script_ref, best.splits):
                folds = {"splits": evaluation.splits, "folds": evaluation.folds, "oof_ref": completed.oof_ref}
                trace.best = best.model_copy(update={"score": score, "judged": evaluation.judged, **folds})

    def _compared_again(self, effects: Mapping[Place, Effect]) -> None:
        """Take the gains of accepted changes, and of all trials of them, as they are on the splits that are known now.

        `effects` are those that other splits have changed, by step.
        """
        for at, entry in enumerate(self.successes):
            if entry.effect is not None and (effect := effects.get((entry.trace, entry.step))):
                self.successes[at] = replace(entry, effect=effect)
        for tried in self.tryings.values():
            for at, each in enumerate(tried):
                if effect := effects.get((each.trace, each.step)):
                    tried[at] = replace(each, gain=in_errors(effect.gain, effect.standard_error))
        for given in self.given.values():
            if given.gain is not None and (effect := effects.get((given.trace, given.step))):
                given.gain = effect.gain

    def _failed(self, where: Place, words: str) -> None:
        proposal = self.proposed.get(where)
        idea = proposal.hypotheses[0].statement if proposal and proposal.hypotheses else ""
        self.failures[where] = Failure(trace=where[0], step=where[1], idea=idea, words=words)

    def _tried(self, where: Place, trace: _Trace, diagnosis: Diagnosis) -> None:
        """Record the result of a recalled change, if the trial tried one; what left it untested says nothing of it."""
        proposal = self.proposed.get(where)
        if proposal is None or proposal.origin is None:
            return
        trace.taken.add(proposal.origin)
        effect = diagnosis.effect
        if given := self.given.get((proposal.origin, *where)):
            given.used, given.verdict, given.gain = True, diagnosis.verdict, effect.gain if effect else None
        if effect is not None and diagnosis.hypothesis_verdict != "untested":
            tried = Trying(*where, in_errors(effect.gain, effect.standard_error))
            self.tryings[proposal.origin].append(tried)

    def _accepted(self, name: str, where: Place, trace: _Trace, diagnosis: Diagnosis, best: Best) -> None:
        effect, evaluation = diagnosis.effect, best.evaluation
        proposal = self.proposed.get(where)
        kind = proposal.step_kind if proposal else "edit"
        source = self._with_script(proposal.base_ref if proposal and kind == "return" else None)
        entry = Success(
            id=name,
            trace=where[0],
            step=where[1],
            hypotheses=diagnosis.hypotheses,
            feedback=diagnosis.observations,
            score=best.score,
            evaluation=evaluation,
            effect=effect,
            script_ref=best.script_ref,
            base_ref=source.script_ref if source else trace.best.script_ref if trace.best else None,
            before=source or (None if kind == "leap" else trace.tip),
        )
        self.successes.append(entry)
        self.replaced.accepted(entry)
        if proposal and kind == "merge" and (merged := self._with_script(proposal.other_ref)):
            trace.taken.update(each.id for each in merged.path)
        if effect is not None:
            self.tryings[name].append(Trying(*where, in_errors(effect.gain, effect.standard_error)))
        self._leaves(trace, entry)
        trace.best = entry.standing(best, trace.trials)

    def _restarted(self, trace: _Trace, restart: TraceRestarted) -> None:
        """Set the trace's best, and with it its path, to another trace's solution; or clear both."""
        source = self._with_script(restart.script_ref)
        self._leaves(trace, source)
        trace.challenges = restart.challenges or trace.survey
        best = Best.after(restart)
        trace.best = source.standing(best, trace.trials) if source and best else None

    def _with_script(self, script_ref: str | None) -> Success | None:
        return next((each for each in self.successes if each.script_ref == script_ref), None)

    def _leaves(self, trace: _Trace, tip: Success | None) -> None:
        """Set the trace's last accepted change. What it leaves for a better solution, not for none, is surpassed."""
        if tip is not None:
            path = {each.id for each in tip.path}
            self.surpassed |= {each.id for each in trace.tip.path} - path if trace.tip else set()
            self.surpassed -= path
        trace.tip = tip

    def demoted(self, entry: Success) -> str:
        """Why an accepted change is no longer recalled, as shown to users; empty if it is still recalled.

        It is demoted when the mean gain of all its trials, in standard errors and each limited to ±3, is not positive.
        """
        if entry.id in self.surpassed:
            return "its trace went on from a better solution without it"
        if entry.hypotheses and not self._in_force(entry).hypotheses:
            return "its trace gained by doing otherwise"
        tried = self.tryings[entry.id]
        against = [each for each in tried if each.gain <= 0]
        if not against or fmean(max(-MOST_ERRORS, min(MOST_ERRORS, each.gain)) for each in tried) > 0:
            return ""
        worst = min(against, key=lambda each: each.gain)
        together = f"; its {len(tried)} trials together show no gain" if len(tried) > 1 else ""
        return f"step {worst.step} of trace {worst.trace} tried it and lost {-worst.gain:.1f} standard errors{together}"

    def _in_force(self, entry: Success) -> Success:
        """The accepted change with those of its ideas that no later change of its trace has bettered."""
        left = self.replaced.of(entry, self.successes)
        return replace(entry, hypotheses=tuple(each for each in entry.hypotheses if each.key not in left))

    def picture(self, place: int) -> Picture:
        """Snapshot of the memory for the trace `place`; `standings` are ordered from best to worst."""
        trace = self.traces[place]
        evaluations = {each.script_ref: each.evaluation for each in self.successes}
        best = evaluations[trace.best.script_ref] if trace.best else None
        own = {each.id for each in trace.tip.path} if trace.tip else set()
        known = own | trace.taken
        successes = tuple(
            self._in_force(each)
            for each in self.successes
            if each.id not in known
            and not {hypothesis.key for hypothesis in each.hypotheses} <= trace.tried
            and not self.demoted(each)
        )
        bests = [each.best for each in self.traces.values() if each.best]
        standings = ranked(bests, self.successes, self.direction)[:_MOST_STANDINGS]
        if best is not None:
            standings = [
                each
                if each.trace == place
                else each.model_copy(update={"against": compare(evaluations[each.script_ref], best, self.direction)})
                for each in standings
            ]
        failures = sorted(self.failures.values(), key=lambda each: (each.step, each.trace))
        return Picture(
            successes=successes,
            challenges=trace.challenges or trace.survey,
            best=best,
            path_length=sum(1 for _ in trace.tip.path) if trace.tip else 0,
            failures=tuple(failures[-_MOST_FAILURES:]),
            findings=self.findings.foremost(_MOST_FINDINGS, self.replaced.steps(self.successes)),
            standings=tuple(standings),
        )

    def siblings(self, place: int) -> tuple[Hypothesis, ...]:
        """Hypotheses of other traces, from which a first solution must differ. [P]

        Empty once the trace has an accepted change. A trace that was restarted must also differ from its own earlier
        trials.
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
