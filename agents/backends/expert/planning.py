"""The expert plans a step: it finds what holds the base back where it was not told, proposes, and chooses.

Without a diagnosis it looks for challenges itself: the same judgement at the same skill and as often left to chance, so
that a control is no weaker a reasoner than the method that it is compared with.
"""

from dataclasses import replace

from gome.agents.backends.expert.diagnosis import challenges
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves import captions
from gome.agents.backends.expert.moves.catalogue import apply_hypothesis, plays
from gome.agents.backends.expert.proposal import hypothesis_of, ideas_of, scene_of
from gome.agents.backends.expert.root import starting_plan
from gome.agents.backends.expert.scene import Scene
from gome.agents.backends.expert.selection import Chosen, choose
from gome.agents.backends.expert.writing import write
from gome.agents.protocol.requests import (
    Idea,
    PlannedScript,
    ProposeStep,
    Reading,
    ReadOutput,
    SolveStep,
    Step,
    WriteSolution,
)
from gome.agents.protocol.types import Challenge, Hypothesis, Recalled

__all__ = ["propose", "read", "solve"]

_MOST_EXTRAS = 5
_FAMILIES = 4


def propose(request: ProposeStep, judgement: Judgement) -> Step:
    """The most promising change of the base; without one a first solution, unlike the first ones that it is shown.

    An independent draft, shown none, is drawn anew: its family by chance, and some of what could still be done drawn by
    what it promises, since drafts that are all alike would be one draft.
    """
    independent = not request.challenges and request.action == "draft" and request.step > 1 and not request.siblings
    order = judgement.rng.randrange(_FAMILIES) if independent else request.trace
    found = request.challenges or _found(request, judgement)
    asked = request if request.base or request.challenges else request.model_copy(update={"history": (), "refused": ()})
    candidates = ideas_of(asked, found, order, judgement)
    if request.ranked:
        return Step(candidates=tuple(_idea(each, request) for each in candidates[: request.wanted]))
    chosen = choose(asked, candidates, order, judgement)
    if independent:
        chosen = chosen._replace(hypotheses=_drawn(request, chosen.hypotheses, judgement))
    return _reply(request, candidates, chosen)


def solve(request: SolveStep, judgement: Judgement) -> PlannedScript:
    """The plan of a control's step, and its script."""
    shared = {name: getattr(request, name) for name in SolveStep.model_fields}
    step = propose(ProposeStep(**shared, stage="improve", wanted=10), judgement)
    chosen = tuple(step.candidates[number - 1] for number in step.choice)
    common = {name: shared[name] for name in ("task", "profile", "workplace", "rows", "trace", "step", "seed")}
    hypotheses = tuple(Hypothesis.model_validate(dict(each) | {"challenge": ""}) for each in chosen)
    base = request.base.script if request.base else None
    asked = WriteSolution(**common, base=base, hypotheses=hypotheses, sketch=step.sketch)
    written = write(asked, judgement)
    return PlannedScript(script=written.script, notes=f"{step.reason} {written.notes}", hypotheses=chosen)


def read(request: ReadOutput, _: Judgement) -> Reading:
    """The score, or why there is none."""
    score = request.evaluation.score if request.evaluation else None
    said = f"it has no score: {request.words}" if score is None else f"{request.task.metric} is {score:.5g}"
    return Reading(summary=f"The run shows that {said}.")


def _reply(request: ProposeStep, candidates: tuple[Hypothesis, ...], chosen: Chosen) -> Step:
    """What was chosen first, then what else was thought of, as far as it is asked for."""
    others = [each for each in candidates if each.key not in {taken.key for taken in chosen.hypotheses}]
    ideas = [*chosen.hypotheses, *others][: request.wanted]
    return Step(
        candidates=tuple(_idea(each, request) for each in ideas),
        choice=tuple(range(1, min(len(chosen.hypotheses), request.wanted) + 1)),
        recalled=_number(chosen.origin, request.recalled),
        reason=chosen.reason,
        sketch=chosen.sketch,
    )


def _number(origin: Recalled | None, recalled: tuple[Recalled, ...]) -> int | None:
    return None if origin is None else recalled.index(origin) + 1


def _idea(hypothesis: Hypothesis, request: ProposeStep) -> Idea:
    """A hypothesis with its challenge by number, and its scores where they are asked for."""
    captioned = [each.caption for each in request.challenges]
    number = captioned.index(hypothesis.challenge) + 1 if hypothesis.challenge in captioned else 0
    changed = {"challenge": number, "scores": hypothesis.scores if request.ranked else None}
    return Idea.model_validate(dict(hypothesis) | changed)


def _drawn(request: ProposeStep, hypotheses: tuple[Hypothesis, ...], judgement: Judgement) -> tuple[Hypothesis, ...]:
    """The hypotheses of a root and up to five more, each drawn with a weight of its gain."""
    scene = Scene(
        request.task, request.profile, starting_plan(request.task, request.profile), None, 0.0, request.workplace
    )
    for hypothesis in hypotheses:
        scene = replace(scene, plan=apply_hypothesis(scene.plan, hypothesis, scene)[0])
    chosen = list(hypotheses)
    for _ in range(judgement.rng.randint(1, _MOST_EXTRAS)):
        options = [play for play in plays(scene) if play.move.challenge != captions.FIRST and play.plan != scene.plan]
        if not options:
            break
        likely = judgement.rng.choices(options, weights=[max(1e-6, play.choice.gain) for play in options])[0]
        play = judgement.choose(likely, options)
        chosen.append(hypothesis_of(scene, play, play.move.challenge, likely))
        scene = replace(scene, plan=play.plan)
    return tuple(chosen)


def _found(request: ProposeStep, judgement: Judgement) -> tuple[Challenge, ...]:
    """What holds the base back, by task and by evidence alike."""
    scene = scene_of(request)
    if request.base is None:
        scene = Scene(request.task, request.profile, starting_plan(request.task, request.profile))
    return challenges(scene, ("scenario",) if request.base is None else ("scenario", "feedback"), judgement)
