"""The Diagnoser, one per trace: assesses trials and points at what to change next (the gradient).

TraceOpened ──► survey of the task, unless one was made ──► Diagnosis (surveyed)
Trial       ──► three-layer validation, assessment      ──► Diagnosis (accepted, rejected, failed)

Under a control (tree search, best of n) validity and score alone decide, and a model at most summarises the run.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gome.agents.method.stages import foremost, wanted_sources
from gome.agents.method.validation import (
    cheaper,
    compare,
    decides_near_ties,
    format_fault,
    keeps_near_tie,
    lost,
    rule,
    rule_by_score,
    threshold,
)
from gome.agents.protocol.messages import Diagnosis, Job, Proposal, RepairCalled, TraceOpened, Trial
from gome.agents.protocol.requests import AssessTrial, ReadOutput, SurveyTask
from gome.agents.protocol.types import Challenge, Effect, Repair, TraceBest
from gome.agents.roles.proposals import with_result
from gome.agents.roles.role import Reasoner, Role, place, unfinished
from gome.agents.scripts.difference import difference
from gome.agents.scripts.error_analysis import Analyser, Pairer, analysed, paired
from gome.agents.scripts.printed import without_clock
from gome.agents.state.hints import Hints
from gome.agents.state.trace import FOLDED, Best, TraceState
from gome.bus.actors.actor import Context
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.errors import NotAsked

__all__ = ["Diagnoser"]


class _Measured(NamedTuple):
    """The trial against its trace's best, and against the other solution (`_other`); where it errs.

    `errors_against_ref` says where a merge errs otherwise than its other parent.
    """

    effect: Effect | None
    against: Effect | None
    diagnostics_ref: str | None
    errors_against_ref: str | None = None


class Diagnoser(Role):
    """Diagnoses trials: why they are good or bad, whether they are accepted, and what to change next."""

    handles = frozenset({"trace_opened", "trial"})
    notes = frozenset({"repair_called", "job", "hint_given"}) | FOLDED

    def __init__(
        self, trace: int, reasoner: Reasoner, artefacts: Artefacts, analyser: Analyser, pairer: Pairer
    ) -> None:
        super().__init__("diagnoser", trace, artefacts)
        self.reasoner = reasoner
        self.analyser, self.pairer = analyser, pairer
        self.state = TraceState()
        self.hints = Hints()
        self.repairs: dict[int, list[Repair]] = {}
        self.comparisons = 0

    def remember(self, envelope: Envelope) -> None:
        """Keep the trace's history and running steps, their repairs, and how many comparisons were made."""
        step = envelope.step or 0
        match envelope.message:
            case RepairCalled() as call:
                self.repairs.setdefault(step, []).append(Repair(phase=call.phase, words=call.words))
            case Job() as job if step in self.repairs:
                self.repairs[step][-1] = self.repairs[step][-1].model_copy(update={"notes": job.notes})
            case Trial() as trial:
                self.comparisons += trial.searched.points if trial.searched else 1
            case Diagnosis():
                self.repairs.pop(step, None)
            case _:
                pass
        self.state.heard(envelope)
        self.hints.heard(envelope)

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Survey the task at step 0, and assess every trial."""
        trace, step = place(envelope)
        match envelope.message:
            case Trial(late=True) as trial:
                return [unfinished(place(envelope), trial.words)]
            case Trial() as trial:
                try:
                    diagnosis = await self._assess(trial, trace, step, context)
                except NotAsked as end:
                    return [unfinished(place(envelope), f"not judged: {end}")]
            case TraceOpened() as opened:
                diagnosis = await self._survey(opened.challenges, trace, step, context)
            case _:
                raise TypeError(f"a diagnoser handles trials, not {envelope.kind}")
        return [Draft(diagnosis, trace, step)]

    async def _survey(self, known: tuple[Challenge, ...] | None, trace: int, step: int, context: Context) -> Diagnosis:
        if not self.optimizer.structured:
            reason = "the task was not surveyed: this optimizer asks for no challenges"
            return Diagnosis.without_trial("surveyed", reason)
        if known is not None:
            return Diagnosis.without_trial("surveyed", "the survey of the run's first trace", known)
        try:
            survey = await self.reasoner.ask(SurveyTask(**self.asked(trace, step, "survey")), context)
        except NotAsked as end:
            return Diagnosis.without_trial("surveyed", f"the task was not surveyed: {end}")
        found = foremost(survey.challenges, self.scenario.method)
        return Diagnosis.without_trial("surveyed", "the task was surveyed", found)

    async def _assess(self, trial: Trial, trace: int, step: int, context: Context) -> Diagnosis:
        proposal = with_result(self.state.proposals[step], trial.searched)
        (best, freed), evaluation = await self._rival(trial), trial.evaluation
        fault = format_fault(trial.cause.value == "ok", trial.words, evaluation)
        effect = None
        if fault is None and best is not None and evaluation is not None:
            effect = compare(evaluation, best.evaluation, self.opened.task.direction, self._margin)
        if not self.optimizer.judges:
            read = await self._read(trial, proposal, trace, step, context) if self.optimizer.reads else ""
            ruling = fault or rule_by_score(trial, effect)
            return ruling.but(freed).diagnosis(trial, proposal, None, effect=effect, observations=read)
        measured = await self._measured(trial, proposal, best, effect, step, context)
        returned = proposal.step_kind == "return" and measured.against is not None
        found: dict[str, Any] = {
            "effect": None if fault is not None else measured.against if returned else effect,
            "against": measured.against if proposal.step_kind == "merge" else None,
            "over_best": effect if returned else None,
            "diagnostics_ref": measured.diagnostics_ref,
        }
        settled = fault or lost(trial, effect, self.scenario.method.finish.near_misses, self.scenario.members > 1)
        request = await self._question(trial, proposal, best, measured, trace, step)
        try:
            assessment = await self.reasoner.ask(request, context, decides=settled is None)
        except NotAsked:
            if settled is None:
                raise
            return settled.diagnosis(trial, proposal, None, **found)
        assessment = assessment.model_copy(update={"challenges": foremost(assessment.challenges, self.scenario.method)})
        refuted = [request.findings[number - 1] for number in assessment.contradicts]
        ruling = fault or rule(trial, effect, assessment, request.near_ties, request.cheap)
        if request.same and ruling.verdict != "accepted":
            assessment = assessment.model_copy(update={"hypothesis_verdict": "untested"})
        contradicts = tuple((each.trace, each.step) for each in refuted)
        return ruling.but(freed).diagnosis(trial, proposal, assessment, contradicts=contradicts, **found)

    async def _rival(self, trial: Trial) -> tuple[Best | None, str]:
        """The trace's best, which a trial must beat; none, and why, where it is what the user asks to avoid. [O]"""
        best, hints = self.state.best, self.hints
        if best is None or not hints.avoided or trial.stopped:
            return best, ""
        old, new = [await self.artefacts.text(ref) for ref in (best.script_ref, trial.script_ref)]
        if hints.refuses(old) is None or hints.refuses(new) is not None:
            return best, ""
        return None, f"the trace's first solution without {', '.join(hints.avoided)}, which the user asks to avoid"

    async def _question(
        self, trial: Trial, proposal: Proposal, best: Best | None, measured: _Measured, trace: int, step: int
    ) -> AssessTrial:
        incumbent, method = await self.solution(best), self.scenario.method
        left, wanted = self.state.left(step), wanted_sources(self.state.accepted, self.state.refused, method)
        if left.last or not self.optimizer.structured:
            wanted = ()  # no later step of this trace would read them
        script = await self.artefacts.text(trial.script_ref)
        before = incumbent.script if incumbent else ""
        if proposal.step_kind == "return" and proposal.base_ref is not None:
            before = await self.artefacts.text(proposal.base_ref)
        output = without_clock(await self.artefacts.text(trial.output_ref)) if trial.output_ref else ""
        cheap = ""
        if incumbent is not None and best is not None:
            lines = (script.count("\n"), incumbent.script.count("\n"))
            cheap = cheaper((self.timed(trial.cpu_seconds), self.timed(best.cpu_seconds)), lines)
        if measured.effect is None or not keeps_near_tie(measured.effect, False, "incumbent", cheap):
            cheap = ""  # it would not decide for the trial
        return AssessTrial(
            **self.asked(trace, step, "assess"),
            step_kind=proposal.step_kind,
            source=proposal.source,
            other=self._other(proposal, best, step),
            hypotheses=proposal.hypotheses,
            incumbent=incumbent,
            script=script,
            repairs=tuple(self.repairs.get(step, ())),
            difference=difference(before, script),
            cause=trial.cause.value,
            words=trial.words,
            output=output,
            seconds=self.timed(trial.seconds),
            cpu_seconds=self.timed(trial.cpu_seconds),
            evaluation=trial.evaluation,
            diagnostics=await self.diagnostics(measured.diagnostics_ref),
            effect=measured.effect,
            against=measured.against,
            errors_against=await self.diagnostics(measured.errors_against_ref),
            stopped=trial.stopped,
            history=self.optimizer.history(self.state),
            refused=self.state.refused_keys,
            findings=self.state.known[step].findings,
            left=left,
            margin=self._margin,
            near_ties=decides_near_ties(method.near_ties, searched=trial.searched is not None),
            cheap=cheap,
            wanted=wanted,
        )

    @property
    def _margin(self) -> float:
        """Standard errors below which this trial is a near-tie."""
        method = self.scenario.method
        return threshold(method.near_tie, method.near_tie_growth, self.comparisons)

    async def _read(self, trial: Trial, proposal: Proposal, trace: int, step: int, context: Context) -> str:
        """A model's summary of a run, for a control; empty where no model is asked any more."""
        request = ReadOutput(
            **self.asked(trace, step, "read"),
            plan=proposal.sketch,
            parent=next((note for note in self.state.notes if note.step == proposal.parent), None),
            repairs=tuple(self.repairs.get(step, ())),
            script=await self.artefacts.text(trial.script_ref),
            words=trial.words,
            output=without_clock(await self.artefacts.text(trial.output_ref)) if trial.output_ref else "",
            evaluation=trial.evaluation,
        )
        try:
            return (await self.reasoner.ask(request, context)).summary
        except NotAsked:
            return ""

    def _other(self, proposal: Proposal, best: Best | None, step: int) -> TraceBest | None:
        """The best of the trace that a merge took from, or whose script a return changed, as known at the step.

        For a trace's first solution it is the best of all.
        """
        known = self.state.known[step].standings
        if best is None:
            return known[0] if known else None
        return next((each for each in known if each.trace == proposal.source), None)

    async def _measured(
        self, trial: Trial, proposal: Proposal, best: Best | None, effect: Effect | None, step: int, context: Context
    ) -> _Measured:
        """Measure where a trial errs, against its trace's best or the other solution, and a merge against both."""
        other = self._other(proposal, best, step)
        found = await paired(self.pairer, trial.oof_ref, other.oof_ref if other else None, context)
        against = None
        if found.own is not None and found.other is not None:
            against = compare(found.own, found.other, self.opened.task.direction, self.scenario.method.near_tie)
        reference = best if best is not None and proposal.step_kind != "return" else other
        rival, rows = reference.oof_ref if reference else None, self.scenario.prompts.rows
        errors = await analysed(self.analyser, trial.oof_ref, rival, rows, context)
        parent = other.oof_ref if other and best and proposal.step_kind == "merge" else None
        differs = await analysed(self.analyser, trial.oof_ref, parent, rows, context) if parent else None
        return _Measured(effect, against, errors, differs)
