"""The budget of a run on a user's own table: a limit that is named is not undercut by a default that is not."""

import pytest

from gome.api.improving import _Asked
from gome.api.table_budget import budget_settings, table_budget
from gome.errors import UsageError

NAMED = [
    ((), "time: 10min, trials: 12"),
    (("seed=3", "budget.finish=0.1"), "time: 10min, trials: 12"),
    (("budget.time=8min",), "time: 8min"),
    (("budget.trials=50",), "trials: 50"),
    (("budget.time=1h", "budget.calls=100"), "time: 1h, calls: 100"),
    (("budget.tokens=1000", "budget.trials=3"), "tokens: 1000, trials: 3"),
    (("budget.time=soon",), "time: 10min, trials: 12"),  # is reported where the scenario is loaded
    (("budget.tome=1h",), "time: 10min, trials: 12"),
]


@pytest.mark.parametrize(("overrides", "written"), NAMED)
def test_limits_that_are_named_replace_the_defaults(overrides: tuple[str, ...], written: str) -> None:
    assert table_budget(None, overrides) == written


def test_a_limit_on_money_stays_until_it_is_named() -> None:
    assert table_budget("gpt-5") == "time: 1h, usd: 5"
    assert table_budget("gpt-5", ("budget.time=3h",)) == "usd: 5, time: 3h"
    assert table_budget("gpt-5", ("budget.usd=20",)) == "usd: 20"


@pytest.mark.parametrize(
    ("budget", "written"),
    [
        ("1h", "time: 1h"),
        (30, "trials: 30"),
        ("30", "trials: 30"),
        (" 4 min", "time: 4 min"),
        ({"time": "1h", "trials": 9}, "time: 1h, trials: 9"),
        (None, "time: 10min, trials: 12"),
    ],
)
def test_the_python_interface_has_the_same_rule(budget: object, written: str) -> None:
    asked = _Asked("train.csv", "y", budget=budget)  # type: ignore[arg-type]
    assert table_budget(None, asked.overrides) == written


@pytest.mark.parametrize("budget", ["4 minutes", "soon", "4m", "-3", ""])
def test_a_budget_that_is_neither_a_time_nor_trials_gets_an_example(budget: str) -> None:
    with pytest.raises(UsageError, match="such as 90s, 4min or 1h, or a number of trials, such as 12"):
        budget_settings(budget)
