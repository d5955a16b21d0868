"""What must hold of the method's formulas whatever they are given; `test_formulas.py` has their values by hand."""

import math
from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.agents.method.momentum import draw, interaction, signed_gain
from gome.agents.method.scoring import draw_by_rank, overall_score, same_idea, top_candidates
from gome.agents.method.stages import scenario_share, stage_of, wanted_sources
from gome.agents.method.validation import compare
from gome.agents.protocol.messages import Diagnosis, Recollection, StepOpened
from gome.agents.protocol.run_messages import RunOpened
from gome.agents.protocol.types import Hypothesis, Scores
from gome.agents.roles.memory_keeper import MemoryKeeper
from gome.bus.message import Envelope
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.config.method import Method
from gome.scenarios.evidence import Direction
from tests.agents.helpers.evaluations import evaluation
from tests.agents.helpers.requests_made import EVALUATION, PROFILE, TASK, WORKPLACE

METHOD = Method()
COUNTS = st.integers(0, 60)
FIVE = st.tuples(*[st.integers(1, 10)] * 5)


def hypothesis(parameter: str, direction: str = "up", values: tuple[int, ...] = (5, 5, 5, 5, 5)) -> Hypothesis:
    return Hypothesis(
        statement=f"turn {parameter} {direction}",
        reason="",
        challenge="",
        component="Model",
        parameter=parameter,
        direction=direction,
        scores=scored(values),
    )


def scored(values: tuple[int, ...]) -> Scores:
    return Scores.model_validate(dict(zip(Scores.model_fields, values, strict=True)))


IDEAS = st.lists(
    st.builds(hypothesis, st.sampled_from("abcdefgh"), st.sampled_from(("up", "down")), FIVE), min_size=1, max_size=12
)


@given(COUNTS, COUNTS)
def test_the_schedule_only_ever_moves_from_the_task_to_the_feedback(accepted: int, refused: int) -> None:
    share = scenario_share(accepted, refused, METHOD)
    assert 0 <= share <= METHOD.scenario_weight
    assert scenario_share(accepted + 1, refused, METHOD) <= share
    assert scenario_share(accepted, refused + 1, METHOD) <= share
    assert wanted_sources(accepted, refused, METHOD), "some challenges are always asked for"


@given(st.floats(0, 1), st.floats(0, 1))
def test_stages_follow_each_other(one: float, other: float) -> None:
    order = ("draft", "improve", "ensemble")
    places = [order.index(stage_of(used, METHOD)) for used in sorted((one, other))]
    assert places == sorted(places)


@given(FIVE, st.integers(0, 4))
def test_a_score_lies_between_its_parts_and_grows_with_each(values: tuple[int, ...], part: int) -> None:
    score = overall_score(scored(values), METHOD.weights)
    assert min(values) - 1e-9 <= score <= max(values) + 1e-9
    if values[part] < 10:
        raised = (*values[:part], values[part] + 1, *values[part + 1 :])
        assert overall_score(scored(raised), METHOD.weights) > score


@given(IDEAS, IDEAS)
def test_candidates_are_few_distinct_and_best_first(ideas: list[Hypothesis], tried: list[Hypothesis]) -> None:
    kept = top_candidates(ideas, tried, METHOD)
    assert 1 <= len(kept) <= METHOD.candidates
    assert not any(same_idea(one, other, METHOD) for place, one in enumerate(kept) for other in kept[:place])
    given_scores = [each.scores for each in kept if each.scores is not None]
    assert len(given_scores) == len(kept)
    overall = [overall_score(each, METHOD.weights) for each in given_scores]
    assert overall == sorted(overall, reverse=True)
    for each, scores in zip(kept, given_scores, strict=True):
        repeated = any(each.key == before.key for before in tried)  # here one key has one wording
        assert (scores.novelty == 1) or not repeated


@given(IDEAS, st.integers(0, 3), st.integers(0, 2**31 - 1))
def test_rank_mode_draws_one_of_the_candidates(ideas: list[Hypothesis], share: int, seed: int) -> None:
    chosen = draw_by_rank(ideas, {}, share, METHOD, seed)
    assert chosen in ideas
    assert chosen == draw_by_rank(ideas, {}, share, METHOD, seed)


UNITS = st.lists(st.floats(-1, 1), min_size=2, max_size=5)


@given(UNITS, st.floats(-5, 5), st.integers(0, 100), st.floats(0.01, 5))
def test_what_has_proven_better_is_likelier_in_either_direction(
    likeness: list[float], best: float, length: int, more: float
) -> None:
    """Of two ideas as alike to a challenge, the one with the better score is drawn at least as often."""
    challenges = np.ones((1, 1))
    accepted = np.array([[likeness[0]], [likeness[0]]])
    directions: tuple[tuple[Direction, float], ...] = (("maximize", best + more), ("minimize", best - more))
    for direction, better in directions:
        gains = [signed_gain(score, best, direction) for score in (better, best)]
        row = interaction(challenges, accepted, gains, length, METHOD).tolist()[0]
        assert row[0] >= row[1]


@given(UNITS, st.integers(0, 100))
def test_likeness_fades_with_the_path_and_utilities_are_bounded(likeness: list[float], length: int) -> None:
    candidates = np.ones((1, 1))
    accepted = np.array(likeness, dtype=float)[:, None]

    def spread(steps: int) -> float:
        row = interaction(candidates, accepted, None, steps, METHOD).tolist()[0]
        return math.log(max(row) / min(row))

    assert spread(length + 1) <= spread(length) + 1e-9
    assert spread(length) <= 2 * METHOD.clamp + 1e-9


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=5, max_size=5), min_size=1, max_size=5), COUNTS)
def test_a_candidate_draws_no_more_than_its_share(rows: list[list[float]], seed: int) -> None:
    weights = np.array(rows, dtype=float)
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    assert len(draw(probabilities[:1], 1, 5, seed)) == 1
    assert len(draw(probabilities, 2, 3, seed)) <= min(3, 2 * len(rows))
    assert draw(probabilities, 0, 3, seed) == {}


@given(st.lists(st.floats(0.1, 2), min_size=3, max_size=6), st.floats(0, 1), st.floats(0, 3))
def test_a_near_tie_is_what_lies_within_so_many_errors(gains: list[float], shift: float, near_tie: float) -> None:
    ours = evaluation(*(gain - shift for gain in gains))
    theirs = evaluation(*(0.0 for _ in gains))
    effect = compare(ours, theirs, "maximize", near_tie)
    assert effect is not None
    assert effect.standard_error is not None
    within = abs(effect.gain) < near_tie * effect.standard_error or effect.gain == 0.0
    assert (effect.verdict == "near-tie") == within
    if not within:
        assert effect.verdict == ("better" if effect.gain > 0 else "worse")


def said(message: Any, seq: int, trace: int | None, step: int | None) -> Envelope:
    return Envelope(f"m{seq}", seq, "run", "x", trace, step, None, "c", float(seq), message)


def opened() -> RunOpened:
    scenario = {
        "name": "memory",
        "task": "made-up",
        "backends": {"expert": {"kind": "expert"}},
        "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "expert"),
    }
    return RunOpened(
        version="0", name="memory", scenario=scenario, scenario_path="", task_path="", task_digest="", task=TASK,
        profile=PROFILE, workplace=WORKPLACE, reasoners={}, baseline=1.0,
        splits=tuple(f"split-{number}" for number in range(5)),
    )  # fmt: skip


def trial(step: int, verdict: str, score: float) -> Diagnosis:
    return Diagnosis.model_validate(
        {
            "verdict": verdict, "layer": "analysis", "reason": "", "observations": "", "hypothesis_verdict": None,
            "hypotheses": (hypothesis(f"idea {step}"),), "challenges": (), "script_ref": f"script {step}",
            "submission_ref": "s", "evaluation": EVALUATION.model_copy(update={"score": score, "folds": (score,) * 5}),
            "seconds": 1.0, "score": None if verdict == "failed" else score,
            "erased": False, "effect": None,
        }
    )  # fmt: skip


class NoContext:
    """Hashed words need no activity."""

    async def perform(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing is asked of the world")


VERDICTS = st.lists(
    st.tuples(st.sampled_from(("accepted", "rejected", "failed")), st.floats(0.1, 1.0)), min_size=1, max_size=6
)


@settings(max_examples=30)
@given(trials=VERDICTS)
def test_what_was_rejected_is_never_recalled(
    tmp_path_factory: pytest.TempPathFactory, trials: list[tuple[str, float]]
) -> None:
    keeper = MemoryKeeper(Artefacts(tmp_path_factory.getbasetemp()))
    keeper.apply(said(opened(), 1, None, None))
    for step, (verdict, score) in enumerate(trials, 1):
        keeper.apply(said(trial(step, verdict, score), step + 1, step % 2, step))
    accepted = {f"idea {step}": score for step, (verdict, score) in enumerate(trials, 1) if verdict == "accepted"}
    recalled = {each.hypotheses[0].parameter: each for each in recollected(keeper, trace=2).recalled}
    assert set(recalled) <= set(accepted)
    assert bool(recalled) == bool(accepted)
    assert len(recalled) <= METHOD.recalled + 1
    leaders = [each for each in recalled.values() if each.why == "global-best"]
    assert [each.score for each in leaders] == ([min(accepted.values())] if accepted else [])


@settings(max_examples=30)
@given(trials=VERDICTS)
def test_a_trace_is_recalled_what_others_found_alone(
    tmp_path_factory: pytest.TempPathFactory, trials: list[tuple[str, float]]
) -> None:
    keeper = MemoryKeeper(Artefacts(tmp_path_factory.getbasetemp()))
    keeper.apply(said(opened(), 1, None, None))
    scores: dict[int, list[float]] = {0: [], 1: []}
    for step, (verdict, score) in enumerate(trials, 1):
        keeper.apply(said(trial(step, verdict, score), step + 1, step % 2, step))
        scores[step % 2] += [score] if verdict == "accepted" else []
    known = recollected(keeper, trace=0)
    assert {each.trace for each in known.recalled} <= {1}
    assert bool(known.recalled) == bool(scores[1])
    # The best of all is named as such only where it is another's; a trace's best is what it accepted last.
    others = min(scores[1], default=None)
    leads = others is not None and (not scores[0] or others < scores[0][-1])
    assert [each.score for each in known.recalled if each.why == "global-best"] == ([others] if leads else [])


def recollected(keeper: MemoryKeeper, trace: int) -> Recollection:
    """What the keeper answers to a step of that trace."""
    asked = said(StepOpened(used=0.5, stage="improve"), 99, trace, 99)
    keeper.apply(asked)
    context: Any = NoContext()
    (answer,) = anyio.run(keeper.handle, asked, context)
    assert isinstance(answer.message, Recollection)
    return answer.message
