"""Whether a trial is better than its trace's best, by how much more than noise, and what is ruled of it: by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.agents.method.validation import (
    cheaper,
    compare,
    decides_near_ties,
    format_fault,
    rule,
    rule_by_score,
    threshold,
)
from gome.agents.protocol.replies import Assessment
from gome.agents.protocol.types import Effect
from gome.scenarios.evidence import DefectNote, LeakNote
from tests.agents.helpers.evaluations import evaluation, trial_of


def assessment(**rest: object) -> Assessment:
    base = {
        "alignment": "aligned",
        "accept": False,
        "reason": "no gain",
        "observations": "",
        "hypothesis_verdict": "inconclusive",
        "challenges": (),
    }
    return Assessment.model_validate({**base, **rest})


def test_corrected_standard_error_by_hand() -> None:
    # Gains .1 .2 .3 .4 .5: sd = .158114, times √(1/5 + 1/4) = .670820.
    effect = compare(evaluation(0.9, 0.8, 0.7, 0.6, 0.5), evaluation(1.0, 1.0, 1.0, 1.0, 1.0), "minimize")
    assert effect is not None
    assert effect.gain == pytest.approx(0.3)
    assert effect.standard_error == pytest.approx(0.158114 * 0.670820, rel=1e-5)
    assert effect.verdict == "better"


def test_the_correction_takes_the_folds_as_they_were_made() -> None:
    # Expanding windows: 20 valid rows after 40, 60, 80: shares .5, .3333, .25, mean .361111. sd of .1 .2 .3 is .1.
    rows = {"fold_rows": ((20, 40), (20, 60), (20, 80))}
    effect = compare(evaluation(0.9, 0.8, 0.7, **rows), evaluation(1.0, 1.0, 1.0, **rows), "minimize")
    assert effect is not None
    assert effect.standard_error == pytest.approx(0.1 * math.sqrt(1 / 3 + 0.361111), rel=1e-5)


def test_rows_within_splits_give_the_error_where_they_were_drawn() -> None:
    # The differences of the draws are .2 .1 .3 and .3 .1 .2: each of variance .01, however far the splits lie apart.
    # SE² = (1/4 + 1/4)·.01 + 1/4·.01 with half of the weight and 20 of 80 rows each.
    ours, theirs = ((0.7, 0.9, 1.2), (0.8, 0.9, 1.0)), ((0.9, 1.0, 1.5), (1.1, 1.0, 1.2))
    rows = {"fold_rows": ((20, 80), (20, 80))}
    effect = compare(
        evaluation(0.8, 0.1, replicates=ours, **rows), evaluation(1.0, 0.9, replicates=theirs, **rows), "minimize"
    )
    assert effect is not None
    assert (effect.gain, effect.standard_error) == pytest.approx((0.5, 0.1 * math.sqrt(0.75)))
    assert (effect.splits, effect.rows) == (2, 40)


def test_later_splits_of_time_weigh_more() -> None:
    # Gains .1 and .4 with weights 1/3 and 2/3.
    ours, theirs = (evaluation(*folds, weights=(1 / 3, 2 / 3)) for folds in ((0.9, 0.6), (1.0, 1.0)))
    effect = compare(ours, theirs, "minimize")
    assert effect is not None
    assert effect.gain == pytest.approx(0.3)


def test_only_splits_that_both_were_run_on_are_compared() -> None:
    stopped = evaluation(0.5, splits=(2,), planned=3, replicates=((0.4, 0.5, 0.6),))
    draws = ((), (), (0.9, 1.1, 1.0))
    effect = compare(stopped, evaluation(9.0, 9.0, 1.0, replicates=draws), "minimize")
    assert effect is not None
    assert effect.gain == pytest.approx(0.5)
    assert (effect.splits, effect.rows) == (1, 20)
    elsewhere = compare(stopped, evaluation(0.9, splits=(1,), planned=3), "minimize")
    assert elsewhere is not None
    assert elsewhere.gain == pytest.approx(0.4)
    assert (elsewhere.standard_error, elsewhere.splits) == (None, 0)


def test_one_split_is_compared_by_paired_bootstrap() -> None:
    # The differences of the replicates are .2 .1 .3, their sd .1, however far the replicates themselves spread; with
    # 20 rows for every 80 that were learnt from the error is .1·√(1 + 1/4).
    trial = evaluation(0.8, replicates=((0.7, 0.9, 1.2),))
    effect = compare(trial, evaluation(1.0, replicates=((0.9, 1.0, 1.5),)), "minimize")
    assert effect is not None
    assert (effect.gain, effect.standard_error) == pytest.approx((0.2, 0.1 * math.sqrt(1.25)))
    assert effect.verdict == "better"
    near = compare(trial, evaluation(0.85, replicates=((0.9, 1.0, 1.5),)), "minimize")
    assert near is not None
    assert near.verdict == "near-tie"


def test_how_many_errors_make_a_near_tie_is_a_setting() -> None:
    # Gains .1 .2 .3: mean .2, error .1·√(1/3 + 1/2) = .091287, so 2.19 of them.
    ours, theirs = evaluation(0.9, 0.8, 0.7), evaluation(1.0, 1.0, 1.0)
    verdicts = [compare(ours, theirs, "minimize", near_tie) for near_tie in (0.0, 2.1, 2.3)]
    assert [each.verdict if each else None for each in verdicts] == ["better", "better", "near-tie"]


def test_a_gain_within_its_error_is_a_near_tie() -> None:
    effect = compare(evaluation(0.9, 1.2, 0.8, 1.0), evaluation(1.0, 1.0, 1.0, 1.0), "minimize")
    assert effect is not None
    assert effect.verdict == "near-tie"


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=6), st.floats(0.01, 1))
def test_better_is_better_in_either_direction(folds: list[float], gain: float) -> None:
    worse, better = evaluation(*folds), evaluation(*(fold + gain for fold in folds))
    up, down = compare(better, worse, "maximize"), compare(better, worse, "minimize")
    assert up is not None
    assert down is not None
    assert (up.verdict, down.verdict) == ("better", "worse")


def test_format_comes_first() -> None:
    broken = evaluation(0.1, defects=(DefectNote(code="rows", message="3 rows are missing"),))
    assert format_fault(True, "", broken) is not None
    assert format_fault(False, "timed out", None) is not None
    assert format_fault(True, "", evaluation(0.1)) is None


def test_a_severe_misalignment_rejects_and_erases_even_a_first_or_better_trial() -> None:
    better = Effect(gain=1.0, standard_error=0.1, verdict="better")
    severe = assessment(alignment="severe", reason="fits on all rows", accept=True)
    for effect in (None, better):
        ruling = rule(trial_of(evaluation(0.1)), effect, severe)
        assert (ruling.verdict, ruling.layer, ruling.erased) == ("rejected", "alignment", True)
        assert ruling.reason == "fits on all rows"


def test_signs_in_the_data_are_told_and_decide_nothing() -> None:
    leaking = evaluation(0.1, leaks=(LeakNote(code="too-good", message="the target is nearly a column"),))
    assert rule(trial_of(leaking), None, assessment()).verdict == "accepted"


def test_analysis_decides_near_ties_alone() -> None:
    tie = Effect(gain=0.01, standard_error=0.1, verdict="near-tie")
    better = Effect(gain=0.3, standard_error=0.1, verdict="better", splits=5, rows=100)
    worse = Effect(gain=-0.3, standard_error=0.1, verdict="worse", splits=1, rows=20)
    plain = trial_of(evaluation(0.1))
    assert rule(plain, tie, assessment(accept=True)).verdict == "accepted"
    assert rule(plain, tie, assessment(accept=False)).verdict == "rejected"
    assert rule(plain, better, assessment(accept=False)).verdict == "accepted"
    assert rule(plain, worse, assessment(accept=True)).verdict == "rejected"
    assert rule(plain, None, assessment()).verdict == "accepted"
    assert rule(plain, better, assessment()).reason == "better by 0.3, standard error 0.1, over 100 rows of 5 splits"
    assert rule(plain, worse, assessment()).reason == "worse by 0.3, standard error 0.1, over 20 rows of one split"


def test_who_decides_a_near_tie_is_a_setting() -> None:
    plain, yes = trial_of(evaluation(0.1)), assessment(accept=True)
    ahead, level, behind = (
        Effect(gain=gain, standard_error=0.1, verdict="near-tie", splits=5, rows=100) for gain in (0.05, -0.01, -0.05)
    )
    assert [rule(plain, each, yes, "gain").verdict for each in (ahead, behind)] == ["accepted", "rejected"]
    kept = rule(plain, ahead, yes, "incumbent")
    assert kept.verdict == "rejected"
    assert (
        kept.reason == "a near-tie, so the incumbent stays: gain +0.05, standard error 0.1, over 100 rows of 5 splits"
    )
    faster = rule(plain, level, yes, "incumbent", "faster (1 s a run instead of 3 s)")
    assert faster.verdict == "accepted"
    assert faster.reason.startswith("a near-tie, but faster (1 s a run instead of 3 s): gain -0.01")
    assert rule(plain, behind, yes, "incumbent", "faster (1 s a run instead of 3 s)").verdict == "rejected"


def test_the_borders_of_what_is_kept_at_a_near_tie() -> None:
    plain, yes = trial_of(evaluation(0.1)), assessment(accept=True)
    gains = (-0.026, -0.024, 0.0)
    ties = [Effect(gain=gain, standard_error=0.1, verdict="near-tie", splits=5, rows=100) for gain in gains]
    cheap = [rule(plain, each, yes, "incumbent", "shorter").verdict for each in ties]
    assert cheap == ["rejected", "accepted", "accepted"], "as good is behind by less than a quarter of the error"
    assert rule(plain, ties[2], yes, "gain").verdict == "rejected", "no gain is no sign"


def test_what_is_cheaper_is_so_by_the_harness_figures() -> None:
    assert cheaper((1.0, 3.0), (100, 100)) == "faster (1 s of processor time instead of 3 s)"
    assert cheaper((2.5, 3.0), (80, 100)) == "shorter (80 lines instead of 100)"
    assert cheaper((2.5, 3.0), (95, 100)) == ""
    assert cheaper((0.0, 3.0), (95, 100)) == "", "a time that was not measured decides nothing"


@pytest.mark.parametrize("why", ["worse", "futile"])
def test_a_trial_that_was_stopped_is_rejected_with_its_words(why: str) -> None:
    tie = Effect(gain=-0.01, standard_error=0.1, verdict="near-tie")
    stopped = trial_of(evaluation(0.1, planned=5), stopped=why, words="stopped after 1 of 5 splits: so it is")
    for ruling in (rule(stopped, tie, assessment(accept=True)), rule_by_score(stopped, tie)):
        assert (ruling.verdict, ruling.layer, ruling.reason) == ("rejected", "analysis", stopped.words)
    severe = rule(stopped, tie, assessment(alignment="severe", reason="reads the test"))
    assert severe.erased, "what it did wrong is said all the same"


def test_a_trial_of_which_enough_is_known_is_judged_by_its_effect() -> None:
    better = Effect(gain=0.3, standard_error=0.1, verdict="better", splits=1, rows=20)
    known = trial_of(evaluation(0.1, planned=5), stopped="decided", words="judged after 1 of 5 splits")
    assert rule(known, better, assessment()).verdict == "accepted"
    assert rule(known, None, assessment()).verdict == "accepted"


def test_a_control_rules_by_the_score_alone() -> None:
    plain = trial_of(evaluation(0.1))
    better, worse = (Effect(gain=gain, standard_error=0.1, verdict="near-tie") for gain in (0.01, -0.01))
    verdicts = [rule_by_score(plain, effect).verdict for effect in (None, better, worse)]
    assert verdicts == ["accepted", "accepted", "rejected"]


@pytest.mark.parametrize(("score", "verdict"), [(0.999, "better"), (1.001, "worse"), (1.0, "near-tie")])
def test_without_a_common_split_any_difference_counts(score: float, verdict: str) -> None:
    effect = compare(evaluation(score, splits=(2,), planned=3), evaluation(1.0, splits=(1,), planned=3), "minimize")
    assert effect is not None
    assert (effect.verdict, effect.standard_error) == (verdict, None)


def test_without_a_standard_error_any_difference_counts() -> None:
    """One common split without bootstrap scores: nothing says how uncertain the gain is."""
    effects = [compare(evaluation(score), evaluation(1.0), "minimize") for score in (0.999, 1.001)]
    assert [effect and (effect.verdict, effect.standard_error) for effect in effects] == [
        ("better", None),
        ("worse", None),
    ]


def test_a_score_is_needed_on_both_sides() -> None:
    assert compare(evaluation(), evaluation(1.0), "minimize") is None
    assert compare(evaluation(1.0), evaluation(), "minimize") is None


def test_a_difference_of_rounding_is_a_near_tie() -> None:
    """0.1 + 0.2 is not 0.3 in floating point."""
    for one, other in ((0.1 + 0.2, 0.3), (0.3, 0.1 + 0.2)):
        effect = compare(evaluation(one, one), evaluation(other, other), "minimize", 0.0)
        assert effect is not None
        assert effect.verdict == "near-tie"


def test_a_gain_of_exactly_the_required_errors_is_no_near_tie() -> None:
    # The differences of the draws are 0 1 2, of variance 1; with 60 rows for every 20 learnt from, SE = √(1 + 3) = 2.
    ours, theirs = {"replicates": ((8.0, 7.0, 6.0),)}, {"replicates": ((8.0, 8.0, 8.0),)}
    rows = {"fold_rows": ((60, 20),)}
    for gain, verdict in ((2.0, "better"), (1.999, "near-tie"), (-1.999, "near-tie"), (-2.0, "worse")):
        effect = compare(evaluation(8.0 - gain, **ours, **rows), evaluation(8.0, **theirs, **rows), "minimize")
        assert effect is not None
        assert (effect.standard_error, effect.verdict) == (2.0, verdict)


def test_weights_count_among_the_common_splits_alone() -> None:
    """A trial on three splits against a best on the last two: gains .2 and .8 of weights 1 and 3."""
    draws = ((0.0, 5.0, 9.0), (0.8, 0.9, 0.7), (0.1, 0.2, 0.3))
    trial = evaluation(5.0, 0.8, 0.2, weights=(0.2, 0.2, 0.6), replicates=draws)
    best = evaluation(1.0, 1.0, splits=(1, 2), planned=3, replicates=((1.0, 1.0, 1.0), (1.0, 1.0, 1.0)))
    effect = compare(trial, best, "minimize")
    assert effect is not None
    assert effect.gain == pytest.approx(0.25 * 0.2 + 0.75 * 0.8)
    assert (effect.splits, effect.rows) == (2, 40)
    # Each difference has variance .01; 20 rows for every 40 learnt from.
    assert effect.standard_error == pytest.approx(0.1 * math.sqrt(0.25**2 + 0.75**2 + 0.5))


def test_bootstrap_scores_are_paired_split_by_split_wherever_they_stand() -> None:
    """Split 2 is the first of the trial's splits and the second of the best's; their draws differ by .1 .2 .3."""
    trial = evaluation(1.0, splits=(2,), planned=3, replicates=((1.1, 1.2, 1.3),))
    best = evaluation(7.0, 2.0, splits=(0, 2), planned=3, replicates=((9.0, 2.0, 5.0), (1.0, 1.0, 1.0)))
    effect = compare(trial, best, "minimize")
    assert effect is not None
    assert (effect.gain, effect.standard_error) == pytest.approx((1.0, 0.1 * math.sqrt(1.25)))


@pytest.mark.parametrize(
    ("ours", "theirs", "error"),
    [
        ((0.7, 0.9), (0.9, 1.0), None),
        ((0.7, None, 0.9, 1.2), (0.9, 5.0, 1.0, 1.5), 0.1),
        ((0.7, 5.0, 0.9, 1.2), (0.9, None, 1.0, 1.5), 0.1),
        ((0.7, None, 1.2), (0.9, 1.0, None), None),
        ((0.7, 0.9, 1.2, 1.0), (0.9, 1.0, 1.5), None),
    ],
    ids=["two draws", "undefined in the trial", "undefined in the best", "too few are defined", "unlike numbers"],
)
def test_a_variance_needs_three_pairs_of_draws(
    ours: tuple[float | None, ...], theirs: tuple[float | None, ...], error: float | None
) -> None:
    effect = compare(evaluation(0.8, replicates=(ours,)), evaluation(1.0, replicates=(theirs,)), "minimize")
    assert effect is not None
    assert effect.standard_error == (error and pytest.approx(error * math.sqrt(1.25)))


def test_a_split_without_draws_takes_the_variance_between_the_splits() -> None:
    # Gains .1 and .3: variance .02. The first split's draws differ by .1 .2 .3: variance .01. 20 rows for every 20.
    ours, theirs = ((0.9, 0.8, 0.7), ()), ((1.0, 1.0, 1.0), ())
    effect = compare(evaluation(0.9, 0.7, replicates=ours), evaluation(1.0, 1.0, replicates=theirs), "minimize")
    assert effect is not None
    assert effect.standard_error == pytest.approx(math.sqrt(0.25 * (0.01 + 0.02) + 0.5 * (0.01 + 0.02)))


def test_a_split_without_training_rows_has_no_share_in_the_correction() -> None:
    # 20 rows for every 40 in the second split; gains .1 and .3 of variance .02.
    rows = {"fold_rows": ((20, 0), (20, 40))}
    effect = compare(evaluation(0.9, 0.7, **rows), evaluation(1.0, 1.0, **rows), "minimize")
    assert effect is not None
    assert effect.standard_error == pytest.approx(math.sqrt(0.5 * 0.02 + 0.5 * 0.02))


def test_a_trial_without_a_result_or_a_score_has_failed_for_the_stated_reason() -> None:
    ended = format_fault(False, "timed out", evaluation(0.1))
    unjudged = format_fault(True, "was not judged", None)
    unscored = format_fault(True, "ended well", evaluation())
    for ruling in (ended, unjudged, unscored):
        assert ruling is not None
        assert (ruling.verdict, ruling.layer, ruling.erased) == ("failed", "format", False)
    assert ended is not None and ended.reason == "timed out"
    assert unjudged is not None and unjudged.reason == "was not judged"
    assert unscored is not None and "score" in unscored.reason


@pytest.mark.parametrize(("count", "more"), [(1, ""), (2, " (and 1 more)"), (3, " (and 2 more)")])
def test_the_first_defect_is_the_reason_and_the_others_are_counted(count: int, more: str) -> None:
    defects = tuple(DefectNote(code="rows", message=f"defect {place}") for place in range(count))
    ruling = format_fault(True, "", evaluation(0.1, defects=defects))
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == ("failed", f"defect 0{more}")


def test_the_reason_of_a_ruling_names_no_error_where_there_is_none() -> None:
    better = Effect(gain=0.25, standard_error=None, verdict="better")
    assert rule(trial_of(evaluation(0.1)), better, assessment()).reason == "better by 0.25"


def test_a_control_needs_a_better_score_also_where_it_was_judged_early() -> None:
    known = trial_of(evaluation(0.1, planned=5), stopped="decided", words="judged after 1 of 5 splits")
    effects = [Effect(gain=gain, standard_error=0.1, verdict="near-tie") for gain in (0.01, 0.0, -0.01)]
    assert [rule_by_score(known, effect).verdict for effect in effects] == ["accepted", "rejected", "rejected"]


def test_the_threshold_grows_with_the_comparisons() -> None:
    assert threshold(1.0, 0.0, 48) == threshold(1.0, 0.5, 1) == threshold(1.0, 0.5, 0) == 1.0
    assert threshold(1.0, 0.5, 12) == pytest.approx(1 + 0.5 * math.sqrt(2 * math.log(12)))
    grown = [threshold(1.0, 0.2, count) for count in range(1, 60)]
    assert grown == sorted(set(grown))


def test_the_best_of_many_settings_needs_more_than_a_gain() -> None:
    assert decides_near_ties("gain", searched=False) == "gain"
    assert decides_near_ties("gain", searched=True) == "incumbent"
    assert decides_near_ties("analysis", searched=True) == "analysis"
