"""The Proposer, one per trace: decides what the next step changes.

Recollection ──► ideas that address the challenges, the choice among them, a sketch ──► Proposal

Where the scenario says `confirm`, a ProposalOffered goes first, and the Proposal follows the user's ProposalReviewed.
The optimizer chooses the solution from which the step continues. Without structured reasoning there are no challenges,
and a step is planned from the measured figures alone; under a control it is planned and written in one call.
"""

import random
from collections.abc import Sequence

from gome.agents.method.next_kind import suggested
from gome.agents.method.scoring import compatible, draw_by_rank, top_candidates
from gome.agents.method.stages import scenario_share
from gome.agents.optimizers import Pick
from gome.agents.optimizers.solution_tree import Tree
from gome.agents.protocol.backend_choice import chosen_for
from gome.agents.protocol.messages import Diagnosis, Proposal, Recollection, StepOpened
from gome.agents.protocol.replies import Step
from gome.agents.protocol.requests import ProposeStep
from gome.agents.protocol.run_messages import ProposalReviewed
from gome.agents.protocol.script_requests import SolveStep
from gome.agents.protocol.source_script import SourceScript
from gome.agents.protocol.types import (
    Hypothesis,
    Recalled,
    Solution,
    StepKind,
    Underway,
)
from gome.agents.roles.proposals import begun, chosen_by, hypothesis_of, mending, planned, starting, tuning
from gome.agents.roles.role import Reasoner, Role, place, unfinished
from gome.agents.scripts.difference import shown_of
from gome.agents.scripts.error_analysis import Pairer
from gome.agents.scripts.source_scripts import source_script
from gome.agents.state.hints import Hints
from gome.agents.state.offers import Offers, offer_of
from gome.agents.state.trace import FOLDED, Best, TraceState
from gome.agents.tuning.parameters import Declaration, declared
from gome.bus.actors.actor import Context
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.errors import NotAsked

__all__ = ["Proposer"]

_PAYS = "by the record of this run, a search of the constants pays most"
_FIRST_IDEAS = 10
"""Maximum number of ideas in a first solution."""


class Proposer(Role):
    """Turns a diagnosis into a proposal."""

    handles = frozenset({"recollection", "proposal_reviewed", "deadline_reached", "finish_requested"})
    notes = frozenset({"hint_given"}) | FOLDED

    def __init__(self, trace: int, reasoner: Reasoner, artefacts: Artefacts, pairer: Pairer) -> None:
        super().__init__("proposer", trace, artefacts)
        self.reasoner = reasoner
        self.pairer = pairer
        self.state = TraceState()
        self.tree = Tree()
        self.hints = Hints()
        self.offers = Offers()
        self.searched: set[str] = set()

    def remember(self, envelope: Envelope) -> None:
        """Keep the trace's history and its running steps."""
        match envelope.message:
            case Proposal() as proposal:
                self.tree.proposed(place(envelope)[1], proposal)
                if proposal.step_kind == "tune" and proposal.base_ref is not None:
                    self.searched.add(proposal.base_ref)
            case Diagnosis() as diagnosis:
                step = place(envelope)[1]
                proposed = self.state.proposals.get(step)
                if proposed is not None and proposed.step_kind == "tune" and diagnosis.script_ref is not None:
                    self.searched.add(diagnosis.script_ref)
                self.tree.diagnosed(step, diagnosis)
            case _:
                pass
        self.state.heard(envelope)
        self.hints.heard(envelope)
        self.offers.heard(envelope)

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Send the proposal of a step, or offer it to the user first; once time is over, what still waits."""
        try:
            match envelope.message:
                case Recollection():
                    proposal = await self._proposed(*place(envelope), context)
                    return [await self._offered(proposal, *place(envelope))]
                case ProposalReviewed() as review:
                    return await self._reviewed(review, *place(envelope), context)
                case _:
                    waiting = self.offers.waiting.items()
                    return [Draft(await self._waiting(ref), self.trace, step) for step, (_, ref) in waiting]
        except NotAsked as end:
            return [unfinished(place(envelope), f"not proposed: {end}")]

    async def _offered(self, proposal: Proposal, trace: int, step: int) -> Draft:
        """The proposal, or the question to the user whether it may be written: new ideas alone are asked about."""
        if not self.scenario.confirm or self.offers.ending.why or proposal.action in ("start", "debug"):
            return Draft(proposal, trace, step)
        ref = await self.artefacts.put(proposal.model_dump_json())
        return Draft(offer_of(proposal, ref), trace, step)

    async def _reviewed(self, review: ProposalReviewed, trace: int, step: int, context: Context) -> Sequence[Draft]:
        """Send what the user has accepted, with their sketch; propose anew what they have not."""
        ref = self.offers.answered(step, review)
        if ref is None:
            return []
        if not review.accepted:
            again = await self._proposed(trace, step, context)
            return [await self._offered(again, trace, step)]
        changed = {} if review.sketch is None else {"sketch": review.sketch}
        return [Draft((await self._waiting(ref)).model_copy(update=changed), trace, step)]

    async def _waiting(self, ref: str) -> Proposal:
        return Proposal.model_validate_json(await self.artefacts.text(ref))

    async def _proposed(self, trace: int, step: int, context: Context) -> Proposal:
        """The user's own script, a failed script to repair, or a model's ideas."""
        if self.opened.start_ref is not None and step == 1:
            return starting(self.opened.start_ref, self.state.opened[step].stage)
        if (given := self.hints.script) is not None:
            return starting(given[1], self.state.opened[step].stage, hints=given[:1])
        pick = self.optimizer.pick(self.state, self.tree, random.Random(self.seed(trace, step, "pick")))
        if pick.action == "debug":
            reasons = {note.step: note.reason for note in self.state.notes}
            return mending(pick, self.state.opened[step].stage, reasons.get(pick.parent or 0, ""))
        if not self.optimizer.judges:
            return await self._solve(pick, trace, step, context)
        request = await self._question(pick, trace, step, context)
        if request.suggested == "tune" and request.base is not None and pick.base is not None and not request.hints:
            found = declared(request.base.script).parameters
            return tuning(pick.base.script_ref, found, request.stage, _PAYS)
        reply = await self.reasoner.ask(request, context, chosen_for("proposer", self.state.opened[step].backends))
        return self._proposal(request, reply, pick)

    async def _solve(self, pick: Pick, trace: int, step: int, context: Context) -> Proposal:
        """Ask for plan and script of a control's step in one call."""
        request = SolveStep(
            **self.asked(trace, step, "solve"),
            action="draft" if pick.action == "draft" else "improve",
            left=self.state.left(step),
            base=await self.solution(pick.base),
            history=self.optimizer.history(self.state),
            underway=tuple(
                Underway(trace=trace, step=at, hypotheses=each.hypotheses) for at, each in self.tree.pending.items()
            ),
            siblings=pick.siblings,
            hints=tuple(self.hints.given.values()),
            rejected=self.offers.rejected.get(step, ()),
        )
        reply = await self.reasoner.ask(request, context, chosen_for("proposer", self.state.opened[step].backends))
        ideas = tuple(hypothesis_of(each, ()) for each in reply.hypotheses)
        return begun(
            pick,
            self.state.opened[step].stage,
            self.hints,
            hypotheses=ideas or (planned(reply.notes, step),),
            sketch=reply.notes,
            script_ref=await self.artefacts.put(reply.script),
        )

    async def _question(self, pick: Pick, trace: int, step: int, context: Context) -> ProposeStep:
        opened, known, structured = self.state.opened[step], self.state.known[step], self.optimizer.structured
        drafts = pick.action == "draft"
        base = await self.solution(pick.base)
        standings = self.state.standings(known.standings, trace, timed=not self.lockstep)
        declaration = declared(base.script) if base else Declaration()
        kinds = self.optimizer.kinds(standings) if not drafts else ("edit",)
        other = fresh = None
        if (own := pick.base) and {"merge", "return"} & set(kinds):
            others = (each for each in standings if each.trace != trace and each.script_ref != own.script_ref)
            if source := next(others, None):
                near_tie, task = self.scenario.method.near_tie, self.opened.task
                other = await source_script(source, own, self.artefacts, self.pairer, task, near_tie, context)
                fresh = None if source.script_ref in self.state.merged else other
        allowed = {"merge": fresh, "return": other, "tune": declaration.parameters and self._may_search(pick.base)}
        kinds = tuple(kind for kind in kinds if allowed.get(kind, True))
        pays = self._suggested(opened, kinds)
        return ProposeStep(
            **self.asked(trace, step, "propose"),
            action="draft" if drafts else "improve",
            stage=opened.stage,
            left=self.state.left(step),
            base=base,
            wanted=_FIRST_IDEAS if drafts else self.scenario.method.candidates if structured else 1,
            challenges=self.state.challenges if structured else (),
            history=self.optimizer.history(self.state),
            refused=() if self.optimizer.keeps_all else self.state.refused_keys,
            recalled=tuple([await self._shown(each, base, other) for each in known.recalled]),
            failures=known.failures,
            findings=known.findings,
            standings=standings,
            underway=self.hints.marked(known.underway),
            siblings=(*known.siblings, *pick.siblings) if drafts else (),
            kinds=kinds,
            suggested=pays,
            record=next((each for each in opened.records if each.kind == pays), None),
            untunable=declaration.faults if "tune" in self.optimizer.kinds(standings) else (),
            other=other,
            ranked=structured and self.scenario.method.selection == "rank",
            hints=tuple(self.hints.given.values()),
            base_avoided=self.hints.imported(base.script) if base else (),
            rejected=self.offers.rejected.get(step, ()),
        )

    def _suggested(self, opened: StepOpened, kinds: Sequence[StepKind]) -> StepKind | None:
        """The kind of step that pays most by the run's record; None where ideas are drawn by rank.

        A bundle is not suggested: changes that were never tried alone are refused for the worst of them.
        """
        if self.scenario.method.selection == "rank":
            return None
        alone = [kind for kind in kinds if kind != "bundle"]
        return suggested(opened.records, alone, self.scenario.method.next_kind)

    def _may_search(self, best: Best | None) -> bool:
        """Whether a solution's constants were not searched before, and its run is short enough."""
        longest = self.scenario.method.tuning.longest
        return best is not None and best.script_ref not in self.searched and self.timed(best.seconds) <= longest

    async def _shown(self, recalled: Recalled, base: Solution | None, source: SourceScript | None) -> Recalled:
        """Add a script to a recalled change; not where that of `source` is shown, which contains the change."""
        if source is not None and recalled.trace == source.trace and recalled.step <= source.step:
            return recalled
        theirs = await self.artefacts.text(recalled.script_ref)
        before = await self.artefacts.text(recalled.base_ref) if recalled.base_ref else None
        shown = shown_of(recalled.why, theirs, base.script if base else "", before)
        return recalled.model_copy(update={"difference": shown})

    def _proposal(self, request: ProposeStep, reply: Step, pick: Pick) -> Proposal:
        ideas = tuple(hypothesis_of(each, request.challenges) for each in reply.candidates)
        if request.ranked:
            return self._ranked(request, ideas, pick)
        if reply.kind == "tune" and request.base is not None and pick.base is not None:
            parameters = declared(request.base.script).parameters
            return tuning(pick.base.script_ref, parameters, request.stage, reply.reason).model_copy(
                update={"ideas": ideas, "hints": tuple(self.hints.given), "answer": reply.answer}
            )
        return chosen_by(request, reply, ideas, pick, self.hints, leaves=self.state.best is not None)

    def _ranked(self, request: ProposeStep, ideas: Sequence[Hypothesis], pick: Pick) -> Proposal:
        """Select by rank instead of by a model; the sketch lists the hypotheses. A draft takes all compatible ones."""
        method, state = self.scenario.method, self.state
        candidates = top_candidates(ideas, state.tried, method)
        share = scenario_share(state.accepted, state.refused, method)
        if pick.action == "draft":
            chosen = compatible(candidates)
        else:
            sources = {challenge.caption: challenge.source for challenge in request.challenges}
            seed = self.seed(request.trace, request.step, "rank")
            chosen = (draw_by_rank(candidates, sources, share, method, seed),)
        return begun(
            pick,
            request.stage,
            self.hints,
            hypotheses=chosen,
            ideas=candidates,
            sketch="\n".join(f"- {each.statement}" for each in chosen),
            reason=f"drawn by rank, scenario to feedback {share} : {method.scenario_weight - share}",
        )
