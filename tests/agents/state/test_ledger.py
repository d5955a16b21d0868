"""The ledger by hand: what of a budget is used, what is left, and how many steps may be opened."""

import pytest

from gome.agents.state.budget import Ledger
from gome.scenarios.config.scenario import Budget

FIRST, SECOND = (0, 1), (1, 1)


def test_without_limits_everything_is_allowed_and_nothing_used() -> None:
    ledger = Ledger(trials=1000, time=1e6)
    ledger.spend({"calls": 5, "tokens": 1e9, "usd": 1e3})
    assert (ledger.used(), ledger.steps_allowed(7), ledger.time_left) == (0.0, 7, None)
    left = ledger.left(0, 3)
    assert (left.trials, left.minutes, left.calls, left.tokens, left.usd, left.traces) == (*[None] * 5, 3)
    assert ledger.why() == "no trace can go on"


def test_the_share_of_trials_counts_those_ahead() -> None:
    ledger = Ledger(Budget(trials=10))
    for step in range(4):
        ledger.opened((0, step))
    assert (ledger.used(), ledger.used(ahead=2)) == (0.4, 0.6)
    assert ledger.used(ahead=9) == 1.0, "no more than all of it"
    assert (ledger.left(0, 1).trials, ledger.left(2, 1).trials, ledger.left(9, 1).trials) == (6, 4, 0)


def test_before_the_first_trial_the_budget_of_trials_is_left_and_without_one_it_is_not_known() -> None:
    assert Ledger(Budget(trials=8)).trials_left() == 8
    assert Ledger(Budget(calls=100)).trials_left() is None
    begun = Ledger(Budget(trials=8), trials=2)
    assert begun.trials_left() == 6


def test_no_more_steps_are_opened_than_trials_are_left() -> None:
    ledger = Ledger(Budget(trials=3))
    assert ledger.steps_allowed(5) == 3
    ledger.opened(FIRST)
    assert (ledger.steps_allowed(5), ledger.steps_allowed(1)) == (2, 1)
    ledger.opened(SECOND)
    ledger.opened((2, 1))
    assert ledger.steps_allowed(5) == 0
    assert ledger.why() == "the budget of trials is used"


def test_the_time_of_trials_ends_before_that_of_the_finish() -> None:
    """Of 100 minutes the last 20 are the finish's."""
    ledger = Ledger(Budget(time=6000, finish=0.2), time=1200)
    assert ledger.used() == pytest.approx(0.25)
    assert ledger.left(0, 1).minutes == 60.0
    assert ledger.time_left == 4800, "finish included"
    assert ledger.steps_allowed(2) == 2
    ledger.time = 4800
    assert (ledger.used(), ledger.left(0, 1).minutes, ledger.steps_allowed(2)) == (1.0, 0.0, 0)
    assert ledger.why() == "the budget of time is used"
    ledger.time = 5500
    assert (ledger.used(), ledger.left(0, 1).minutes) == (1.0, 0.0), "never below nothing"


def test_in_lockstep_time_has_no_say() -> None:
    ledger = Ledger(Budget(time=6000, trials=4), time=5900, trials=1)
    assert (ledger.used(timed=False), ledger.used()) == (0.25, 1.0)
    assert (ledger.left(0, 1, timed=False).minutes, ledger.left(0, 1).minutes) == (None, 0.0)
    assert (ledger.steps_allowed(2, timed=False), ledger.steps_allowed(2)) == (2, 0)


def test_usage_adds_up_and_the_scarcest_limit_counts() -> None:
    ledger = Ledger(Budget(tokens=100, calls=10, usd=8))
    ledger.spend({"tokens": 20, "calls": 1, "usd": 0.5})
    ledger.spend({"tokens": 30, "calls": 3, "usd": 0.5})
    assert ledger.spent == {"tokens": 50.0, "calls": 4.0, "usd": 1.0}
    assert ledger.used() == 0.5
    left = ledger.left(0, 1)
    assert (left.tokens, left.calls, left.usd) == (50.0, 6.0, 7.0)
    ledger.spend({"tokens": 80})
    assert (ledger.used(), ledger.left(0, 1).tokens) == (1.0, 0.0)
    assert ledger.why() == "the budget of tokens is used"


def test_a_refused_call_uses_up_its_limit_until_there_is_a_new_budget() -> None:
    ledger = Ledger(Budget(tokens=100, calls=10))
    ledger.spend({"refused_tokens": 1, "tokens": 5})
    ledger.spend({"calls": 1})
    assert (ledger.used(), ledger.steps_allowed(2)) == (1.0, 0)
    assert ledger.why() == "the budget of tokens is used"
    ledger.spend({"refused_calls": 1})
    assert ledger.why() == "the budget of tokens and calls is used"
    ledger.rebudget(Budget(tokens=100, calls=20))
    assert (ledger.used(), ledger.steps_allowed(2)) == (0.05, 2)


def test_a_closed_ledger_opens_nothing_until_there_is_a_new_budget() -> None:
    ledger = Ledger(Budget(trials=9), closed=True)
    assert ledger.steps_allowed(2) == 0
    assert ledger.why() == "the time for trials is over"
    ledger.rebudget(Budget(trials=9))
    assert ledger.steps_allowed(2) == 2
    assert ledger.why() == "no trace can go on"


def finished(ledger: Ledger, place: tuple[int, int], *tokens: float) -> None:
    """A step from its start to its diagnosis, with one activity for each number of tokens."""
    ledger.opened(place)
    for used in tokens:
        ledger.spend({"tokens": used}, place)
    ledger.ended(place)


def test_the_dearest_step_is_that_of_the_largest_sum() -> None:
    ledger = Ledger(Budget(tokens=100))
    finished(ledger, FIRST, 10, 15)
    assert ledger.steps_allowed(9) == 3
    finished(ledger, SECOND, 5)
    assert ledger.dearest["tokens"] == 25
    assert ledger.steps_allowed(9) == 2, "70 are left for steps of 25"
    ledger.spend({"tokens": 25})
    assert ledger.steps_allowed(9) == 1
    ledger.spend({"tokens": 25})
    assert ledger.steps_allowed(9) == 0, "20 are too few"
    assert ledger.used() < 1
    assert ledger.why() == "the budget of tokens is used"


def test_what_running_steps_may_still_use_is_set_aside() -> None:
    ledger = Ledger(Budget(tokens=100))
    finished(ledger, (0, 0), 20)
    ledger.opened(FIRST)
    ledger.opened(SECOND)
    assert ledger.steps_allowed(9) == 2, "of 80 each of the two takes 20"
    ledger.spend({"tokens": 15}, FIRST)
    assert ledger.steps_allowed(9) == 2, "it was set aside already"
    ledger.spend({"tokens": 15}, FIRST)
    assert ledger.steps_allowed(9) == 1, "it uses more than any before: 50 are left, and 20 of them are the other's"
    ledger.ended(SECOND)
    assert ledger.steps_allowed(9) == 2, "the other ended without using any"
    ledger.ended(FIRST)
    assert ledger.dearest["tokens"] == 30
    assert ledger.steps_allowed(9) == 1
    assert ledger.under_way == {}


def test_an_overspent_budget_allows_no_step_and_no_negative_number() -> None:
    ledger = Ledger(Budget(tokens=100))
    finished(ledger, FIRST, 95)
    ledger.opened(SECOND)
    ledger.opened((2, 1))
    assert ledger.steps_allowed(9) == 0, "5 are left, and the two running steps may need 190"
    ledger.ended((2, 1))
    ledger.rebudget(Budget(tokens=200))
    assert ledger.steps_allowed(9) == 0, "105 are left; 95 are the running step's"
    ledger.ended(SECOND)
    assert ledger.steps_allowed(9) == 1
