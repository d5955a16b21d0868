"""The expert plans a step in one call, for optimizers without diagnosis: it finds, proposes and chooses at once.

It is the same judgement as round the ring, at the same skill and as often left to chance, so that a control is no
weaker a reasoner than the method that it is compared with.
"""

from dataclasses import replace

from agents.backends.expert import captions
from agents.backends.expert.catalogue import apply_hypothesis, plays
from agents.backends.expert.diagnosis import challenges
from agents.backends.expert.judgement import Judgement
from agents.backends.expert.plan import read_plan
from agents.backends.expert.proposal import hypothesis_of, propose
from agents.backends.expert.root import starting_plan
from agents.backends.expert.scene import Scene
from agents.backends.expert.selection import select
from agents.ideas import Challenge, Hypothesis
from agents.requests import PlanStep, ProposeHypotheses, SelectHypothesis, Selection, StepPlan

__all__ = ["plan_step"]

_MOST_EXTRAS = 5


def plan_step(request: PlanStep, judgement: Judgement) -> StepPlan:
    """The most promising change of the base; without one a first solution, unlike the drafts that it is shown.

    An independent draft, shown none, is drawn anew: its family by chance, and some of what could still be done drawn by
    what it promises, since drafts that are all alike would be one draft.
    """
    selection = _selected(request, _found(request, judgement), judgement)
    hypotheses = selection.hypotheses
    if request.action == "draft" and request.step > 1 and not request.siblings:
        hypotheses = _drawn(request, hypotheses, judgement)
    return StepPlan(hypotheses=hypotheses, origin=selection.origin, reason=selection.reason, sketch=selection.sketch)


def _drawn(request: PlanStep, hypotheses: tuple[Hypothesis, ...], judgement: Judgement) -> tuple[Hypothesis, ...]:
    """The hypotheses of a root and up to five more, each drawn with a weight of its gain."""
    scene = Scene(
        request.task, request.profile, starting_plan(request.task, request.profile), None, 0.0, request.workplace
    )
    for hypothesis in hypotheses:
        scene = replace(scene, plan=apply_hypothesis(scene.plan, hypothesis, scene)[0])
    chosen = list(hypotheses)
    for _ in range(judgement.chance.randint(1, _MOST_EXTRAS)):
        options = [play for play in plays(scene) if play.move.challenge != captions.FIRST and play.plan != scene.plan]
        if not options:
            break
        likely = judgement.chance.choices(options, weights=[max(1e-6, play.choice.gain) for play in options])[0]
        play = judgement.choose(likely, options)
        chosen.append(hypothesis_of(scene, play, play.move.challenge, likely))
        scene = replace(scene, plan=play.plan)
    return tuple(chosen)


def _found(request: PlanStep, judgement: Judgement) -> tuple[Challenge, ...]:
    """What holds the base back, by task and by evidence alike."""
    scene = _scene(request)
    return challenges(scene, ("scenario",) if request.base is None else ("scenario", "feedback"), judgement)


def _scene(request: PlanStep) -> Scene:
    base = request.base
    if base is None:
        return Scene(request.task, request.profile, starting_plan(request.task, request.profile))
    plan = read_plan(base.script) or starting_plan(request.task, request.profile, base.script)
    return Scene(
        request.task,
        request.profile,
        plan,
        base.evaluation,
        base.seconds,
        request.workplace,
        request.history,
        request.refused,
        request.baseline,
    )


def _selected(request: PlanStep, found: tuple[Challenge, ...], judgement: Judgement) -> Selection:
    """What a Proposer would choose in two calls. An independent draft's family is by chance one of the strong ones."""
    independent = request.action == "draft" and request.step > 1 and not request.siblings
    shared = {
        "task": request.task,
        "profile": request.profile,
        "trace": judgement.chance.randrange(4) if independent else request.trace,
        "step": request.step,
        "seed": request.seed,
        "stage": request.stage,
        "incumbent": request.base,
        "history": request.history if request.base else (),
        "workplace": request.workplace,
    }
    refused = request.refused if request.base else ()
    asked_for = ProposeHypotheses.model_validate(
        {**shared, "challenges": found, "refused": refused, "baseline": request.baseline}
    )
    proposed = propose(asked_for, judgement)
    asked = SelectHypothesis.model_validate(
        {
            **shared,
            "candidates": proposed.hypotheses,
            "recalled": request.recalled,
            "siblings": request.siblings,
        }
    )
    return select(asked, judgement)
