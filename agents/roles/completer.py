"""The Completer: what was accepted on some of its splits is run on the others, when slots have nothing else to do.

Diagnosis (accepted, partial) ──► the other splits, after everything else that waits for a slot ──► SolutionCompleted
Diagnosis (a near miss)       ──► the same: a trial that was hardly worse can be a member of the ensemble
Diagnosis (accepted, whole)   ──► its first run on the hold-out, which the finish would ask for

The second is done where there are more slots than traces, one of which is then idle again and again. Both end where the
finish begins.

In lockstep there is nothing to complete: a script's time has no say there in how many splits decide, and near misses
are not stopped.
"""

from collections.abc import Awaitable, Sequence
from functools import partial

from gome.agents.method.validation import near_miss
from gome.agents.protocol.messages import Diagnosis, SolutionCompleted
from gome.agents.roles.idle_work import IdleRole
from gome.agents.roles.role import place
from gome.agents.scripts.completion import Completion
from gome.agents.scripts.script_run import LAST, Forward, Heat, ScriptRan, ScriptRun, finish_run, run_script
from gome.agents.scripts.split_runs import run_splits
from gome.bus.actors.actor import Context
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts

__all__ = ["Completer"]


class Completer(IdleRole):
    """Completes what its trace accepted. One a trace, so that a long completion delays no trial."""

    def __init__(self, trace: int, forward: Forward, artefacts: Artefacts, completion: Completion) -> None:
        super().__init__("completer", trace, forward, artefacts)
        self.completion = completion

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Complete what was accepted in part; else do now what the finish would do with it."""
        trace, step = place(envelope)
        diagnosis = envelope.message
        if not isinstance(diagnosis, Diagnosis) or self.lockstep:
            return []
        if not diagnosis.accepted and not self._is_near_miss(diagnosis):
            return []
        script_ref, evaluation = diagnosis.script_ref, diagnosis.evaluation
        if script_ref is None or evaluation is None:
            return []
        if evaluation.partial and self.scenario.method.folds == "auto":
            completed = await self._complete(script_ref, context)
            return [Draft(completed, trace, step)] if completed else []
        if diagnosis.accepted and self.slots > self.scenario.traces_at_once and self.opened.task.split.kind != "own":
            await self._prepare(script_ref, context)
        return []

    def _is_near_miss(self, diagnosis: Diagnosis) -> bool:
        """Whether a refused trial that was stopped early is close enough behind to be completed for the ensemble."""
        if diagnosis.verdict != "rejected" or diagnosis.score is None or self.scenario.members < 2:
            return False
        partial_run = diagnosis.evaluation is not None and diagnosis.evaluation.partial
        return partial_run and near_miss(diagnosis.effect, self.scenario.method.finish.near_misses)

    async def _prepare(self, script_ref: str, context: Context) -> None:
        """The runs on the hold-out, one after the other; the finish finds their outcomes where it asks for them."""
        for column in range(self.scenario.method.finish.seeds):
            request = finish_run(self.scenario, script_ref, "holdout", column)
            label = f"holdout run ahead, seed {request.seed}"
            ran = await run_script(self.forward, request, self.name, context, label, turn=LAST)
            if not ran.good:
                return

    async def _complete(self, script_ref: str, context: Context) -> SolutionCompleted | None:
        """The script on all splits; the outcomes of those that it was run on are known. None where one run fails."""
        views = self.opened.splits
        runs = await run_splits(views, partial(self._run, script_ref, context), lambda *_: None)
        if not runs.good:
            return None
        return await self.completion.of(script_ref, runs.runs, len(views), self.rows_analysed, context)

    def _run(self, script_ref: str, context: Context, view: str, place: int, heat: Heat) -> Awaitable[ScriptRan]:
        seconds = self.scenario.executors.timeout.full
        request = ScriptRun(script_ref=script_ref, view=view, seed=self.scenario.seed, seconds=seconds)
        label = f"completing, {view}"
        return run_script(self.forward, request, self.name, context, label, turn=LAST + place, heat=heat, place=place)
