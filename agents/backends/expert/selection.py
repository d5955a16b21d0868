"""The expert as Proposer, second half: which hypothesis a step implements, its own or a recalled one."""

from collections.abc import Sequence
from typing import NamedTuple

from gome.agents.backends.expert.avoiding import imported
from gome.agents.backends.expert.code.cost import affordable
from gome.agents.backends.expert.first_solution import family_order
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves import captions
from gome.agents.backends.expert.moves.catalogue import move_of, playable
from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.proposal import hypothesis_of, may_begin, scene_of
from gome.agents.backends.expert.situation import Scene
from gome.agents.protocol.requests import ProposeStep
from gome.agents.protocol.types import Hypothesis, Recalled
from gome.scenarios.figures import plain

__all__ = ["Chosen", "choose"]

_FIGURES = ("scores", "expected_gain")
_TRUST_IN_RECALL = 0.7
_TIRED = 0.3
_ALIKE = 0.5
_ASKED_FOR = 1000.0
"""Weight of what the user prefers: it comes before everything else."""


class Chosen(NamedTuple):
    """What a step implements, and why. `origin` is the recalled change it comes from, if any."""

    hypotheses: tuple[Hypothesis, ...]
    origin: Recalled | None
    reason: str
    sketch: str


def choose(request: ProposeStep, candidates: Sequence[Hypothesis], order: int, judgement: Judgement) -> Chosen:
    """Choose what this step implements: for a first solution all compatible hypotheses, later the most promising one.

    Where judgement fails it is a random candidate, not a recalled one, with the figures of the right one.
    """
    scene = scene_of(request)
    if request.base is None:
        return _choose_root(request, candidates, scene, order, judgement)
    options: list[tuple[float, Hypothesis, Recalled | None]] = [
        (_promise(request, scene, each), each, None) for each in candidates
    ]
    recalled = [option for each in request.recalled for option in _options(request, scene, each)]
    if not scene.avoid or not imported(scene.task, scene.profile, scene.plan, scene.avoid):
        options += [option for option in recalled if not scene.avoids(*option[1].key, option[1].statement)]
    _, chosen, origin = _foremost(request, options)
    if judgement.fails():
        figures = {name: getattr(chosen, name) for name in _FIGURES}
        chosen, origin = judgement.rng.choice(candidates).model_copy(update=figures), None
    return Chosen((chosen,), origin, _why(request, chosen, origin), _sketch(scene, (chosen,)))


def _foremost(
    request: ProposeStep, options: list[tuple[float, Hypothesis, Recalled | None]]
) -> tuple[float, Hypothesis, Recalled | None]:
    """The most promising option. Of several similar ones, each trace takes another, so that more of them are tried."""
    ranked = sorted(options, key=lambda option: -option[0])
    alike = [option for option in ranked if option[0] >= _ALIKE * ranked[0][0]]
    return alike[request.trace % len(alike)]


def _promise(request: ProposeStep, scene: Scene, hypothesis: Hypothesis) -> float:
    """The expected gain, weighted by stage, novelty and safety."""
    found = move_of(hypothesis)
    safe, fresh = (hypothesis.scores.risk_reward, hypothesis.scores.novelty) if hypothesis.scores else (5, 5)
    weight = 0.5 + safe / 20
    if fresh == 1:
        weight *= _TIRED
    if found is not None:
        move = found[0]
        together = move.component == "Ensemble"
        if request.stage == "draft" and (together or move.late):
            weight *= 0.4
        elif request.stage == "improve" and move.late:
            weight *= 0.7
        elif request.stage == "ensemble" and together:
            weight *= 2.0
    if scene.prefers(*hypothesis.key, hypothesis.statement):
        weight *= _ASKED_FOR
    return max(hypothesis.expected_gain, 1e-9 * scene.scale) * weight


def _options(request: ProposeStep, scene: Scene, recalled: Recalled) -> list[tuple[float, Hypothesis, Recalled | None]]:
    """Options from a recalled change: the change itself; of a first solution, its model as an ensemble member."""
    several = len(recalled.hypotheses) > 1
    parts = [each for each in recalled.hypotheses if not several or _begins(each)]
    found = [_option(request, scene, recalled, each) for each in parts]
    return [each for each in found if each is not None]


def _begins(hypothesis: Hypothesis) -> bool:
    """Whether the hypothesis sets the model family of a first solution."""
    found = move_of(hypothesis)
    return found is not None and found[0].challenge == captions.FIRST


def _option(
    request: ProposeStep, scene: Scene, recalled: Recalled, hypothesis: Hypothesis
) -> tuple[float, Hypothesis, Recalled | None] | None:
    """A recalled change as an option, if it is untried here, applies to this solution and is not too slow; else None.

    The first model of another trace does not replace the present one: it is added as an ensemble member.
    """
    if _begins(hypothesis):
        hypothesis = _as_member(recalled, hypothesis, scene)
    found = move_of(hypothesis)
    if found is None:
        return None
    move, subject = found
    plan = move.edit(scene.plan, subject)
    if hypothesis.key in {*scene.tried, *request.rejected} or plan == scene.plan or not affordable(scene, plan):
        return None
    if any(hypothesis.key == each.key for step in request.underway for each in step.hypotheses):
        return None
    if imported(scene.task, scene.profile, plan, scene.avoid):
        return None
    if next(iter(move.choices(scene)), None) is None:
        return None  # the move does not apply to this solution or to the data
    if recalled.gain <= 0 and move.name != "member":
        return None
    expected = _TRUST_IN_RECALL * recalled.gain if recalled.gain > 0 else hypothesis.expected_gain
    hypothesis = hypothesis.model_copy(update={"expected_gain": float(f"{expected:.3g}")})
    return 1.5 * _promise(request, scene, hypothesis), hypothesis, recalled


def _as_member(recalled: Recalled, first: Hypothesis, scene: Scene) -> Hypothesis:
    """Another trace's first model as an ensemble member; the worse its score, the lower the expected gain."""
    family = first.direction
    behind = scene.loss(recalled.score) / scene.scale - 1.0
    gain = 0.03 * min(1.0, max(0.2, 1.0 - 5.0 * behind))
    return first.model_copy(
        update={
            "component": "Ensemble",
            "parameter": "member",
            "statement": f"Averaging with the other team's model ({family}) evens out errors not shared.",
            "challenge": captions.ONE_VIEW,
            "expected_gain": gain * scene.scale,
        }
    )


def _choose_root(
    request: ProposeStep, candidates: Sequence[Hypothesis], scene: Scene, order: int, judgement: Judgement
) -> Chosen:
    """All candidates suitable for a first solution, with a family that no sibling has started with, if there is one."""
    taken = {sibling.direction for sibling in request.siblings if sibling.parameter == "family"}
    safe = [each for each in candidates if judgement.choose(_at_root(each), (True, False))]
    families = [each for each in safe if each.parameter == "family"]
    first = [families[0]] if families and families[0].direction not in taken else _first(request, scene, taken, order)
    if first and judgement.fails():
        first = [judgement.rng.choice(_families(scene, first[0]))]
    rest = [each for each in safe if each.parameter != "family"]
    chosen = tuple(_compatible([*first, *rest] or list(candidates)))
    others = f"; siblings began with {', '.join(sorted(taken))}" if taken else ""
    reason = f"The first solution takes what is safe and goes together{others}."
    return Chosen(chosen, None, reason, _sketch(scene, chosen))


def _at_root(hypothesis: Hypothesis) -> bool:
    """Whether a first solution may include the hypothesis; one that is not in the catalogue may always."""
    found = move_of(hypothesis)
    return found is None or found[0].at_root


def _first(request: ProposeStep, scene: Scene, taken: set[str], number: int) -> list[Hypothesis]:
    """A first model, in the trace's order of families; families that siblings have taken come last."""
    fitting = {play.move.direction: play for play in playable(scene) if play.move.name == "family"}
    known = (family for family in family_order(number, request.profile) if family in fitting)
    rejected = {direction for _, name, direction in request.rejected if name == "family"}
    order: list[str] = [family for family in known if family not in rejected and may_begin(scene, family)]
    order.sort(key=lambda family: family in taken)
    return [hypothesis_of(scene, fitting[family], captions.FIRST, fitting[family]) for family in order[:1]]


def _families(scene: Scene, right: Hypothesis) -> list[Hypothesis]:
    """Every applicable first model, with the figures of the right one."""
    figures = {name: getattr(right, name) for name in _FIGURES}
    fitting = [play for play in playable(scene) if play.move.name == "family"]
    found = [hypothesis_of(scene, play, captions.FIRST, play).model_copy(update=figures) for play in fitting]
    return found or [right]


def _compatible(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """The first hypothesis for each component and parameter: two directions of one parameter exclude each other."""
    chosen: dict[tuple[str, str], Hypothesis] = {}
    for hypothesis in hypotheses:
        chosen.setdefault((hypothesis.component, hypothesis.parameter), hypothesis)
    return list(chosen.values())


def _why(request: ProposeStep, chosen: Hypothesis, origin: Recalled | None) -> str:
    if origin is not None:
        return (
            f"It brought trace {origin.trace} a gain of {plain(origin.gain, 3, signed=True)} at step {origin.step} and "
            f"is untried here; {plain(chosen.expected_gain, 2, signed=True)} expected in the {request.stage} stage."
        )
    return (
        f"It promises most in the {request.stage} stage: {plain(chosen.expected_gain, 2, signed=True)} of "
        f"{request.task.metric} expected."
    )


def _sketch(scene: Scene, hypotheses: tuple[Hypothesis, ...]) -> str:
    """The sketch in a few lines: current state, modifications, structure, plan and packages."""
    state = _state(scene.plan) if scene.evaluation is not None else "no solution yet"
    changes = "; ".join(f"{each.parameter} {each.direction}" for each in hypotheses)
    packages = "numpy, pandas, scikit-learn" + (", torch" if "network" in scene.plan.models else "")
    return (
        f"Current state: {state}.\nModifications: {changes}.\n"
        f"Structure: features, models, fit_predict and main stay as they are otherwise.\n"
        f"Plan: change only what the hypothesis says, one fit on the training rows as before.\nPackages: {packages}."
    )


def _state(plan: Plan) -> str:
    return f"{' + '.join(plan.models)} on the {plan.target} target, {plan.size} choices away from the default"
