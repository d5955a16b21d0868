"""The finish: who comes first, how it shrinks to the time left, and when an ensemble is better than the winner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.agents.method.ranking import candidates_of, choose_shipping, default_shipping, rank, rank_ensemble, why
from gome.agents.protocol.final_selection import Finalist
from gome.agents.state.budget import fit_finish
from gome.scenarios.config.method import FinishSettings
from gome.scenarios.evidence import Evaluation, SplitRule
from tests.agents.helpers.evaluations import run_of

DRAWS = (-0.1, 0.0, 0.1)


def finalist(step: int, score: float = 0.5, error: float | None = 0.01, seconds: float = 10.0) -> Finalist:
    return Finalist(
        trace=0,
        step=step,
        script_ref=f"script {step}",
        submission_ref=f"submission {step}",
        score=score,
        standard_error=error,
        seconds=seconds,
    )


def held(score: float | None, error: float = 0.01) -> Evaluation:
    return Evaluation(view="holdout", score=score, standard_error=error)


def test_the_mean_over_seeds_ranks_and_its_spread_is_shown() -> None:
    ranking = rank([finalist(1), finalist(2)], [[held(0.50), held(0.54)], [held(0.51), held(0.51)]], "minimize")
    assert [each.finalist.step for each in ranking] == [2, 1]
    assert [each.mean for each in ranking] == [pytest.approx(0.51), pytest.approx(0.52)]
    assert ranking[1].spread == pytest.approx(0.0282843, rel=1e-5)  # of .50 and .54: .04 / √2
    assert ranking[1].gap == pytest.approx(0.02)
    upwards = rank([finalist(1), finalist(2)], [[held(0.50), held(0.54)], [held(0.51), held(0.51)]], "maximize")
    assert [each.finalist.step for each in upwards] == [1, 2]


def test_out_of_fold_far_above_hold_out_comes_last() -> None:
    # The errors .01 and .01 add to .014142; three of them are .0424, so .45 against .50 is too good and .46 is not.
    good, late = finalist(1, 0.46), finalist(2, 0.45)
    ranking = rank([late, good], [[held(0.50)], [held(0.501)]], "minimize")
    assert [(each.finalist.step, each.misaligned) for each in ranking] == [(1, False), (2, True)]
    lenient = rank([late, good], [[held(0.50)], [held(0.501)]], "minimize", misaligned=4.0)
    assert not any(each.misaligned for each in lenient)
    assert "0.2 comes last: its out-of-fold score" in why(ranking, None, "the budget of trials is used")
    assert "comes last" not in why(lenient, None, "the budget of trials is used")


def test_what_failed_comes_last_of_all() -> None:
    ranking = rank([finalist(1), finalist(2)], [[held(0.1), None], [held(0.9), held(0.9)]], "minimize")
    assert [each.finalist.step for each in ranking] == [2, 1]
    assert ranking[1].mean is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_a_better_finalist_never_comes_later(figures: list[tuple[float, float]]) -> None:
    finalists = [finalist(step, score) for step, (score, _) in enumerate(figures)]
    reruns = [[held(score)] for _, score in figures]
    for direction, sign in (("minimize", 1), ("maximize", -1)):
        ranking = rank(finalists, reruns, "minimize" if direction == "minimize" else "maximize")
        means = [(each.misaligned, sign * (each.mean or 0.0)) for each in ranking]
        assert means == sorted(means)
        assert {each.finalist.step for each in ranking} == set(range(len(figures)))


def test_candidates_of_an_ensemble_are_the_winner_and_what_is_sound() -> None:
    finalists = [finalist(1), finalist(2), finalist(3, 0.1), finalist(4)]
    ranking = rank(finalists, [[held(0.50)], [held(0.49)], [held(0.6)], [None]], "minimize")
    pool = [*finalists, finalist(5)]
    assert [each.step for each in candidates_of(ranking, pool)] == [2, 1, 5], "what is misaligned or failed has no say"
    assert candidates_of(ranking, [finalist(1)]) == (), "the winner has predictions for some splits only"
    assert candidates_of((), pool) == ()


def test_an_ensemble_is_taken_where_it_is_better_than_the_winner() -> None:
    pool = [finalist(1), finalist(2), finalist(3)]
    ranking = rank(pool, [[held(0.5)]] * 3, "minimize")
    single = run_of(0, 0.50, *DRAWS)
    better = rank_ensemble(pool, (0.4, 0.0, 0.6), run_of(0, 0.49, *DRAWS), single, "minimize")
    assert better is not None
    assert (better.taken, better.weights) == (True, (0.6, 0.4))
    assert better.gain == pytest.approx(0.01)
    assert [each.step for each in better.members] == [3, 1], "the largest weight first"
    equal = rank_ensemble(pool, (0.4, 0.0, 0.6), single, single, "minimize")
    assert equal is not None
    assert not equal.taken, "as good is not better"
    upwards = rank_ensemble(pool, (0.4, 0.0, 0.6), run_of(0, 0.49, *DRAWS), single, "maximize")
    assert upwards is not None
    assert not upwards.taken
    assert rank_ensemble(pool, (1.0, 0.0, 0.0), run_of(0, 0.49, *DRAWS), single, "minimize") is None, (
        "one alone is none"
    )
    words = why(ranking, better, "enough")
    assert words.endswith("2 trials scores 0.49 out of fold, the winner alone 0.5: it is submitted, as any gain counts")
    assert why(ranking, upwards, "enough").endswith("it is not submitted")
    assert why(ranking[:1], None, "enough") == "enough; best mean hold-out score 0.5 of one finalist"


def test_the_finish_gives_up_its_comparison_then_candidates_and_then_seeds() -> None:
    settings, six = FinishSettings(), [finalist(step) for step in range(6)]
    # 6 candidates × 3 seeds of 10 s in 2 slots take 90 s; 5 splits of the winner and refits of 6 members 30 s each.
    assert fit_finish(settings, six, 150.0, 2, 5, 6) == (6, 3, True, 6)
    assert fit_finish(settings, six, 149.0, 2, 5, 6) == (6, 3, False, 6)
    assert fit_finish(settings, six, 90.0, 2, 5) == (6, 3, False, 1)
    assert fit_finish(settings, six, 89.0, 2, 5) == (5, 3, False, 1)  # 15 runs, 8 rounds, 80 s
    assert fit_finish(settings, six, 89.0, 2, 5, 6) == (5, 3, False, 6), "members that are not refitted cost nothing"
    assert fit_finish(settings, six, 30.0, 2, 5) == (2, 3, False, 1)
    assert fit_finish(settings, six, 20.0, 2, 5) == (2, 2, False, 1)
    assert fit_finish(settings, six, 10.0, 2, 5) == (2, 1, False, 1)
    assert fit_finish(settings, six, 1.0, 2, 5) == (1, 1, False, 1)
    assert fit_finish(settings, six, None, 2, 5, 6) == (6, 3, True, 6)
    assert fit_finish(settings, six[:1], 1000.0, 2, 5) == (1, 3, True, 1)
    assert fit_finish(settings, [], 0.0, 2, 5) == (0, 3, False, 1)
    assert fit_finish(settings, [], None, 2, 5) == (0, 3, False, 1)


def test_refits_that_are_due_in_any_case_are_counted_in_and_members_go_before_candidates() -> None:
    settings, six = FinishSettings(), [finalist(step) for step in range(6)]
    assert fit_finish(settings, six, 150.0, 2, 5, 6, again=1) == (6, 3, True, 6)
    assert fit_finish(settings, six, 120.0, 2, 5, 6, again=1) == (6, 3, False, 6)
    assert fit_finish(settings, six, 119.0, 2, 5, 6, again=1) == (6, 3, False, 4)
    assert fit_finish(settings, six, 99.0, 2, 5, 6, again=1) == (5, 3, False, 1)
    assert fit_finish(settings, six, 20.0, 2, 5, 6, again=1) == (2, 1, False, 1)


def test_a_mean_that_is_made_anew_takes_a_run_a_split_of_each_member() -> None:
    settings, six = FinishSettings(apart=True), [finalist(10) for _ in range(6)]
    # 18 runs on the hold-out take 90 s in 2 slots; 6 members on 5 splits 150 s more, a comparison 30 s.
    assert fit_finish(settings, six, 270.0, 2, 5, 6, again=5) == (6, 3, True, 6)
    assert fit_finish(settings, six, 240.0, 2, 5, 6, again=5) == (6, 3, False, 6)
    assert fit_finish(settings, six, 239.0, 2, 5, 6, again=5) == (6, 3, False, 5)
    # Where a refit is the default, a comparison may lead to the mean all the same.
    assert fit_finish(settings, six, 270.0, 2, 5, 6, again=1) == (6, 3, True, 6)
    assert fit_finish(settings, six, 269.0, 2, 5, 6, again=1) == (6, 3, False, 6)


@pytest.mark.parametrize("ship", ["mean", "refit"])
def test_nothing_is_compared_where_the_scenario_says_how_it_ships(ship: str) -> None:
    settings = FinishSettings.model_validate({"ship": ship})
    assert not fit_finish(settings, [finalist(1)], None, 2, 5).compares
    assert not fit_finish(settings, [finalist(1)], 1000.0, 2, 5).compares


@given(st.integers(1, 8), st.floats(0, 500), st.integers(1, 4), st.integers(1, 6), st.booleans())
def test_what_fits_stays_within_the_time_where_anything_does(
    count: int, left: float, slots: int, most: int, refits: bool
) -> None:
    finalists = [finalist(step) for step in range(count)]
    candidates, seeds, compares, members = fit_finish(FinishSettings(), finalists, left, slots, 5, most, refits)
    assert 1 <= candidates <= min(6, count)
    assert 1 <= seeds <= 3
    assert 1 <= members <= most
    assert seeds == 3 or candidates <= 2, "candidates go before seeds"
    assert members == 1 or candidates == min(6, count) or not refits, "members go before candidates"
    assert not compares or (candidates, seeds, members) == (min(6, count), 3, most), "the comparison goes first"
    phases = (candidates * seeds, members * (refits or compares), 5 * compares)
    needed = sum(-(-runs // slots) for runs in phases) * 10.0
    assert needed <= left or (candidates, seeds, compares, members) == (1, 1, False, 1 if refits else members)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("random", "mean"), ("stratified", "mean"), ("group", "mean"), ("time", "refit"), ("holdout", "refit")],
)
def test_the_default_is_a_refit_where_a_split_model_saw_too_little(kind: str, mode: str) -> None:
    rule = SplitRule.model_validate({"kind": kind})
    default = default_shipping(rule)
    assert (default.mode, default.reason) == (mode, f"the default for a split of kind {kind}")
    near = choose_shipping(run_of(0, 0.50, *DRAWS), run_of(0, 0.51, 0.1, -0.1, 0.0), rule, "minimize", 1.0)
    assert (near.mode, near.mean, near.refit) == (mode, 0.50, 0.51)
    assert near.reason == f"{default.reason}; on the hold-out the two are within noise of each other"


def test_what_is_better_on_the_holdout_by_more_than_noise_ships() -> None:
    for kind in ("random", "time"):
        rule = SplitRule.model_validate({"kind": kind})
        better, worse = run_of(0, 0.3, *DRAWS), run_of(0, 0.9, *DRAWS)
        assert choose_shipping(better, worse, rule, "minimize", 1.0).mode == "mean"
        assert choose_shipping(worse, better, rule, "minimize", 1.0).mode == "refit"
        assert choose_shipping(better, worse, rule, "maximize", 1.0).mode == "refit"
        assert choose_shipping(better, worse, rule, "minimize", 1.0).reason == "better on the hold-out"


def test_the_time_of_the_finish_is_planned_by_its_slowest_candidate() -> None:
    two = [finalist(1, seconds=10.0), finalist(2, seconds=60.0)]
    assert fit_finish(FinishSettings(), two, 180.0, 2, 5) == (2, 3, False, 1)  # 6 runs, 3 rounds of 60 s
    assert fit_finish(FinishSettings(), two, 179.0, 2, 5) == (2, 2, False, 1)
    assert fit_finish(FinishSettings(), two[::-1], 179.0, 2, 5) == (2, 2, False, 1)
