"""The expert as Proposer, first half: one hypothesis for each challenge, with scores and expected gain."""

from collections.abc import Sequence
from dataclasses import replace

from gome.agents.backends.expert.avoiding import barred, imported, left_out, permitted
from gome.agents.backends.expert.code.cost import aim, script_seconds
from gome.agents.backends.expert.diagnosis import foremost
from gome.agents.backends.expert.first_solution import family_order, starting_plan
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves import captions
from gome.agents.backends.expert.moves.catalogue import learnt, playable, plays
from gome.agents.backends.expert.moves.family import PORTFOLIO, WITHOUT, of_portfolio
from gome.agents.backends.expert.moves.move import Choice, Play
from gome.agents.backends.expert.plan import read_plan
from gome.agents.backends.expert.situation import Scene, since_accept
from gome.agents.protocol.hint import avoided
from gome.agents.protocol.requests import ProposeStep
from gome.agents.protocol.types import Challenge, Hypothesis, Key, Scores

__all__ = ["hypothesis_of", "ideas_of", "may_begin", "scene_of"]

_MOST = 10


def ideas_of(
    request: ProposeStep, found: Sequence[Challenge], order: int, judgement: Judgement
) -> tuple[Hypothesis, ...]:
    """One hypothesis for each challenge that a move addresses; in a first solution, only the family number `order`.

    Ideas that other steps are trying now are avoided as long as there are others. Where judgement fails, the hypothesis
    is any applicable move, even a refuted one, with the figures of the right challenge at this place. A solution that
    has what the user asks to avoid is first rid of it.
    """
    scene = scene_of(request)
    if (unwanted := left_out(scene.task, scene.profile, scene.plan, scene.avoid)) and request.base is not None:
        return (_rid(scene, unwanted),)
    every = [play for play in playable(scene) if play.key not in request.rejected]
    worth = [play for play in every if play.key not in scene.refuted]
    anything = _known(every, request.trace, judgement)
    available = [play for play in anything if play.key not in scene.refuted]
    if request.base is None:
        families = [each for each in family_order(order, request.profile) if may_begin(scene, each)]
        families = [each for each in families if ("Model", "family", each) not in request.rejected]
        preferred = [each for each in families if scene.prefers("family", each)]
        available = _begin_with(next(iter(preferred or families), None), available)
    else:
        underway = {each.key for step in request.underway for each in step.hypotheses}
        available = [play for play in available if play.key not in underway] or available
    confident = _confident(scene, found, worth)
    asked = _binding(scene)
    hypotheses: list[Hypothesis] = []
    for place, challenge in enumerate(found):
        used = {hypothesis.key for hypothesis in hypotheses}
        right = _answer(scene, asked, challenge, [play for play in available if play.key not in used])
        others = [play for play in anything if play.key not in used]
        if right is not None and not judgement.fails():
            hypotheses.append(hypothesis_of(scene, right, challenge.caption, right))
        elif right is not None and others:
            spoken_for = confident[place] if place < len(confident) else right
            hypotheses.append(hypothesis_of(scene, judgement.rng.choice(others), challenge.caption, spoken_for))
    if not hypotheses:
        open_plays = [play for play in available if _runs(scene, asked, play)]
        hypotheses = _without_challenges(scene, open_plays, request.rejected, judgement)
    return tuple(hypotheses[:_MOST])


def _known(found: list[Play], trace: int, judgement: Judgement) -> list[Play]:
    """The plays that the trace's expert knows; of families of a first solution, all."""
    return [
        play
        for play in found
        if play.move.challenge == captions.FIRST
        or judgement.knowledge.holds(trace, play.move.component, play.move.name, play.move.direction)
    ]


def _confident(scene: Scene, asked: Sequence[Challenge], worth: list[Play]) -> list[Play]:
    """The plays that full skill would choose, in this order: the right plays of the challenges' sources."""
    sources = tuple(dict.fromkeys(challenge.source for challenge in asked))
    return [play for _, right in foremost(scene, sources, worth) for play in right[: len(asked)]]


def _begin_with(family: str | None, available: list[Play]) -> list[Play]:
    """The plays without first models of other families."""
    return [play for play in available if play.move.challenge != captions.FIRST or play.move.direction == family]


def _rid(scene: Scene, unwanted: tuple[str, ...]) -> Hypothesis:
    """The solution without what the user asks to avoid."""
    plan = WITHOUT.edit(scene.plan, unwanted)
    words = f"Its script imports {', '.join(sorted(imported(scene.task, scene.profile, scene.plan, scene.avoid)))}."
    play = Play(WITHOUT, Choice(unwanted, 0.0, words), plan, script_seconds(scene, plan))
    return hypothesis_of(scene, play, WITHOUT.challenge, play)


def may_begin(scene: Scene, family: str) -> bool:
    """Whether a first solution may be of the family, by what the user asks to avoid."""
    members = of_portfolio(scene.plan) if family == PORTFOLIO else (family,)
    named = any(scene.avoids("family", each) for each in (family, *members))
    return not (named or scene.barred & set(members))


def _binding(scene: Scene) -> tuple[str, ...]:
    """What no script may import; nothing where no script of the expert does without it."""
    return () if imported(scene.task, scene.profile, scene.plan, scene.avoid) else scene.avoid


def _runs(scene: Scene, asked: tuple[str, ...], play: Play) -> bool:
    """Whether the script of a play is not refused for what it imports."""
    return not imported(scene.task, scene.profile, play.plan, asked)


def _answer(scene: Scene, asked: tuple[str, ...], challenge: Challenge, available: list[Play]) -> Play | None:
    """The best play for a challenge, or the one that matches its text best; none whose script would be refused."""
    while available:
        fitting = [play for play in available if play.move.challenge == challenge.caption]
        found = fitting[0] if fitting else _nearest(challenge, available)
        if found is None or _runs(scene, asked, found):
            return found
        available = [play for play in available if play is not found]
    return None


def _nearest(challenge: Challenge, available: list[Play]) -> Play | None:
    """For a challenge that the expert did not write: the best play that shares a word with it, else the best of all."""
    found = {
        word
        for word in f"{challenge.caption} {challenge.category} {challenge.statement}".lower().split()
        if len(word) > 4
    }
    for play in available:
        words = f"{play.move.challenge} {play.move.name} {play.move.statement}".lower()
        if any(word in words for word in found):
            return play
    return available[0] if available else None


def _without_challenges(
    scene: Scene, available: list[Play], rejected: tuple[Key, ...], judgement: Judgement
) -> list[Hypothesis]:
    """If no challenge can be addressed: the most promising play, or the best of the refuted ones."""
    if available:
        chosen = judgement.choose(available[0], available)
        return [hypothesis_of(scene, chosen, chosen.move.challenge, available[0])]
    fresh = Scene(scene.task, scene.profile, scene.plan, scene.evaluation, 0.0, None, (), avoid=scene.avoid)
    again = plays(replace(fresh, barred=scene.barred)) or plays(replace(fresh, avoid=()))
    again = [play for play in again if play.key not in rejected] or again
    return [hypothesis_of(scene, again[0], again[0].move.challenge, again[0])]


def hypothesis_of(scene: Scene, play: Play, caption: str, spoken_for: Play) -> Hypothesis:
    """The hypothesis of a play, with the figures of `spoken_for`: the right play where judgement failed."""
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
    novelty = 1 if spoken_for.key in scene.tried else 5 if spoken_for.key[:2] in siblings else 8
    return Scores(
        impact=_tenths(2 + 200 * share),
        alignment=9 if spoken_for.move.challenge != captions.USELESS else 7,
        novelty=novelty,
        feasibility=_tenths(10 - 5 * cost),
        risk_reward=_tenths(spoken_for.move.safety),
    )


def _tenths(value: float) -> int:
    return min(10, max(1, round(value)))


def scene_of(request: ProposeStep) -> Scene:
    """The scene in which a step is proposed: that of the base, or of the starting plan if there is no base."""
    base, history, asked = request.base, since_accept(request.history), avoided(request.hints)
    if base is None:
        plan = permitted(request.task, request.profile, starting_plan(request.task, request.profile), asked)
        return Scene(
            *(request.task, request.profile, plan, None, 0.0, request.workplace, history, request.refused),
            avoid=asked,
            prefer=_preferred(request),
            barred=barred(request.task, request.profile, plan, asked),
        )
    plan = read_plan(base.script) or starting_plan(request.task, request.profile, base.script)
    return Scene(
        request.task,
        request.profile,
        plan,
        base.evaluation,
        base.seconds,
        request.workplace,
        history,
        request.refused,
        request.baseline,
        asked,
        _preferred(request),
        barred(request.task, request.profile, plan, asked),
    )


def _preferred(request: ProposeStep) -> tuple[str, ...]:
    refused = avoided(request.hints)
    return tuple(word for hint in request.hints for word in hint.prefer if word not in refused)
