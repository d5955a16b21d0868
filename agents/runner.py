"""The Runner, the Executor's second cursor: runs a script in a slot, on a sample first and then in full.

Job ──► debug run ──► full run ──► examination ──► Trial, or TuneCalled once
            │             │
            └─────────────┴──► RepairCalled, while attempts are left

With lookahead a trace has several steps in the air and as many runners, each with its lane of the steps.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal

from agents.examination import Examiner, cross_examine
from agents.forward import Forward, ScriptRan, ScriptRun, run_script
from agents.messages import (
    DeadlineReached,
    Diagnosis,
    Job,
    RepairCalled,
    SessionOpened,
    TraceRestarted,
    Trial,
    TuneCalled,
)
from agents.role import Role, place
from agents.validation import compare
from bus.actor import Context
from bus.artefacts import Artefacts
from bus.message import Draft, Envelope
from executors.launch import Cause
from scenarios.evidence import Evaluation, LeakNote
from scenarios.views import ViewName

__all__ = ["Runner"]

Phase = Literal["check", "debug", "full"]


class Runner(Role):
    """Turns a job into a trial. Without an `examiner` no script is examined."""

    handles = frozenset({"job"})
    notes = frozenset({"run_opened", "session_opened", "deadline_reached", "diagnosis", "trace_restarted"})

    def __init__(
        self,
        trace: int,
        forward: Forward,
        artefacts: Artefacts,
        lane: int = 0,
        lanes: int = 1,
        examiner: Examiner | None = None,
    ) -> None:
        super().__init__("runner", trace, artefacts)
        if lanes > 1:
            self.name = f"{self.name}.{lane}"
        self.lane, self.lanes = lane, lanes
        self.forward = forward
        self.examiner = examiner
        self.late = False
        self.best: Evaluation | None = None
        self.full_failures: dict[int, int] = {}
        self.debugged: dict[int, float] = {}

    def remember(self, envelope: Envelope) -> None:
        """Keep whether the time for trials is over, the trace's best, and of each step what its failures have taken."""
        match envelope.message:
            case DeadlineReached():
                self.late = True
            case SessionOpened(budget=dict()):
                self.late = False
            case RepairCalled() as repair:
                step = place(envelope)[1]
                self.full_failures[step] = self.full_failures.get(step, 0) + (repair.phase == "full")
                self.debugged[step] = self.debugged.get(step, 0.0) + repair.seconds
            case Diagnosis() as diagnosis:
                self.full_failures.pop(place(envelope)[1], None)
                self.debugged.pop(place(envelope)[1], None)
                if diagnosis.accepted:
                    self.best = diagnosis.evaluation
            case TraceRestarted() as restart:
                self.best = restart.evaluation
            case _:
                pass

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Run the job as far as it goes well."""
        job = envelope.message
        if not isinstance(job, Job):
            raise TypeError(f"a runner handles jobs, not {envelope.kind}")
        trace, step = place(envelope)
        if step % self.lanes != self.lane:
            return []
        if self.late:
            words = "not run: the time for trials was over"
            ran = ScriptRan(cause=Cause.REFUSED, words=words)
            return [Draft(_trial(job, "check", ran, late=True), trace, step)]
        if job.tunes is not None:
            return [Draft(await self._tuned(job, job.tunes, context), trace, step)]
        phase: Phase = "full"
        leaks: tuple[LeakNote, ...] = ()
        if self.scenario.executors.debug:
            ran = await self._run(job, "debug", context)
            phase = "check" if ran.cause is Cause.REFUSED else "debug"
            if not ran.good:
                return [self._failed(job, phase, ran, trace, step)]
            leaks = ran.evaluation.leaks if ran.evaluation else ()
        ran = await self._run(job, "full", context)
        if not ran.good:
            return [self._failed(job, "check" if ran.cause is Cause.REFUSED else "full", ran, trace, step)]
        ran = await self._examined(job, _with_leaks(ran, leaks), self.best, context)
        trial = _trial(job, "full", ran)
        return [Draft(TuneCalled(trial=trial) if self._worth_tuning(ran, step) else trial, trace, step)]

    def _worth_tuning(self, ran: ScriptRan, step: int) -> bool:
        """A trace's first full run, where more than half of the time is left; in lockstep time has no say. [C]"""
        settings = self.scenario.executors
        return settings.tuning and step == 1 and (self.lockstep or ran.seconds < settings.timeout.full / 2)

    async def _tuned(self, job: Job, before: Trial, context: Context) -> Trial:
        """The better of a trial and its tuned script. An unchanged one is not run again, a failed one not repaired."""
        if job.script_ref == before.script_ref:
            return before
        leaks: tuple[LeakNote, ...] = ()
        if self.scenario.executors.debug:
            sample = await self._run(job, "debug", context)
            if not sample.good or sample.evaluation is None:
                return before
            leaks = sample.evaluation.leaks
        ran = await self._run(job, "full", context)
        if not ran.good or ran.evaluation is None or before.evaluation is None:
            return before
        direction, method = self.opened.task.direction, self.scenario.method
        effect = compare(ran.evaluation, before.evaluation, direction, method.near_tie)
        if effect is None or effect.gain <= 0:
            return before
        return _trial(job, "full", await self._examined(job, _with_leaks(ran, leaks), before.evaluation, context))

    async def _examined(self, job: Job, ran: ScriptRan, best: Evaluation | None, context: Context) -> ScriptRan:
        """The full run with what the examination shows, where the script may be kept and no leak is plain already.

        What is clearly worse than the best is not kept; under a control it still may be a finalist. [O]
        """
        evaluation = ran.evaluation
        if self.examiner is None or not self.scenario.executors.examine or evaluation is None:
            return ran
        if any(leak.severity == "severe" for leak in evaluation.leaks):
            return ran
        if self.optimizer.judges and best is not None:
            effect = compare(evaluation, best, self.opened.task.direction, self.scenario.method.near_tie)
            if effect is not None and effect.verdict == "worse":
                return ran
        seconds = self.scenario.executors.timeout.full
        leaks = await cross_examine(partial(self._run, job, context=context), self.examiner, seconds, context)
        return _with_leaks(ran, leaks)

    async def _run(self, job: Job, view: ViewName, context: Context) -> ScriptRan:
        timeout = self.scenario.executors.timeout
        seconds = timeout.debug if view == "debug" else timeout.full
        request = ScriptRun(script_ref=job.script_ref, view=view, seed=self.scenario.seed, seconds=seconds)
        label = f"{view} run" if view in ("debug", "full") else "examination run"
        return await run_script(self.forward, request, self.name, context, label)

    def _failed(self, job: Job, phase: Phase, ran: ScriptRan, trace: int, step: int) -> Draft:
        """A repair while attempts and time are left (ten in all, three full runs), else a failed trial. [C]"""
        settings = self.scenario.executors
        tries = self.full_failures.get(step, 0) + (phase == "full")
        seconds = ran.seconds if phase == "debug" else 0.0
        debugged = self.debugged.get(step, 0.0) + seconds
        late = debugged >= settings.repair_time * settings.timeout.debug and not self.lockstep
        if job.attempt > settings.repairs or tries >= settings.full_tries or late:
            return Draft(_trial(job, phase, ran), trace, step)
        repair = RepairCalled(
            script_ref=job.script_ref,
            attempt=job.attempt,
            phase=phase,
            cause=ran.cause,
            words=_words(ran),
            output_ref=ran.output_ref,
            evaluation=ran.evaluation,
            seconds=seconds,
        )
        return Draft(repair, trace, step)


def _with_leaks(ran: ScriptRan, leaks: tuple[LeakNote, ...]) -> ScriptRan:
    """A full run with what runs on other views showed of leaks: there alone are labels changed to catch them."""
    if ran.evaluation is None or not leaks:
        return ran
    evaluation = ran.evaluation.model_copy(update={"leaks": ran.evaluation.leaks + leaks})
    return ran.model_copy(update={"evaluation": evaluation})


def _words(ran: ScriptRan) -> str:
    """Why a run is not good, in one sentence."""
    if ran.cause is Cause.OK and ran.evaluation is not None and ran.evaluation.defects:
        return ran.evaluation.defects[0].message
    return ran.words


def _trial(job: Job, phase: Phase, ran: ScriptRan, *, late: bool = False) -> Trial:
    return Trial(
        script_ref=job.script_ref,
        attempts=job.attempt,
        phase=phase,
        cause=ran.cause,
        words=_words(ran),
        seconds=ran.seconds,
        output_ref=ran.output_ref,
        submission_ref=ran.submission_ref,
        evaluation=ran.evaluation,
        late=late,
    )
