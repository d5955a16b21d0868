"""The Completer: what was accepted on some of its splits is run on the others, when slots have nothing else to do.

Diagnosis (accepted, partial) ──► the other splits, after everything else that waits for a slot ──► SolutionCompleted

In lockstep there is nothing to complete: a script's time has no say there in how many splits decide.
"""

from collections.abc import Awaitable, Sequence
from functools import partial

from agents.assembling import Assembled, Assembler, Assembling
from agents.messages import Diagnosis, SolutionCompleted
from agents.role import Role, place
from agents.script_run import LAST, Forward, Heat, ScriptRan, ScriptRun, run_script
from agents.split_runs import run_splits
from bus.actor import Context
from bus.artefacts import Artefacts
from bus.message import Draft, Envelope

__all__ = ["Completer"]


class Completer(Role):
    """Completes what its trace accepted. One a trace, so that a long completion delays no trial."""

    handles = frozenset({"diagnosis"})
    notes = frozenset({"run_opened"})

    def __init__(self, trace: int, forward: Forward, artefacts: Artefacts, assembler: Assembler) -> None:
        super().__init__("completer", trace, artefacts)
        self.forward = forward
        self.assembler = assembler

    def remember(self, envelope: Envelope) -> None:
        """Nothing: a diagnosis says all that is needed."""

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Run the script on all splits; the outcomes of those that it was run on are known."""
        trace, step = place(envelope)
        diagnosis = envelope.message
        if not isinstance(diagnosis, Diagnosis) or not diagnosis.accepted or diagnosis.script_ref is None:
            return []
        partly = diagnosis.evaluation is not None and diagnosis.evaluation.partial
        if not partly or self.lockstep or self.scenario.method.folds != "auto":
            return []
        views = self.opened.splits
        runs = await run_splits(views, partial(self._run, diagnosis.script_ref, context), lambda _: None)
        if not runs.good:
            return []
        request = Assembling.of(runs.runs, len(views))
        whole = await context.perform(
            "assemble", request, Assembled, partial(self.assembler, request), label="completion"
        )
        completed = SolutionCompleted(
            script_ref=diagnosis.script_ref,
            evaluation=whole.evaluation,
            submission_ref=whole.submission_ref,
            oof_ref=whole.oof_ref,
        )
        return [Draft(completed, trace, step)]

    def _run(self, script_ref: str, context: Context, view: str, place: int, heat: Heat) -> Awaitable[ScriptRan]:
        seconds = self.scenario.executors.timeout.full
        request = ScriptRun(script_ref=script_ref, view=view, seed=self.scenario.seed, seconds=seconds)
        label = f"completing, {view}"
        return run_script(self.forward, request, self.name, context, label, turn=LAST + place, heat=heat, place=place)
