"""Proposals and their parts, as values: of a user's script, of a failed script to repair, of constants to search."""

from collections.abc import Sequence
from typing import Any

from gome.agents.optimizers import Pick
from gome.agents.protocol.messages import Proposal
from gome.agents.protocol.replies import Idea, Step
from gome.agents.protocol.requests import ProposeStep
from gome.agents.protocol.searched import Searched
from gome.agents.protocol.types import Challenge, Hypothesis, Recalled, Stage, TraceBest
from gome.agents.scripts.user_script import START
from gome.agents.state.hints import Hints
from gome.agents.tuning.parameters import Parameter

__all__ = ["begun", "chosen_by", "hypothesis_of", "mending", "planned", "starting", "tuning", "with_result"]


def starting(script_ref: str, stage: Stage, hints: tuple[str, ...] = ()) -> Proposal:
    """Run the user's own script as it is."""
    return Proposal(
        action="start",
        hypotheses=(START,),
        reason=START.reason,
        base_ref=script_ref,
        stage=stage,
        hints=hints,
    )


def mending(pick: Pick, stage: Stage, reason: str) -> Proposal:
    """Repair a failed script of a tree search; `reason` is why it failed."""
    return Proposal(
        action="debug",
        hypotheses=pick.hypotheses,
        reason=reason,
        base_ref=pick.script_ref,
        stage=stage,
        parent=pick.parent,
    )


def tuning(base_ref: str, parameters: Sequence[Parameter], stage: Stage, reason: str) -> Proposal:
    """Search the constants that a script declares."""
    names = ", ".join(each.name for each in parameters)
    idea = Hypothesis(
        statement=f"Other values of {names} are better, within the ranges that the script declares.",
        reason=reason,
        challenge="",
        component="Model",
        parameter="constants",
        direction="searched",
    )
    return Proposal(
        action="improve",
        step_kind="tune",
        hypotheses=(idea,),
        sketch=f"The constants {names} are searched.",
        reason=reason,
        base_ref=base_ref,
        stage=stage,
    )


def with_result(proposal: Proposal, searched: Searched | None) -> Proposal:
    """The proposal of a search with what it has found, for all who read of the trial; others as they are."""
    if searched is None:
        return proposal
    ideas = [
        each.model_copy(update={"statement": f"{each.statement} {searched.words}"}) for each in proposal.hypotheses
    ]
    return proposal.model_copy(update={"hypotheses": tuple(ideas)})


def planned(notes: str, step: int) -> Hypothesis:
    """A plan as the single hypothesis of its step; its parameter is unknown."""
    return Hypothesis(
        statement=notes or "no plan was given",
        reason="",
        challenge="",
        component="Workflow",
        parameter=f"plan-{step}",
        direction="as-planned",
    )


def hypothesis_of(idea: Idea, challenges: Sequence[Challenge]) -> Hypothesis:
    """The idea as a hypothesis, with the caption of its challenge."""
    caption = challenges[idea.challenge - 1].caption if 0 < idea.challenge <= len(challenges) else ""
    return Hypothesis.model_validate(idea.model_dump() | {"challenge": caption})


def begun(pick: Pick, stage: Stage, hints: Hints, **chosen: Any) -> Proposal:
    """A proposal on the solution that was picked; `chosen` are the fields that say more, or other than that."""
    shared: dict[str, Any] = {
        "action": "draft" if pick.action == "draft" else "improve",
        "base_ref": pick.base.script_ref if pick.base else None,
        "parent": pick.parent,
        "hints": tuple(hints.given),
    }
    return Proposal(stage=stage, **shared | chosen)


def chosen_by(
    request: ProposeStep, reply: Step, ideas: Sequence[Hypothesis], pick: Pick, hints: Hints, *, leaves: bool
) -> Proposal:
    """The proposal that a model's reply chooses; `leaves` says that a draft leaves a solution of the trace."""
    chosen = tuple(ideas[number - 1] for number in reply.choice)
    source = next((each for each in request.standings if each.trace == reply.source), None)
    taken = _taken_over(request, reply, source)
    scripts: dict[str, str | None] = {}
    match reply.kind:
        case "merge" if source is not None:
            scripts = {"other_ref": source.script_ref}
        case "return" if source is not None:
            scripts = {"base_ref": source.script_ref}
        case "leap":
            scripts = {"action": "draft", "base_ref": None}
    return begun(
        pick,
        request.stage,
        hints,
        step_kind="leap" if pick.action == "draft" and leaves else reply.kind,
        hypotheses=chosen or (taken.hypotheses if taken else ()),
        ideas=tuple(ideas),
        sketch=reply.sketch,
        reason=reply.reason,
        source=reply.source if reply.kind in ("merge", "return") else None,
        origin=taken.id if taken else None,
        answer=reply.answer,
        **scripts,
    )


def _taken_over(request: ProposeStep, reply: Step, source: TraceBest | None) -> Recalled | None:
    """The recalled change that a step takes over: the one it names, else the best that a merge or return names."""
    if reply.recalled is not None:
        return request.recalled[reply.recalled - 1]
    if source is None or reply.kind not in ("merge", "return"):
        return None
    return next((each for each in request.recalled if each.script_ref == source.script_ref), None)
