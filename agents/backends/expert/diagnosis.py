"""The expert as Diagnoser: finds the challenges of a solution and assesses trials.

Challenges are derived from the moves that apply: moves are grouped by the caption of the challenge they address, and a
challenge weighs as much as its best move. Its reasoning is the evidence for which that move applies.
"""

from collections.abc import Iterable
from typing import Literal

from gome.agents.backends.expert.challenge_kinds import KINDS
from gome.agents.backends.expert.code.cost import script_seconds
from gome.agents.backends.expert.first_solution import starting_plan
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves import captions
from gome.agents.backends.expert.moves.catalogue import apply_hypothesis, learnt, move_of, plays
from gome.agents.backends.expert.moves.move import Play
from gome.agents.backends.expert.plan import SIZES, Plan, read_plan
from gome.agents.backends.expert.situation import Scene, since_accept
from gome.agents.protocol.replies import Assessment, Survey
from gome.agents.protocol.requests import AssessTrial, SurveyTask
from gome.agents.protocol.types import Challenge, HypothesisVerdict, Source, TrialNote
from gome.scenarios.figures import plain

__all__ = ["assess", "challenges", "foremost", "survey"]

Alignment = Literal["aligned", "mild", "severe"]


_MEASURED = frozenset({captions.OVERFIT, captions.UNDERFIT, captions.CONFIDENCE, captions.SLICE})
"""Captions that need the evidence of trials, so that task and solution alone do not suggest them."""
_MOST = 5
_ALIGNED: tuple[Alignment, str] = (
    "aligned",
    "the splits are the harness's, encodings are fitted on training rows, the metric is the task's",
)


def survey(request: SurveyTask, judgement: Judgement) -> Survey:
    """The challenges of the task itself, before the first trial."""
    scene = Scene(request.task, request.profile, starting_plan(request.task, request.profile))
    return Survey(challenges=challenges(scene, ("scenario",), judgement))


def assess(request: AssessTrial, judgement: Judgement) -> Assessment:
    """Assess a trial, and find the challenges of the better one of the trial and the trace's best."""
    accept, reason = _decided(request, judgement)
    alignment, doubt = judgement.choose(_alignment(request), (_ALIGNED,))
    untested = request.same or _untested(request)
    confirmed: HypothesisVerdict = "untested" if untested else _verdict(request)
    scene = _scene_of(request, _stays(request, accept))
    return Assessment(
        alignment=alignment,
        accept=accept,
        reason=reason if alignment == "aligned" else doubt,
        observations=_observations(request),
        finding="" if untested else _finding(request),
        hypothesis_verdict=judgement.choose(confirmed, ("confirmed", "refuted", "inconclusive")),
        challenges=challenges(scene, request.wanted, judgement),
    )


def challenges(scene: Scene, sources: Iterable[Source], judgement: Judgement) -> tuple[Challenge, ...]:
    """At most five challenges of each source, most important first.

    Where judgement fails, another challenge takes the place of the right one, with the figures of the right one. The
    judgement is about the order alone: challenges that the data rule out are excluded at any skill.
    """
    found: list[Challenge] = []
    for source, right in foremost(scene, sources, plays(scene)):
        by_caption = {play.move.challenge: play for play in right}
        ranked = judgement.rank(list(by_caption))
        for caption, spoken_for in list(zip(ranked, right, strict=True))[:_MOST]:
            found.append(_challenge(scene, source, by_caption[caption], spoken_for))
    return tuple(found)


def foremost(scene: Scene, sources: Iterable[Source], worth: list[Play]) -> list[tuple[Source, list[Play]]]:
    """For each source the first of `worth` for each caption, most important first; no caption is in two sources.

    The source `scenario` excludes the captions that need measurements (`_MEASURED`). Before the first solution, those
    captions come first that a first solution can address.
    """
    used: set[str] = set()
    found: list[tuple[Source, list[Play]]] = []
    for source in sources:
        best: dict[str, Play] = {}
        for play in worth:
            caption = play.move.challenge
            if caption not in used and (source == "feedback" or caption not in _MEASURED):
                best.setdefault(caption, play)
        ranked = list(best.values())
        if scene.evaluation is None:
            ranked.sort(key=lambda play: (play.move.challenge != captions.FIRST, not play.move.at_root))
        used.update(play.move.challenge for play in ranked[:_MOST])
        found.append((source, ranked))
    return found


def _challenge(scene: Scene, source: Source, play: Play, spoken_for: Play) -> Challenge:
    kind, share = KINDS[play.move.challenge], spoken_for.choice.gain
    gain = share * learnt(scene, spoken_for.move.component) * scene.scale
    return Challenge(
        source=source,
        category=kind.category,
        caption=play.move.challenge,
        statement=kind.statement,
        reasoning=play.choice.reason,
        metric_impact=f"about {plain(gain, 2)}, {share:.1%} of the loss",
    )


def _scene_of(request: AssessTrial, trial_is_kept: bool) -> Scene:
    """Scene of the better solution, with the current trial added to the history."""
    incumbent = request.incumbent
    own = TrialNote(
        trace=request.trace,
        step=request.step,
        hypotheses=request.hypotheses,
        score=request.evaluation.score if request.evaluation else None,
        gain=request.effect.gain if request.effect else None,
        accepted=trial_is_kept,
        reason="",
        observations="",
        untested=request.same or _untested(request),
    )
    script, evaluation, seconds = request.script, request.evaluation, request.seconds
    if not trial_is_kept:
        script = incumbent.script if incumbent else ""
        evaluation = incumbent.evaluation if incumbent else None
        seconds = incumbent.seconds if incumbent else 0.0
    plan = read_plan(script) or starting_plan(request.task, request.profile, script)
    history = (*since_accept(request.history), own)
    return Scene(
        request.task, request.profile, plan, evaluation, seconds, None, history, request.refused, request.baseline
    )


def _sound(request: AssessTrial) -> bool:
    return request.evaluation is not None and request.evaluation.valid and request.evaluation.score is not None


def _stays(request: AssessTrial, accept: bool) -> bool:
    """Whether the trial will become the trace's best, given the harness's figures and this judgement."""
    if not _sound(request) or _alignment(request)[0] == "severe":
        return False
    return accept if request.accepted is None else request.accepted


def _decided(request: AssessTrial, judgement: Judgement) -> tuple[bool, str]:
    """Whether to accept the trial, and why; where judgement fails, a random decision stated with equal confidence."""
    right = _decide(request)
    if not judgement.fails():
        return right
    accept = judgement.rng.random() < 0.5
    if accept == right[0]:
        return right
    return (True, "what it changes is sound and will pay") if accept else (False, "what it changes will not hold up")


def _decide(request: AssessTrial) -> tuple[bool, str]:
    """Whether to accept the trial, and why. In a near-tie: accept a gain that costs little, or a simpler solution."""
    if not _sound(request):
        return False, f"it has no score: {request.words}"
    effect = request.effect
    if effect is None or request.incumbent is None:
        behind = _behind_constant(request)
        return True, "it is the first valid solution of this trace" + (f", and {behind}" if behind else "")
    if effect.verdict != "near-tie":
        error = "" if effect.standard_error is None else f" at a standard error of {plain(effect.standard_error, 2)}"
        return effect.gain > 0, f"its gain over the splits is {plain(effect.gain, 4, signed=True)}{error}"
    old, new = _plan_or_default(request.incumbent.script), _plan_or_default(request.script)
    slower = _slower(request, old, new)
    noise = effect.standard_error or 0.0
    if effect.gain > 0.5 * noise:
        return (
            True,
            f"a gain of {plain(effect.gain, 3)} against an error of {plain(noise, 2)} is likelier real than not",
        )
    if effect.gain > 0 and slower <= (4.0 if _steadier(new, old) else 1.5):
        return True, f"it is no worse (gain {plain(effect.gain, 2)}) and takes {slower:.1f} times as long"
    if new.size < old.size and effect.gain > -0.25 * noise:
        return True, f"it is as good and simpler ({new.size} choices away from the default instead of {old.size})"
    cost = f"{new.size - old.size:+d} choices and {slower:.1f} times the time"
    return False, f"a gain of {plain(effect.gain, 2)} does not pay for {cost}"


def _behind_constant(request: AssessTrial) -> str:
    """States that the trial is worse than a constant prediction; empty if it is not."""
    return Scene(request.task, request.profile, Plan(), request.evaluation, baseline=request.baseline).behind_constant


def _slower(request: AssessTrial, old: Plan, new: Plan) -> float:
    """Run time of the trial relative to the best; estimated where time was not measured, as in lockstep."""
    if request.incumbent is not None and request.incumbent.seconds > 0:
        return request.seconds / request.incumbent.seconds
    scene = Scene(request.task, request.profile, old)
    return script_seconds(scene, new) / script_seconds(scene, old)


def _steadier(new: Plan, old: Plan) -> bool:
    """Whether more fits of the same models are averaged, which is hardly ever worse on new rows."""
    return new.models == old.models and new.bags > old.bags


def _plan_or_default(script: str) -> Plan:
    return read_plan(script) or Plan()


def _alignment(request: AssessTrial) -> tuple[Alignment, str]:
    """Whether validation can be trusted: not if the harness reports leaks, or the score is perfect."""
    evaluation = request.evaluation
    if evaluation is None:
        return "aligned", "nothing was predicted"
    if evaluation.leaks:
        return "mild", evaluation.leaks[0].message
    best = 0.0 if request.task.direction == "minimize" else 1.0
    if evaluation.score is not None and abs(evaluation.score - best) < 1e-9:
        return (
            "mild",
            f"a {request.task.metric} of {plain(evaluation.score, 4)} is perfect: a column may hold the answer",
        )
    return _ALIGNED


def _verdict(request: AssessTrial) -> Literal["confirmed", "refuted", "inconclusive"]:
    if not _sound(request) or request.effect is None:
        return "inconclusive"
    effect = request.effect
    if effect.verdict == "near-tie":
        return "inconclusive"
    return "confirmed" if effect.verdict == "better" else "refuted"


def _untested(request: AssessTrial) -> bool:
    """Whether repairs have left another script than the ideas' one: what it gained or lost is then not theirs.

    Sizes, such as fewer trees, may differ; the kinds of models, and all else that the plan says, may not.
    """
    if not request.repairs or request.incumbent is None:
        return False
    before, plan = read_plan(request.incumbent.script), read_plan(request.script)
    if before is None or plan is None:
        return False
    asked = before
    for hypothesis in request.hypotheses:
        scene = Scene(request.task, request.profile, asked, workplace=request.workplace)
        asked, _ = apply_hypothesis(asked, hypothesis, scene)
    if any(getattr(plan, name) != value for name, value in asked if name not in SIZES):
        return True
    moved = [name for name, value in asked if value != getattr(before, name)]
    return bool(moved) and all(getattr(plan, name) == getattr(before, name) for name in moved)


def _finding(request: AssessTrial) -> str:
    """One sentence about a clear effect; empty in a near-tie."""
    if request.effect is None or request.effect.verdict == "near-tie" or not request.hypotheses:
        return ""
    effect = request.effect
    turned = ", ".join(f"{each.parameter} {each.direction}" for each in request.hypotheses)
    return f"{turned}: a gain of {plain(effect.gain, 3, signed=True)}, beyond its error."


def _observations(request: AssessTrial) -> str:
    """At most three sentences: the score if it is below the constant's, the expected gain, the training loss."""
    evaluation = request.evaluation
    if not _sound(request) or evaluation is None or evaluation.score is None:
        return f"The script ended without a score ({request.cause}): {request.words}."
    metric = request.task.metric
    behind = _behind_constant(request)
    run = f"{len(evaluation.folds)} of {evaluation.planned}" if evaluation.partial else max(1, len(evaluation.folds))
    sentences = [f"{metric} is {plain(evaluation.score, 5)} over {run} splits, {behind}."] if behind else []
    if request.effect is not None:
        expected = sum(hypothesis.expected_gain for hypothesis in request.hypotheses)
        sentences.append(f"A gain of {plain(expected, 2, signed=True)} was expected.")
    plan = read_plan(request.script)
    scene = Scene(request.task, request.profile, plan or Plan(), evaluation)
    if scene.gap is not None:
        sentences.append(f"Training shows {max(0.0, 1 - scene.gap):.0%} of the validation loss.")
    elif found := [move for h in request.hypotheses if (move := move_of(h)) is not None]:
        sentences.append(f"The change was to {found[0][0].component}.")
    return " ".join(sentences)
