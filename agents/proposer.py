"""The Proposer: from a diagnosis to one change. One a trace; it speaks twice a step.

StepOpened   ──► one hypothesis for each challenge, scored ──► Candidates
Recollection ──► one of candidates and memory, sketched    ──► Proposal

Without structured reasoning there are no candidates: the optimizer picks what to go on from, and the step is planned in
one call.
"""

import random
from collections.abc import Sequence

from agents.ideas import Hypothesis, Stage
from agents.messages import Candidates, Diagnosis, Proposal, Recollection, StepOpened
from agents.optimizers import Pick
from agents.optimizers.tree import Tree
from agents.requests import PlanStep, ProposeHypotheses, SelectHypothesis
from agents.role import Reasoner, Role, place
from agents.schedule import scenario_share
from agents.scoring import compatible, draw_by_rank, top_candidates
from agents.start import START
from agents.trace import TraceState
from bus.actor import Context
from bus.artefacts import Artefacts
from bus.message import Draft, Envelope

__all__ = ["Proposer"]


class Proposer(Role):
    """Turns a diagnosis into a step."""

    handles = frozenset({"step_opened", "recollection"})
    notes = frozenset({"run_opened", "diagnosis", "solution_completed", "trace_restarted"})

    def __init__(self, trace: int, reasoner: Reasoner, artefacts: Artefacts) -> None:
        super().__init__("proposer", trace, artefacts)
        self.reasoner = reasoner
        self.state = TraceState()
        self.tree = Tree()
        self.stages: dict[int, Stage] = {}
        self.candidates: dict[int, Candidates] = {}

    def remember(self, envelope: Envelope) -> None:
        """Keep the trace's history, and for each step in the air its stage, candidates and proposal."""
        match envelope.message:
            case StepOpened() as opened:
                self.stages[place(envelope)[1]] = opened.stage
            case Candidates() as candidates:
                self.candidates[place(envelope)[1]] = candidates
            case Proposal() as proposal:
                self.tree.proposed(place(envelope)[1], proposal)
            case Diagnosis() as diagnosis:
                step = place(envelope)[1]
                self.stages.pop(step, None)
                self.candidates.pop(step, None)
                self.tree.diagnosed(step, diagnosis)
            case _:
                pass
        self.state.heard(envelope)

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Candidates for a step that opens, a proposal once memory has answered."""
        trace, step = place(envelope)
        structured, asked = self.optimizer.structured, envelope.message
        message: Candidates | Proposal
        if self.opened.start_ref is not None and step == 1:
            structured = False
        if not isinstance(asked, Recollection):
            message = await self._propose(trace, step, context) if structured else self._candidates(())
        elif not structured:
            message = await self._plan(asked, trace, step, context)
        elif self.scenario.method.selection == "rank":
            message = self._rank(trace, step)
        else:
            message = await self._select(asked, trace, step, context)
        return [Draft(message, trace, step)]

    async def _propose(self, trace: int, step: int, context: Context) -> Candidates:
        request = ProposeHypotheses(
            task=self.opened.task,
            profile=self.opened.profile,
            trace=trace,
            step=step,
            seed=self.seed(trace, step, "propose"),
            stage=self.stages[step],
            incumbent=await self.solution(self.state.best),
            challenges=self.state.challenges,
            history=self.optimizer.history(self.state),
            refused=self.state.refused_keys,
            baseline=self.opened.baseline,
            workplace=self.opened.workplace,
        )
        reply = await self.reasoner.ask(request, context)
        underway = {each.key for proposal in self.tree.pending.values() for each in proposal.hypotheses}
        fresh = [each for each in reply.hypotheses if each.key not in underway]
        return self._candidates(fresh or reply.hypotheses)

    def _candidates(self, hypotheses: Sequence[Hypothesis]) -> Candidates:
        return Candidates(
            hypotheses=top_candidates(hypotheses, self.state.tried, self.scenario.method),
            best_score=self.state.best.score if self.state.best else None,
            path_length=self.state.accepted,
        )

    async def _select(self, recollection: Recollection, trace: int, step: int, context: Context) -> Proposal:
        best, stage = self.state.best, self.stages[step]
        request = SelectHypothesis(
            task=self.opened.task,
            profile=self.opened.profile,
            trace=trace,
            step=step,
            seed=self.seed(trace, step, "select"),
            stage=stage,
            incumbent=await self.solution(best),
            candidates=self.candidates[step].hypotheses,
            recalled=recollection.recalled,
            siblings=recollection.siblings,
            history=self.optimizer.history(self.state),
            workplace=self.opened.workplace,
        )
        selection = await self.reasoner.ask(request, context)
        return Proposal(
            action=selection.action,
            hypotheses=selection.hypotheses,
            sketch=selection.sketch,
            reason=selection.reason,
            base_ref=best.script_ref if best else None,
            origin=selection.origin,
            stage=stage,
        )

    def _rank(self, trace: int, step: int) -> Proposal:
        """Selection without a reasoner, its sketch the hypotheses' own words. A root takes all that go together."""
        best, method, state = self.state.best, self.scenario.method, self.state
        candidates = self.candidates[step].hypotheses
        share = scenario_share(state.accepted, state.refused, method)
        if best is None:
            chosen = compatible(candidates)
        else:
            sources = {challenge.caption: challenge.source for challenge in state.challenges}
            chosen = (draw_by_rank(candidates, sources, share, method, self.seed(trace, step, "rank")),)
        return Proposal(
            action="select" if best else "root",
            hypotheses=chosen,
            sketch="\n".join(f"- {each.statement}" for each in chosen),
            reason=f"drawn by rank, scenario to feedback {share} : {method.scenario_weight - share}",
            base_ref=best.script_ref if best else None,
            origin=None,
            stage=self.stages[step],
        )

    async def _plan(self, recollection: Recollection, trace: int, step: int, context: Context) -> Proposal:
        """The optimizer picks where to go on from; mending needs no plan but the failure itself.

        A user's own script is the first step of a trace, and needs none either.
        """
        if self.opened.start_ref is not None and step == 1:
            return self._start(self.opened.start_ref, step)
        chance = random.Random(self.seed(trace, step, "pick"))
        pick = self.optimizer.pick(self.state, self.tree, chance)
        if pick.action == "debug":
            return self._mend(pick, step)
        request = PlanStep(
            task=self.opened.task,
            profile=self.opened.profile,
            trace=trace,
            step=step,
            seed=self.seed(trace, step, "plan"),
            action=pick.action,
            stage=self.stages[step],
            base=await self.solution(pick.base),
            recalled=recollection.recalled,
            siblings=(*recollection.siblings, *pick.siblings),
            history=self.optimizer.history(self.state),
            refused=() if self.optimizer.keeps_all else self.state.refused_keys,
            baseline=self.opened.baseline,
            workplace=self.opened.workplace,
        )
        plan = await self.reasoner.ask(request, context)
        return Proposal(
            action=pick.action,
            hypotheses=plan.hypotheses,
            sketch=plan.sketch,
            reason=plan.reason,
            base_ref=pick.base.script_ref if pick.base else None,
            origin=plan.origin,
            stage=self.stages[step],
            parent=pick.parent,
        )

    def _start(self, script_ref: str, step: int) -> Proposal:
        return Proposal(
            action="start",
            hypotheses=(START,),
            sketch="",
            reason=START.reason,
            base_ref=script_ref,
            origin=None,
            stage=self.stages[step],
        )

    def _mend(self, pick: Pick, step: int) -> Proposal:
        reasons = {note.step: note.reason for note in self.state.notes}
        return Proposal(
            action="debug",
            hypotheses=pick.hypotheses,
            sketch="",
            reason=reasons.get(pick.parent or 0, ""),
            base_ref=pick.script_ref,
            origin=None,
            stage=self.stages[step],
            parent=pick.parent,
        )
