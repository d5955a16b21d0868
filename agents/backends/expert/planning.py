"""The expert plans a step: finds challenges if the request has none, proposes hypotheses, and chooses.

Without a diagnosis it finds the challenges itself, with the same judgement at the same skill, so that in a control the
expert is no weaker than in the method with which the control is compared.
"""

from dataclasses import replace

from gome.agents.backends.expert.diagnosis import challenges
from gome.agents.backends.expert.first_solution import starting_plan
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves import captions
from gome.agents.backends.expert.moves.catalogue import apply_hypothesis, plays
from gome.agents.backends.expert.proposal import hypothesis_of, ideas_of, scene_of
from gome.agents.backends.expert.selection import Chosen, choose
from gome.agents.backends.expert.situation import Scene
from gome.agents.backends.expert.writing import write
from gome.agents.protocol.hint import avoided
from gome.agents.protocol.replies import Idea, PlannedScript, Reading, Step
from gome.agents.protocol.requests import ProposeStep, ReadOutput
from gome.agents.protocol.script_requests import SolveStep, WriteSolution
from gome.agents.protocol.types import Challenge, Hypothesis, Recalled
from gome.executors.precheck import avoided_imports
from gome.scenarios.figures import plain

__all__ = ["propose", "read", "solve"]

_MOST_EXTRAS = 5
_FAMILIES = 4
_IN_VAIN = 2
"""Changes in a row without success after which constants are tuned."""


def propose(request: ProposeStep, judgement: Judgement) -> Step:
    """The most promising change of the base; without a base, a first solution that differs from those it is shown.

    A later draft that is shown no other drafts is randomised, because identical drafts would be useless: its family is
    drawn at random, and further moves are drawn with weights by their expected gain.
    """
    independent = not request.challenges and request.action == "draft" and request.step > 1 and not request.siblings
    order = judgement.rng.randrange(_FAMILIES) if independent else request.trace
    found = request.challenges or _found(request, judgement)
    asked = request if request.base or request.challenges else request.model_copy(update={"history": (), "refused": ()})
    candidates = ideas_of(asked, found, order, judgement)
    if request.ranked:
        return Step(candidates=tuple(_idea(each, request) for each in candidates[: request.wanted]))
    may_tune = "tune" in request.kinds and not request.suggested and _may_run(request)
    if may_tune and judgement.choose(_better_tuned(request), (True, False)):
        ideas = tuple(_idea(each, request) for each in candidates[: request.wanted])
        return Step(candidates=ideas, kind="tune", reason="Its single changes no longer help; its constants may.")
    chosen = choose(asked, candidates, order, judgement)
    if independent:
        chosen = chosen._replace(hypotheses=_drawn(request, chosen.hypotheses, judgement))
    return _reply(request, candidates, chosen)


def _may_run(request: ProposeStep) -> bool:
    """Whether the base imports nothing that the user asks to avoid."""
    return request.base is None or not avoided_imports(request.base.script, avoided(request.hints))


def _better_tuned(request: ProposeStep) -> bool:
    """Whether the constants are searched now: late in the run, or where the last changes have not helped."""
    refused = 0
    for note in reversed(request.history):
        if note.accepted:
            break
        refused += 1
    return refused >= _IN_VAIN or request.stage == "ensemble"


def solve(request: SolveStep, judgement: Judgement) -> PlannedScript:
    """Plan and write a control's step."""
    shared = {name: getattr(request, name) for name in SolveStep.model_fields}
    step = propose(ProposeStep(**shared, stage="improve", wanted=10), judgement)
    chosen = tuple(step.candidates[number - 1] for number in step.choice)
    common = {name: shared[name] for name in ("task", "profile", "workplace", "rows", "trace", "step", "seed")}
    hypotheses = tuple(Hypothesis.model_validate(dict(each) | {"challenge": ""}) for each in chosen)
    base = request.base.script if request.base else None
    asked = WriteSolution(**common, base=base, hypotheses=hypotheses, sketch=step.sketch, avoid=avoided(request.hints))
    written = write(asked, judgement)
    return PlannedScript(script=written.script, notes=f"{step.reason} {written.notes}", hypotheses=chosen)


def read(request: ReadOutput, _: Judgement) -> Reading:
    """Summarise a run's output: the score, or why there is none."""
    score = request.evaluation.score if request.evaluation else None
    said = f"it has no score: {request.words}" if score is None else f"{request.task.metric} is {plain(score, 5)}"
    return Reading(summary=f"The run shows that {said}.")


def _reply(request: ProposeStep, candidates: tuple[Hypothesis, ...], chosen: Chosen) -> Step:
    """Reply with the chosen hypotheses first, then other candidates, at most `request.wanted` in all."""
    others = [each for each in candidates if each.key not in {taken.key for taken in chosen.hypotheses}]
    ideas = [*chosen.hypotheses, *others][: request.wanted]
    return Step(
        candidates=tuple(_idea(each, request) for each in ideas),
        choice=tuple(range(1, min(len(chosen.hypotheses), request.wanted) + 1)),
        recalled=_number(chosen.origin, request.recalled),
        reason=chosen.reason,
        sketch=chosen.sketch,
        answer=_answer(request, chosen),
    )


def _answer(request: ProposeStep, chosen: Chosen) -> str:
    """How the step follows what the user asks: the expert matches what to avoid and prefer with its own moves."""
    if not request.hints:
        return ""
    scene = scene_of(request)
    found = [each for each in chosen.hypotheses if scene.prefers(*each.key, each.statement)]
    parts = [f"{found[0].parameter} {found[0].direction} is what is preferred"] if found else []
    parts += [f"nothing with {', '.join(scene.avoid)} was considered"] if scene.avoid else []
    if scene.prefer and not found:
        parts.append("no move of the expert that applies here is among what is preferred")
    if any(hint.words.strip() for hint in request.hints):
        parts.append("the rule-based expert reads no free text, only what to avoid and to prefer")
    return "; ".join(parts)


def _number(origin: Recalled | None, recalled: tuple[Recalled, ...]) -> int | None:
    return None if origin is None else recalled.index(origin) + 1


def _idea(hypothesis: Hypothesis, request: ProposeStep) -> Idea:
    """A hypothesis with its challenge as a number, and its scores if requested."""
    captioned = [each.caption for each in request.challenges]
    number = captioned.index(hypothesis.challenge) + 1 if hypothesis.challenge in captioned else 0
    changed = {"challenge": number, "scores": hypothesis.scores if request.ranked else None}
    return Idea.model_validate(dict(hypothesis) | changed)


def _drawn(request: ProposeStep, hypotheses: tuple[Hypothesis, ...], judgement: Judgement) -> tuple[Hypothesis, ...]:
    """The hypotheses of a first solution and up to five more, drawn with weights by their expected gain."""
    scene = replace(scene_of(request), history=(), refused=())
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
    """Challenges of the base, from the task and from the evidence of trials."""
    scene = scene_of(request)
    if request.base is None:
        scene = Scene(request.task, request.profile, starting_plan(request.task, request.profile))
    return challenges(scene, ("scenario",) if request.base is None else ("scenario", "feedback"), judgement)
