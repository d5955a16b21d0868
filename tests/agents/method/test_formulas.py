"""Each formula of the method against values computed by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.agents.method.embedding import unit_vectors
from gome.agents.method.momentum import draw, interaction, signed_gain
from gome.agents.method.scoring import compatible, draw_by_rank, overall_score, same_idea, top_candidates
from gome.agents.method.seeding import derive_seed
from gome.agents.method.stages import scenario_share, stage_of, wanted_sources
from gome.agents.protocol.types import Hypothesis, Scores
from gome.agents.state.memory_entries import in_errors
from gome.scenarios.config.method import Method

METHOD = Method()


def scores(impact: int, alignment: int = 5, novelty: int = 5, feasibility: int = 5, risk: int = 5) -> Scores:
    values = (impact, alignment, novelty, feasibility, risk)
    return Scores.model_validate(dict(zip(Scores.model_fields, values, strict=True)))


def hypothesis(parameter: str, impact: int = 5, novelty: int = 5) -> Hypothesis:
    return Hypothesis(
        statement=f"turn {parameter}",
        reason="",
        challenge="",
        component="Model",
        parameter=parameter,
        direction="up",
        scores=scores(impact, novelty=novelty),
    )


@pytest.mark.parametrize(
    ("accepted", "refused", "expected"),
    [(0, 0, 3), (1, 0, 3), (2, 1, 2), (0, 4, 2), (3, 0, 2), (4, 2, 1), (6, 0, 1), (8, 0, 0), (5, 9, 0)],
)
def test_schedule_moves_from_the_task_to_the_feedback(accepted: int, refused: int, expected: int) -> None:
    assert scenario_share(accepted, refused, METHOD) == expected


def test_each_number_of_the_schedule_is_a_setting() -> None:
    # w = ⌊(1·4 + 4·2) / 2⌋ = 6, m = 5 − ⌊6 / 2⌋
    method = Method(accepted_weight=1, refused_weight=4, schedule_slope=2, scenario_weight=5)
    assert scenario_share(4, 2, method) == 2


def test_sources_follow_the_schedule() -> None:
    assert wanted_sources(0, 0, METHOD) == ("scenario",)
    assert wanted_sources(2, 1, METHOD) == ("scenario", "feedback")
    assert wanted_sources(9, 9, METHOD) == ("feedback",)


@pytest.mark.parametrize(
    ("used", "stage"), [(0.0, "draft"), (0.099, "draft"), (0.1, "improve"), (0.7, "improve"), (0.71, "ensemble")]
)
def test_stage_borders(used: float, stage: str) -> None:
    assert stage_of(used, METHOD) == stage
    assert stage_of(used, METHOD, first=True) == "draft", "a trace without a solution has nothing to improve"


def test_score_weights_the_five_parts() -> None:
    # .4·10 + .2·8 + .2·6 + .1·4 + .1·2
    assert overall_score(scores(10, 8, 6, 4, 2), METHOD.weights) == pytest.approx(7.4)


def test_a_repeated_idea_loses_its_novelty_and_five_are_kept() -> None:
    # With novelty 10 → 1 the repeated idea falls by .2·9 = 1.8, below the same impact untried.
    ideas = [hypothesis("repeated", 9, 10), *(hypothesis(f"fresh-{index}", 7, 8) for index in range(6))]
    kept = top_candidates(ideas, [ideas[0]], METHOD)
    assert len(kept) == 5
    assert [each.parameter for each in kept] == [f"fresh-{index}" for index in range(5)]
    assert top_candidates(ideas, (), METHOD)[0].parameter == "repeated"


def test_one_candidate_an_idea() -> None:
    assert len(top_candidates([hypothesis("same"), hypothesis("same", 9)], (), METHOD)) == 1


def test_what_has_no_scores_comes_last() -> None:
    unscored = hypothesis("unscored").model_copy(update={"scores": None})
    kept = top_candidates([unscored, hypothesis("scored", 1, 1)], [unscored], METHOD)
    assert [each.parameter for each in kept] == ["scored", "unscored"]


def test_an_idea_is_its_key_first_and_its_words_only_within_a_key() -> None:
    lower = hypothesis("rate").model_copy(update={"direction": "lower", "statement": "lower the learning rate"})
    raised = lower.model_copy(update={"direction": "higher", "statement": "raise the learning rate"})
    again = lower.model_copy(update={"statement": "lower the learning rate to .05"})
    other = lower.model_copy(update={"statement": "warm restarts every few epochs"})
    assert same_idea(lower, again, METHOD)
    assert not same_idea(lower, raised, METHOD), "alike in words, opposite in direction"
    assert not same_idea(lower, other, METHOD), "one key, nothing else in common"


def test_rank_mode_draws_by_the_sources_share() -> None:
    task, trial = (hypothesis(name).model_copy(update={"challenge": name}) for name in ("task", "trial"))
    sources = {"task": "scenario", "trial": "feedback"}

    def share(m: int) -> float:
        draws = [draw_by_rank((task, trial), sources, m, METHOD, seed) for seed in range(600)]
        return sum(each == task for each in draws) / len(draws)

    assert (share(3), share(0)) == (1.0, 0.0)
    assert share(2) == pytest.approx(2 / 3, abs=0.06)
    assert draw_by_rank((trial,), sources, 3, METHOD, 1) == trial, "what is alone is drawn at any weight"


def test_directions_of_one_parameter_exclude_each_other() -> None:
    up, other = hypothesis("depth"), hypothesis("rate")
    assert compatible([up, up.model_copy(update={"direction": "down"}), other]) == (up, other)


def test_kernel_by_hand() -> None:
    candidates = np.array([[1.0, 0.0]])
    accepted = np.eye(2)
    # L = 30 is one half-life: similarity counts half.
    got = interaction(candidates, accepted, [0.1, -0.2], 30, METHOD)
    first, second = 0.5 + math.tanh(0.1), math.tanh(-0.2)
    share = math.exp(first) / (math.exp(first) + math.exp(second))
    assert got.tolist()[0] == pytest.approx([share, 1 - share])


def test_kernel_without_a_best_knows_similarity_alone() -> None:
    candidates = np.array([[0.6, 0.8]])
    accepted = np.eye(2)
    got = interaction(candidates, accepted, None, 0, METHOD)
    assert got.tolist()[0] == pytest.approx([1 / (1 + math.exp(0.2)), 1 / (1 + math.exp(-0.2))])


def test_kernel_clamps_utilities() -> None:
    method = Method(alpha=50.0)
    candidates, accepted = np.array([[1.0, 0.0]]), np.array([[1.0, 0.0], [-1.0, 0.0]])
    got = interaction(candidates, accepted, None, 0, method)
    assert got.tolist()[0][0] == pytest.approx(1 / (1 + math.exp(-4)), rel=1e-5)


@given(
    st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=1, max_size=4),
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=5),
    st.integers(0, 200),
)
def test_kernel_rows_are_probabilities(rows: list[list[float]], gains: list[float], length: int) -> None:
    accepted = unit_vectors(np.arange(len(gains) * 3).reshape(-1, 3).tolist())
    got = interaction(np.array(rows, dtype=float), accepted, gains, length, METHOD)
    assert got.shape == (len(rows), len(gains))
    assert np.allclose(got.sum(axis=1), 1.0)
    assert bool((got > 0).all())


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**31 - 1))
def test_draws_are_distinct_bounded_and_repeatable(candidates: int, accepted: int, seed: int) -> None:
    probabilities = np.full((candidates, accepted), 1 / accepted)
    drawn = draw(probabilities, 2, 2, seed)
    assert 1 <= len(drawn) <= min(2, accepted)
    assert all(0 <= index < accepted for index in drawn)
    assert drawn == draw(probabilities, 2, 2, seed)


@pytest.mark.parametrize(
    ("gain", "error", "expected"), [(0.02, 0.005, 4.0), (-0.01, 0.02, -0.5), (0.3, None, 1.0), (-7.0, 0.0, -1.0)]
)
def test_a_gain_in_standard_errors_is_its_sign_where_its_error_is_not_known(
    gain: float, error: float | None, expected: float
) -> None:
    assert in_errors(gain, error) == pytest.approx(expected)
    assert in_errors(0.0, error) == 0.0


def test_gain_is_positive_for_better_in_either_direction() -> None:
    assert signed_gain(0.3, 0.4, "minimize") == pytest.approx(0.1)
    assert signed_gain(0.3, 0.4, "maximize") == pytest.approx(-0.1)


def test_draws_of_chance_differ_by_each_part_of_their_key() -> None:
    keys = [(seed, trace, step, purpose) for seed in (0, 1) for trace in (0, 1) for step in (0, 1) for purpose in "ab"]
    assert len({derive_seed(*key) for key in keys}) == len(keys)
