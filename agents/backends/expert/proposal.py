"""The expert as Proposer: a hypothesis for each challenge, and the one that a step implements."""

from collections.abc import Sequence

from agents.backends.expert import captions
from agents.backends.expert.catalogue import learnt, move_of, playable, plays
from agents.backends.expert.cost import affordable, aim
from agents.backends.expert.diagnosis import foremost
from agents.backends.expert.judgement import Judgement
from agents.backends.expert.moves import Play
from agents.backends.expert.plan import Plan, read_plan
from agents.backends.expert.root import family_order, starting_plan
from agents.backends.expert.scene import Scene
from agents.ideas import Challenge, Hypothesis, Recalled, Score, Scores
from agents.requests import Hypotheses, ProposeHypotheses, SelectHypothesis, Selection

__all__ = ["hypothesis_of", "propose", "select"]

_MOST = 10
_TRUST_IN_RECALL = 0.7
_TIRED = 0.3
_ALIKE = 0.5


def propose(request: ProposeHypotheses, judgement: Judgement) -> Hypotheses:
    """One hypothesis for each challenge that something can be done about; at the root the trace's own family first.

    Where judgement fails it is any move that can be played, tried in vain or not, told with the figures that the right
    challenges would have had in this order.
    """
    scene = _scene(request)
    anything = playable(scene)
    available = [play for play in anything if play.key not in scene.refuted]
    if request.incumbent is None:
        available = _begin_with(family_order(request.trace, request.profile)[0], available)
    confident = _confident(scene, request.challenges)
    hypotheses: list[Hypothesis] = []
    for place, challenge in enumerate(request.challenges):
        used = {hypothesis.key for hypothesis in hypotheses}
        right = _answer(challenge, [play for play in available if play.key not in used])
        others = [play for play in anything if play.key not in used]
        if right is not None and not judgement.fails():
            hypotheses.append(hypothesis_of(scene, right, challenge.caption, right))
        elif right is not None and others:
            spoken_for = confident[place] if place < len(confident) else right
            hypotheses.append(hypothesis_of(scene, judgement.chance.choice(others), challenge.caption, spoken_for))
    if not hypotheses:
        hypotheses = _without_challenges(scene, available, judgement)
    return Hypotheses(hypotheses=tuple(hypotheses[:_MOST]))


def select(request: SelectHypothesis, judgement: Judgement) -> Selection:
    """The hypothesis of this step: at the root all that go together, later the one that promises most.

    Where judgement fails it is any candidate, without a look at memory, told with the figures of the right one.
    """
    scene = _scene(request)
    if request.incumbent is None:
        return _select_root(request, scene, judgement)
    options: list[tuple[float, Hypothesis, Recalled | None]] = [
        (_promise(request, scene, each), each, None) for each in request.candidates
    ]
    options += [option for each in request.recalled if (option := _recalled(request, scene, each)) is not None]
    _, chosen, origin = _foremost(request, options)
    if judgement.fails():
        figures = {"scores": chosen.scores, "expected_gain": chosen.expected_gain}
        chosen, origin = judgement.chance.choice(request.candidates).model_copy(update=figures), None
    return Selection(
        action="select" if origin is None or chosen == origin.hypothesis else "modify",
        hypotheses=(chosen,),
        origin=origin.id if origin else None,
        reason=_why(request, chosen, origin),
        sketch=_sketch(scene, (chosen,)),
    )


def _scene(request: ProposeHypotheses | SelectHypothesis) -> Scene:
    incumbent = request.incumbent
    refused = request.refused if isinstance(request, ProposeHypotheses) else ()
    if incumbent is None:
        plan = starting_plan(request.task, request.profile)
        return Scene(request.task, request.profile, plan, None, 0.0, request.workplace, request.history, refused)
    plan = read_plan(incumbent.script) or starting_plan(request.task, request.profile, incumbent.script)
    evaluation, seconds = incumbent.evaluation, incumbent.seconds
    return Scene(request.task, request.profile, plan, evaluation, seconds, request.workplace, request.history, refused)


def _foremost(
    request: SelectHypothesis, options: list[tuple[float, Hypothesis, Recalled | None]]
) -> tuple[float, Hypothesis, Recalled | None]:
    """What promises most. Where several promise about as much, each trace takes another, so that memory gets to know
    more than one."""
    ranked = sorted(options, key=lambda option: -option[0])
    alike = [option for option in ranked if option[0] >= _ALIKE * ranked[0][0]]
    return alike[request.trace % len(alike)]


def _confident(scene: Scene, asked: Sequence[Challenge]) -> list[Play]:
    """What would be spoken for at full skill, in this order: the right plays of the challenges' sources."""
    sources = tuple(dict.fromkeys(challenge.source for challenge in asked))
    return [play for _, right in foremost(scene, sources) for play in right[: len(asked)]]


def _begin_with(family: str, available: list[Play]) -> list[Play]:
    """The plays without first models of another family than the trace's own."""
    return [play for play in available if play.move.challenge != captions.FIRST or play.move.direction == family]


def _answer(challenge: Challenge, available: list[Play]) -> Play | None:
    """The best move of a challenge, or the nearest to it."""
    fitting = [play for play in available if play.move.challenge == challenge.caption]
    return fitting[0] if fitting else _nearest(challenge, available)


def _nearest(challenge: Challenge, available: list[Play]) -> Play | None:
    """For a challenge in somebody else's words: the best move that shares a word with it, else the best of all."""
    told = {
        word
        for word in f"{challenge.caption} {challenge.category} {challenge.statement}".lower().split()
        if len(word) > 4
    }
    for play in available:
        words = f"{play.move.challenge} {play.move.name} {play.move.statement}".lower()
        if any(word in words for word in told):
            return play
    return available[0] if available else None


def _without_challenges(scene: Scene, available: list[Play], judgement: Judgement) -> list[Hypothesis]:
    """Where no challenge can be answered: what still promises most, or the least bad of what was refuted."""
    if available:
        chosen = judgement.choose(available[0], available)
        return [hypothesis_of(scene, chosen, chosen.move.challenge, available[0])]
    fresh = Scene(scene.task, scene.profile, scene.plan, scene.evaluation, 0.0, None, ())
    again = plays(fresh)
    return [hypothesis_of(scene, again[0], again[0].move.challenge, again[0])]


def hypothesis_of(scene: Scene, play: Play, caption: str, spoken_for: Play) -> Hypothesis:
    """A play in words. Where judgement failed it speaks with the figures of `spoken_for`, the right one."""
    return Hypothesis(
        statement=play.move.says(play.choice.subject),
        reason=play.choice.reason,
        challenge=caption,
        component=play.move.component,
        parameter=play.move.parameter(play.choice.subject),
        direction=play.move.direction,
        scores=_scores(scene, spoken_for),
        expected_gain=_expected(scene, spoken_for),
    )


def _expected(scene: Scene, play: Play) -> float:
    return float(f"{play.choice.gain * learnt(scene, play.move.component) * scene.scale:.3g}")


def _scores(scene: Scene, spoken_for: Play) -> Scores:
    share = spoken_for.choice.gain * learnt(scene, spoken_for.move.component)
    cost = spoken_for.seconds / max(1e-9, aim(scene))
    siblings = {(component, parameter) for component, parameter, _ in scene.tried}
    novelty, why = 8, "not tried on this path"
    if spoken_for.key in scene.tried:
        novelty, why = 1, "this path has tried it before"
    elif spoken_for.key[:2] in siblings:
        novelty, why = 5, "the other direction was tried on this path"
    return Scores(
        impact=_score(2 + 200 * share, f"about {share:.1%} of the loss"),
        alignment=_score(9 if spoken_for.move.challenge != captions.USELESS else 7, spoken_for.choice.reason),
        novelty=_score(novelty, why),
        feasibility=_score(10 - 5 * cost, f"an estimated {spoken_for.seconds:.1f} s a run"),
        risk_reward=_score(spoken_for.move.safety, "how rarely such a change harms"),
    )


def _score(value: float, reason: str) -> Score:
    return Score(value=min(10, max(1, round(value))), reason=reason)


def _promise(request: SelectHypothesis, scene: Scene, hypothesis: Hypothesis) -> float:
    """The expected gain, weighed by stage, novelty and safety."""
    found = move_of(hypothesis)
    weight = 0.5 + hypothesis.scores.risk_reward.value / 20
    if hypothesis.scores.novelty.value == 1:
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
    return max(hypothesis.expected_gain, 1e-9 * scene.scale) * weight


def _recalled(
    request: SelectHypothesis, scene: Scene, recalled: Recalled
) -> tuple[float, Hypothesis, Recalled | None] | None:
    """What another trace found to work, where it is untried here, fits this solution and is not too slow.

    Another trace's first model is not taken over but joined: its family becomes a member beside the present one.
    """
    hypothesis = recalled.hypothesis
    if recalled.trace == request.trace:
        return None
    found = move_of(hypothesis)
    if found is None:
        return None
    move, subject = found
    if move.challenge == captions.FIRST:
        hypothesis = _as_member(recalled, scene)
        found = move_of(hypothesis)
        if found is None:
            return None
        move, subject = found
    plan = move.edit(scene.plan, subject)
    if hypothesis.key in scene.tried or plan == scene.plan or not affordable(scene, plan):
        return None
    if next(iter(move.choices(scene)), None) is None:
        return None  # what it turns is not in this solution, or the data do not ask for it
    if recalled.gain <= 0 and move.name != "member":
        return None
    expected = _TRUST_IN_RECALL * recalled.gain if recalled.gain > 0 else hypothesis.expected_gain
    hypothesis = hypothesis.model_copy(update={"expected_gain": float(f"{expected:.3g}")})
    return 1.5 * _promise(request, scene, hypothesis), hypothesis, recalled


def _as_member(recalled: Recalled, scene: Scene) -> Hypothesis:
    """Another trace's first model as a member of an ensemble; the further it is behind, the less it promises."""
    family = recalled.hypothesis.direction
    behind = scene.loss(recalled.score) / scene.scale - 1.0
    gain = 0.03 * min(1.0, max(0.2, 1.0 - 5.0 * behind))
    return recalled.hypothesis.model_copy(
        update={
            "component": "Ensemble",
            "parameter": "member",
            "statement": f"Averaging with the other team's model ({family}) evens out errors not shared.",
            "challenge": captions.ONE_VIEW,
            "expected_gain": gain * scene.scale,
        }
    )


def _select_root(request: SelectHypothesis, scene: Scene, judgement: Judgement) -> Selection:
    """All candidates that may stand in a first solution, with a family that no sibling has begun with."""
    taken = {sibling.direction for sibling in request.siblings if sibling.parameter == "family"}
    safe = [each for each in request.candidates if judgement.choose(_at_root(each), (True, False))]
    families = [each for each in safe if each.parameter == "family"]
    first = [families[0]] if families and families[0].direction not in taken else _first(request, scene, taken)
    if first and judgement.fails():
        first = [judgement.chance.choice(_families(scene, first[0]))]
    rest = [each for each in safe if each.parameter != "family"]
    chosen = _compatible([*first, *rest] or list(request.candidates))
    others = f"; siblings began with {', '.join(sorted(taken))}" if taken else ""
    return Selection(
        action="root",
        hypotheses=tuple(chosen),
        reason=f"The first solution takes what is safe and goes together{others}.",
        sketch=_sketch(scene, tuple(chosen)),
    )


def _at_root(hypothesis: Hypothesis) -> bool:
    """Whether a first solution may hold it; what is none of the catalogue's is somebody else's to answer for."""
    found = move_of(hypothesis)
    return found is None or found[0].at_root


def _first(request: SelectHypothesis, scene: Scene, taken: set[str]) -> list[Hypothesis]:
    """A first model of a family that is not taken, in the trace's order; of a taken one where no other fits, if any."""
    fitting = {play.move.direction: play for play in playable(scene) if play.move.name == "family"}
    order: list[str] = [family for family in family_order(request.trace, request.profile) if family in fitting]
    order.sort(key=lambda family: family in taken)
    return [hypothesis_of(scene, fitting[family], captions.FIRST, fitting[family]) for family in order[:1]]


def _families(scene: Scene, right: Hypothesis) -> list[Hypothesis]:
    """Every first model that fits, told with the figures of the right one."""
    figures = {"scores": right.scores, "expected_gain": right.expected_gain}
    fitting = [play for play in playable(scene) if play.move.name == "family"]
    told = [hypothesis_of(scene, play, captions.FIRST, play).model_copy(update=figures) for play in fitting]
    return told or [right]


def _compatible(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """One hypothesis a key and parameter, in the given order: two directions of one parameter exclude each other."""
    chosen: dict[tuple[str, str], Hypothesis] = {}
    for hypothesis in hypotheses:
        chosen.setdefault((hypothesis.component, hypothesis.parameter), hypothesis)
    return list(chosen.values())


def _why(request: SelectHypothesis, chosen: Hypothesis, origin: Recalled | None) -> str:
    if origin is not None:
        return (
            f"It brought trace {origin.trace} a gain of {origin.gain:+.3g} at step {origin.step} and is untried here; "
            f"{chosen.expected_gain:+.2g} expected in the {request.stage} stage."
        )
    return (
        f"It promises most in the {request.stage} stage: {chosen.expected_gain:+.2g} of {request.task.metric} expected."
    )


def _sketch(scene: Scene, hypotheses: tuple[Hypothesis, ...]) -> str:
    """Current state, modifications, structure, plan and packages, in a few lines."""
    state = _state(scene.plan) if scene.evaluation is not None else "no solution yet"
    changes = "; ".join(f"{each.parameter} {each.direction}" for each in hypotheses)
    packages = "numpy, pandas, scikit-learn" + (", torch" if "network" in scene.plan.models else "")
    return (
        f"Current state: {state}.\nModifications: {changes}.\n"
        f"Structure: load, features, fit_predict and main stay as they are otherwise.\n"
        f"Plan: change only what the hypothesis says, one fit a fold as before.\nPackages: {packages}."
    )


def _state(plan: Plan) -> str:
    return f"{' + '.join(plan.models)} on the {plan.target} target, {plan.size} choices away from the default"
