"""The Writer, one of the Executor's two actors: writes and repairs scripts while the Runner runs another one.

Proposal     ──► the base with this change ──► Job
RepairCalled ──► the repaired script       ──► Job

With lookahead a proposal may be stale: the trace has accepted another solution since. Its change is then made to the
current best (rebased). A script that became stale while it ran is compared with the best at its diagnosis, so it is
accepted only if it beats that.
"""

from collections.abc import Sequence

from gome.agents.protocol.backend_choice import BackendChoice, chosen_for
from gome.agents.protocol.messages import Diagnosis, Job, Proposal, Recollection, RepairCalled, StepOpened, Trial
from gome.agents.protocol.replies import Script
from gome.agents.protocol.script_requests import RepairSolution, WriteSolution
from gome.agents.protocol.types import Failure, TraceBest
from gome.agents.roles.role import Reasoner, Role, place, unfinished
from gome.agents.scripts.difference import beside
from gome.agents.state.trace import FOLDED, TraceState
from gome.bus.actors.actor import Context
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.errors import NotAsked

__all__ = ["Writer"]

_REBASED = ("edit", "bundle", "tune")
"""Kinds of step that change the trace's own best, whichever that is by now."""
_UNLIKE = ("return", "leap")
"""Kinds of step that go on from another solution."""


class Writer(Role):
    """Turns a proposal into a script."""

    handles = frozenset({"proposal", "repair_called"})
    notes = frozenset({"run_opened", "step_opened", "recollection", "trial"}) | FOLDED

    def __init__(self, trace: int, reasoner: Reasoner, artefacts: Artefacts) -> None:
        super().__init__("writer", trace, artefacts)
        self.reasoner = reasoner
        self.failures: tuple[Failure, ...] = ()
        self.standings: tuple[TraceBest, ...] = ()
        self.state = TraceState()
        self.trials: dict[int, Trial] = {}
        self.choices: dict[int, BackendChoice] = {}

    def remember(self, envelope: Envelope) -> None:
        """Keep the running proposals, and what is needed for repairs: the script that was changed, and its run time."""
        self.state.heard(envelope)
        match envelope.message:
            case Recollection() as known:
                self.failures, self.standings = known.failures, known.standings
            case StepOpened() as opened if choice := chosen_for("executor", opened.backends):
                self.choices[place(envelope)[1]] = choice
            case Trial() as trial:
                self.trials[place(envelope)[1]] = trial
            case Diagnosis():
                self.choices.pop(place(envelope)[1], None)
            case _:
                pass

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Send a script for a proposal, or a repaired one for a failure; end the step where nobody is asked for it."""
        trace, step = place(envelope)
        call = envelope.message if isinstance(envelope.message, RepairCalled) else None
        if call is None and (ready := self._written(self.state.proposals[step])) is not None:
            return [Draft(ready, trace, step)]
        attempt = call.attempt + 1 if call else 1
        try:
            if call is not None:
                script = await self._repair(call, trace, step, context)
            else:
                script = await self._begin(self.state.proposals[step], trace, step, context)
        except NotAsked as end:
            reason = f"not repaired: {end}; it had failed: {call.words}" if call else f"not written: {end}"
            return [unfinished(place(envelope), reason)]
        script_ref, unlike = await self.artefacts.put(script.script), self.state.proposals[step].step_kind in _UNLIKE
        return [Draft(Job(script_ref=script_ref, attempt=attempt, notes=script.notes, unlike=unlike), trace, step)]

    def _written(self, proposal: Proposal) -> Job | None:
        """The job of a proposal whose script exists: the user's, one written with its plan, or one to be searched."""
        if proposal.action == "start" and proposal.base_ref is not None:
            return Job(script_ref=proposal.base_ref, attempt=1, notes="The user's own script.")
        if proposal.script_ref is not None:
            return Job(script_ref=proposal.script_ref, attempt=1, notes=proposal.sketch)
        base_ref = self._base_ref(proposal) if proposal.step_kind == "tune" else None
        return Job(script_ref=base_ref, attempt=1, notes=proposal.sketch, searches=True) if base_ref else None

    async def _begin(self, proposal: Proposal, trace: int, step: int, context: Context) -> Script:
        """Repair an earlier step's script for a debug step of a tree search; write one for other proposals."""
        if proposal.action != "debug" or proposal.parent is None:
            return await self._write(proposal, trace, step, context)
        failed = self.trials[proposal.parent]
        call = RepairCalled(
            script_ref=failed.script_ref,
            attempt=failed.attempts,
            phase=failed.phase,
            cause=failed.cause,
            words=proposal.reason,
            output_ref=failed.output_ref,
            evaluation=failed.evaluation,
        )
        return await self._repair(call, trace, step, context)

    async def _write(self, proposal: Proposal, trace: int, step: int, context: Context) -> Script:
        best, base_ref, other_ref = self.state.best, self._base_ref(proposal), proposal.other_ref
        if proposal.step_kind in _UNLIKE and best is not None and best.script_ref != base_ref:
            other_ref = best.script_ref  # what is left: the sketch may name parts of it
        base, other = [await self.artefacts.text(ref) if ref else None for ref in (base_ref, other_ref)]
        other, shorter = beside(base, other) if base is not None and other is not None else (other, False)
        request = WriteSolution(
            **self.asked(trace, step, "write"),
            step_kind=proposal.step_kind,
            source=proposal.source,
            base=base,
            other=other,
            is_difference=shorter,
            **self._took(base_ref),
            hypotheses=proposal.hypotheses,
            sketch=proposal.sketch,
            failures=self.failures,
        )
        return await self.reasoner.ask(request, context, self.choices.get(step))

    def _base_ref(self, proposal: Proposal) -> str | None:
        """The script to change: that of the proposal, or with lookahead the trace's current best."""
        best = self.state.best
        stale = self.scenario.lookahead and not self.optimizer.keeps_all and proposal.step_kind in _REBASED
        return best.script_ref if stale and best is not None else proposal.base_ref

    def _took(self, script_ref: str | None) -> dict[str, float]:
        """`seconds` and `cpu_seconds` of one run of a script that is some trace's best; empty where unknown."""
        for best in (self.state.best, *self.standings):
            if best is not None and best.script_ref == script_ref:
                return {"seconds": self.timed(best.seconds), "cpu_seconds": self.timed(best.cpu_seconds)}
        return {}

    async def _repair(self, call: RepairCalled, trace: int, step: int, context: Context) -> Script:
        request = RepairSolution(
            **self.asked(trace, step, f"repair {call.attempt}"),
            script=await self.artefacts.text(call.script_ref),
            hypotheses=self.state.proposals[step].hypotheses,
            phase=call.phase,
            cause=call.cause.value,
            words=call.words,
            output=await self.artefacts.text(call.output_ref) if call.output_ref else "",
            evaluation=call.evaluation,
            attempt=call.attempt,
            **self._took(self._base_ref(self.state.proposals[step])),
            sampled=call.sampled,
            judged=self.optimizer.judges,
            failures=self.failures,
        )
        return await self.reasoner.ask(request, context, self.choices.get(step))
