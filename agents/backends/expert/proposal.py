"""The expert as Proposer: a hypothesis for each challenge, in words and with figures."""

from collections.abc import Sequence

from agents.backends.expert import captions
from agents.backends.expert.catalogue import learnt, playable, plays
from agents.backends.expert.cost import aim
from agents.backends.expert.diagnosis import foremost
from agents.backends.expert.judgement import Judgement
from agents.backends.expert.moves import Play
from agents.backends.expert.plan import read_plan
from agents.backends.expert.root import family_order, starting_plan
from agents.backends.expert.scene import Scene
from agents.ideas import Challenge, Hypothesis, Score, Scores
from agents.requests import Hypotheses, ProposeHypotheses, SelectHypothesis

__all__ = ["hypothesis_of", "propose", "scene_of"]

_MOST = 10


def propose(request: ProposeHypotheses, judgement: Judgement) -> Hypotheses:
    """One hypothesis for each challenge that something can be done about; at the root the trace's own family first.

    Where judgement fails it is any move that can be played, tried in vain or not, told with the figures that the right
    challenges would have had in this order.
    """
    scene = scene_of(request)
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


def scene_of(request: ProposeHypotheses | SelectHypothesis) -> Scene:
    """What there is to judge when ideas are proposed or one is selected: the incumbent, or what a root begins with."""
    incumbent = request.incumbent
    refused = request.refused if isinstance(request, ProposeHypotheses) else ()
    if incumbent is None:
        plan = starting_plan(request.task, request.profile)
        return Scene(request.task, request.profile, plan, None, 0.0, request.workplace, request.history, refused)
    plan = read_plan(incumbent.script) or starting_plan(request.task, request.profile, incumbent.script)
    return Scene(
        request.task,
        request.profile,
        plan,
        incumbent.evaluation,
        incumbent.seconds,
        request.workplace,
        request.history,
        refused,
        request.baseline if isinstance(request, ProposeHypotheses) else None,
    )
