"""The Writer, one of the Executor's two actors: writes and repairs scripts while the Runner runs another one.

Proposal     ──► the base with this change ──► Job
RepairCalled ──► the repaired script       ──► Job

With lookahead a proposal may be stale: the trace has accepted another solution since. Its change is then made to the
current best (rebased). A script that became stale while it ran is compared with the best at its diagnosis, so it is
accepted only if it beats that.
"""

from collections.abc import Sequence

from gome.agents.protocol.backend_choice import BackendChoice, chosen_for
from gome.agents.protocol.messages import Job, Proposal, RepairCalled, Trial
from gome.agents.protocol.replies import Script
from gome.agents.protocol.script_requests import RepairSolution, WriteSolution
from gome.agents.roles.role import Reasoner, Role, place, unfinished
from gome.agents.scripts.difference import beside
from gome.agents.scripts.printed import without_clock
from gome.agents.state.hints import Hints
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
    notes = frozenset({"trial", "hint_given"}) | FOLDED

    def __init__(self, trace: int, reasoner: Reasoner, artefacts: Artefacts) -> None:
        super().__init__("writer", trace, artefacts)
        self.reasoner = reasoner
        self.state = TraceState()
        self.hints = Hints()
        self.trials: dict[int, Trial] = {}

    def remember(self, envelope: Envelope) -> None:
        """Keep the trace's running steps, and its trials, of which a tree search repairs one that failed."""
        self.state.heard(envelope)
        self.hints.heard(envelope)
        if isinstance(envelope.message, Trial):
            self.trials[place(envelope)[1]] = envelope.message

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
            seconds=failed.seconds,
            cpu_seconds=failed.cpu_seconds,
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
            **self._took(base_ref, step),
            hypotheses=proposal.hypotheses,
            sketch=proposal.sketch,
            failures=self.state.known[step].failures,
            avoid=self.hints.avoided,
        )
        return await self.reasoner.ask(request, context, self._choice(step))

    def _choice(self, step: int) -> BackendChoice | None:
        return chosen_for("executor", self.state.opened[step].backends)

    def _base_ref(self, proposal: Proposal) -> str | None:
        """The script to change: that of the proposal, or with lookahead the trace's current best."""
        best = self.state.best
        stale = self.scenario.lookahead and not self.optimizer.keeps_all and proposal.step_kind in _REBASED
        return best.script_ref if stale and best is not None else proposal.base_ref

    def _took(self, script_ref: str | None, step: int) -> dict[str, float]:
        """`seconds` and `cpu_seconds` of one run of a script that is some trace's best; empty where unknown."""
        for best in (self.state.best, *self.state.known[step].standings):
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
            output=without_clock(await self.artefacts.text(call.output_ref)) if call.output_ref else "",
            evaluation=call.evaluation,
            attempt=call.attempt,
            ran_seconds=self.timed(call.seconds),
            ran_cpu_seconds=self.timed(call.cpu_seconds),
            **self._took(self._base_ref(self.state.proposals[step]), step),
            sampled=call.sampled,
            judged=self.optimizer.judges,
            failures=self.state.known[step].failures,
            avoid=self.hints.avoided,
        )
        return await self.reasoner.ask(request, context, self._choice(step))
