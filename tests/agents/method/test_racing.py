"""When a trial stops before all splits were run. By hand: splits of 20 rows after 80, so SE² = s²·(1/n + 1/4)."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.agents.method.racing import Stop, split_order, stop_after
from gome.scenarios.config.method import Method
from gome.scenarios.evidence import Evaluation, SplitRule
from tests.agents.helpers.evaluations import evaluation, run_of

DRAWS = (-0.1, 0.0, 0.1)
"""Of spread .1, so that one split of 20 rows has an error of .1·√(1 + 1/4) = .1118."""
ERROR = 0.1 * math.sqrt(1.25)


def after(*scores: float, best: float | None = 1.0, kind: Any = "random", seconds: float = 0.0, **method: Any) -> Any:
    """What is said after runs of these scores, of five; the best scored the same on each split. Smaller is better.

    A near-tie keeps the incumbent.
    """
    method.setdefault("near_ties", "incumbent")
    runs = [run_of(split, score, *DRAWS) for split, score in enumerate(scores)]
    incumbent = None if best is None else evaluation(*[best] * 5, replicates=((best,) * 3,) * 5)
    return stop_after(runs, 5, incumbent, SplitRule(kind=kind), "minimize", Method.model_validate(method), seconds)


def why(stop: Stop | None) -> str | None:
    return stop.why if stop else None


def test_each_step_begins_with_another_of_the_splits_that_the_best_was_run_on() -> None:
    splits, best = [f"split-{number}" for number in range(4)], evaluation(1.0, 1.0, splits=(1, 3), planned=4)
    orders = [split_order(splits, step, best, SplitRule(kind="group")) for step in (2, 3)]
    assert orders == [("split-1", "split-3", "split-0", "split-2"), ("split-3", "split-1", "split-0", "split-2")]
    assert split_order(splits, 3, best, SplitRule(kind="time")) == tuple(splits), "time keeps its order"
    assert split_order(splits, 3, None, SplitRule(kind="group")) == tuple(splits)


def test_what_is_worse_by_more_than_an_error_stops_at_once() -> None:
    assert why(after(1.0 + ERROR * 1.01)) == "worse"
    assert why(after(1.0 + ERROR * 1.01, racing={"margin": 1.1})) != "worse"
    stopped = after(1.5)
    assert stopped.words == "stopped after 1 of 5 splits: worse by 0.5, standard error 0.11 over 20 rows"


def test_a_first_split_of_groups_or_time_is_forgiven_more() -> None:
    for kind in ("group", "time"):
        assert after(1.0 + ERROR * 1.9, kind=kind) is None
        assert why(after(1.0 + ERROR * 2.1, kind=kind)) == "worse"
        assert why(after(1.0 + ERROR * 1.9, 1.0 + ERROR * 1.9, kind=kind)) == "worse", "the second is not"
    assert why(after(1.0 + ERROR * 1.9)) == "worse"


def test_a_first_split_of_another_solution_is_forgiven_more() -> None:
    """A return goes on from what another trace has found: on one split that suits the trace's own best it may lose."""
    best = evaluation(*[1.0] * 5, replicates=((1.0,) * 3,) * 5)
    runs = [run_of(split, 1.0 + ERROR * 1.9, *DRAWS) for split in range(2)]

    def stopped(splits: int, *, unlike: bool) -> str | None:
        rule, method = SplitRule(kind="random"), Method()
        return why(stop_after(runs[:splits], 5, best, rule, "minimize", method, 0.0, unlike=unlike))

    assert (stopped(1, unlike=False), stopped(1, unlike=True), stopped(2, unlike=True)) == ("worse", None, "worse")


def test_futile_is_what_no_luck_of_the_other_splits_would_save() -> None:
    # After 4 of 5: what is hoped for is gain + 1.64·SE·√.2, what is wanted 1·SE·√.8: the border is at .161 errors.
    error = 0.1 * math.sqrt(1 / 4 + 1 / 4)
    border = error * (math.sqrt(0.8) - 1.64 * math.sqrt(0.2))
    assert why(after(*[1.0 - border * 0.9] * 4)) == "futile"
    assert after(*[1.0 - border * 1.1] * 4) is None
    assert after(*[1.0 - border * 0.9] * 4, racing={"futility": 3.0}) is None
    assert "splits: the other splits can hardly lift it to acceptance, gain +0 ±" in after(*[1.0] * 4).words
    ahead = after(*[1.0 - border * 0.9] * 4)
    assert "splits: ahead, but the other splits can hardly lift it to acceptance, gain +" in ahead.words


def test_a_near_miss_that_may_be_a_member_of_the_ensemble_is_not_futile() -> None:
    def by(errors: float, spared: float | None) -> str | None:
        """After two of five splits, behind by so many standard errors; nothing is hoped for."""
        error = 0.1 * math.sqrt(1 / 2 + 1 / 4)
        runs = [run_of(split, 1.0 + errors * error, *DRAWS) for split in range(2)]
        best = evaluation(*[1.0] * 5, replicates=((1.0,) * 3,) * 5)
        hopeless = Method.model_validate({"racing": {"futility": 0.0}})
        return why(stop_after(runs, 5, best, SplitRule(kind="random"), "minimize", hopeless, 0.0, spared))

    assert by(0.4, None) == by(0.6, 0.5) == "futile"
    assert by(0.4, 0.5) is by(-0.1, 0.0) is None
    assert by(1.1, 2.0) == "worse", "what is clearly worse is no near miss"


def test_splits_that_the_best_was_not_run_on_decide_nothing() -> None:
    best = evaluation(1.0, replicates=((1.0,) * 3,))
    runs = [run_of(split, 1.0 - 0.1 * ERROR, *DRAWS) for split in range(4)]
    for done in range(1, 5):
        stop = stop_after(runs[:done], 5, best, SplitRule(kind="random"), "minimize", Method(), 0.0)
        assert stop is None, "one split of five leaves room for more gain, however many more were run"
    hopeless = Method.model_validate(
        {"near_ties": "incumbent", "racing": {"futility": 0.0, "margin": 9.0, "first_margin": 9.0}}
    )
    assert why(stop_after(runs, 5, best, SplitRule(kind="random"), "minimize", hopeless, 0.0)) == "futile"
    groups = stop_after(runs, 5, best, SplitRule(kind="group"), "minimize", hopeless, 0.0)
    assert groups is None, "one group is never enough"


def test_one_split_of_groups_or_time_is_never_enough_for_futile_or_decided() -> None:
    settings: dict[str, Any] = {"racing": {"futility": 0.0, "margin": 9.0, "first_margin": 9.0}}
    assert why(after(1.0, **settings)) == "futile"
    assert why(after(0.1, seconds=99)) == "decided"
    for kind in ("group", "time"):
        assert after(1.0, kind=kind, **settings) is None
        assert why(after(1.0, 1.0, kind=kind, **settings)) == "futile"
        assert after(0.1, kind=kind, seconds=99) is None
        assert why(after(0.1, 0.1, kind=kind, seconds=99)) == "decided"


def test_a_heavy_script_is_judged_once_it_is_clearly_better() -> None:
    assert why(after(1.0 - ERROR * 2.1, seconds=5)) == "decided"
    assert after(1.0 - ERROR * 1.9, seconds=5) is None, "more splits are run until it is"
    assert after(1.0 - ERROR * 2.1, seconds=4.9) is None, "a light one is run on all"
    assert "and one run takes 5 s" in after(0.5, seconds=5).words


def test_with_nothing_to_beat_a_light_script_runs_on_all_and_a_heavy_one_on_few() -> None:
    assert after(9.0, best=None) is None
    assert after(9.0, best=None, seconds=29) is None, "what all are compared with is run on all, heavy or not"
    assert why(after(9.0, best=None, seconds=30)) == "decided"
    assert after(9.0, best=None, seconds=30, kind="time") is None
    assert why(after(9.0, 9.0, best=None, seconds=30, kind="time")) == "decided"


@pytest.mark.parametrize("folds", ["all", 5])
def test_where_a_number_of_folds_is_set_no_time_is_saved_on_a_good_script(folds: Any) -> None:
    assert after(9.0, best=None, seconds=3600, folds=folds) is None
    assert after(0.1, seconds=3600, folds=folds) is None
    assert why(after(1.5, folds=folds)) == "worse", "what is worse stops all the same"


def test_where_time_has_no_say_no_script_is_heavy() -> None:
    assert after(9.0, best=None, seconds=0.0) is None
    assert after(0.1, seconds=0.0) is None


def test_after_the_last_split_nothing_is_left_to_stop() -> None:
    assert after(*[9.0] * 5) is None


def test_without_an_error_or_a_score_nothing_is_decided() -> None:
    plain = evaluation(*[1.0] * 5)
    one = run_of(0, 9.0)
    assert stop_after([one], 5, plain, SplitRule(), "minimize", Method(), 99.0) is None
    unscored = Evaluation(view="split-0")
    assert stop_after([unscored], 5, plain, SplitRule(), "minimize", Method(), 99.0) is None
    assert stop_after([unscored], 5, None, SplitRule(), "minimize", Method(), 99.0) is None


def test_it_is_worse_in_the_direction_of_the_metric() -> None:
    best = evaluation(*[1.0] * 5, replicates=((1.0,) * 3,) * 5)
    stop = stop_after([run_of(0, 0.5, *DRAWS)], 5, best, SplitRule(), "maximize", Method(), 0.0)
    assert why(stop) == "worse"


@given(st.lists(st.floats(0.5, 1.5), min_size=1, max_size=4), st.floats(0, 0.5))
def test_what_is_stopped_for_being_worse_would_be_if_it_were_worse_still(scores: list[float], more: float) -> None:
    if why(after(*scores)) == "worse":
        assert why(after(*(score + more for score in scores))) == "worse"


def by_two(gain: float, kind: Any = "random", seconds: float = 0.0, **method: Any) -> Stop | None:
    """The decision after one of four splits with that gain and a standard error of exactly 2.

    The draws differ by 0, 1 and 2, of variance 1, and 60 rows are validated for every 20 that are learnt from.
    """
    rows = {"fold_rows": ((60, 20),)}
    trial = evaluation(8.0 - gain, replicates=((8.0, 7.0, 6.0),), **rows)
    best = evaluation(8.0, replicates=((8.0, 8.0, 8.0),), **rows)
    settings = Method.model_validate(method)
    return stop_after([trial], 4, best, SplitRule(kind=kind), "minimize", settings, seconds)


def test_a_limit_that_is_met_exactly_stops_nothing() -> None:
    never_futile: dict[str, Any] = {"racing": {"futility": 99.0}}
    assert by_two(-2.0, **never_futile) is None, "worse is more than 1 error"
    assert why(by_two(-2.001, **never_futile)) == "worse"
    no_hope: dict[str, Any] = {"near_ties": "incumbent", "racing": {"futility": 0.0}}
    assert by_two(1.0, **no_hope) is None, "in the end the error will be 1, and a gain of 1 is enough"
    assert why(by_two(0.999, **no_hope)) == "futile"
    assert by_two(4.0, seconds=99.0) is None, "decided is more than 2 errors"
    assert why(by_two(4.001, seconds=99.0)) == "decided"


def test_the_gain_to_be_reached_is_that_of_the_near_tie_setting() -> None:
    no_hope: dict[str, Any] = {"near_ties": "incumbent", "racing": {"futility": 0.0}}
    assert by_two(2.1, near_tie=2.0, **no_hope) is None
    assert why(by_two(1.9, near_tie=2.0, **no_hope)) == "futile"
    assert by_two(0.6, near_tie=0.5, **no_hope) is None


def test_where_the_sign_decides_a_near_tie_any_gain_is_enough() -> None:
    no_hope: dict[str, Any] = {"near_ties": "gain", "racing": {"futility": 0.0}}
    assert by_two(0.01, **no_hope) is None
    assert why(by_two(-0.01, **no_hope)) == "futile"


def test_worse_by_how_much_has_no_sign() -> None:
    stopped = by_two(-6.0)
    assert stopped is not None
    assert "worse by 6, standard error 2 over 60 rows" in stopped.words


def test_draws_that_are_all_alike_decide_nothing() -> None:
    """A standard error of zero makes no difference certain: it says that the rows cannot tell."""
    best = evaluation(*[1.0] * 5, replicates=((1.0,) * 3,) * 5)
    for score in (0.1, 9.0):
        assert stop_after([run_of(0, score, 0.0, 0.0, 0.0)], 5, best, SplitRule(), "minimize", Method(), 99.0) is None


def test_against_a_best_without_a_score_nothing_is_decided() -> None:
    unscored = Evaluation(view="splits", planned=5)
    assert stop_after([run_of(0, 9.0, *DRAWS)], 5, unscored, SplitRule(), "minimize", Method(), 99.0) is None


def test_a_first_solution_is_judged_early_from_six_times_what_is_heavy() -> None:
    for heavy in (2.0, 10.0):
        racing = {"racing": {"heavy": heavy}}
        assert after(9.0, best=None, seconds=5.9 * heavy, **racing) is None
        assert why(after(9.0, best=None, seconds=6 * heavy, **racing)) == "decided"


@pytest.mark.parametrize("kind", ["group", "time"])
def test_from_the_second_split_of_groups_or_time_on_nothing_is_forgiven(kind: str) -> None:
    error = 0.1 * math.sqrt(0.5 + 0.25)
    if kind == "time":  # the second split weighs twice as much as the first
        error = 0.1 * math.sqrt(1 / 9 + 4 / 9 + 0.25)
    assert why(after(*[1.0 + 1.5 * error] * 2, kind=kind)) == "worse"
    assert why(after(*[1.0 + 0.9 * error] * 2, kind=kind)) == "futile"


def test_what_is_as_good_on_every_row_stops_as_the_same_where_it_can_be_completed() -> None:
    best = evaluation(*[1.0] * 5, replicates=((1.0,) * 3,) * 5)

    def stop(method: Method, seconds: float) -> Stop | None:
        return stop_after([run_of(0, 1.0, 0.0, 0.0, 0.0)], 5, best, SplitRule(), "minimize", method, seconds)

    assert why(stop(Method(), 1.0)) == "same"
    assert stop(Method(), 0.0) is None, "in lockstep"
    assert stop(Method(folds=5), 1.0) is None
