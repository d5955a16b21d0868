"""Which trace steps next, by hand and in a simulated run."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gome.agents.method.trace_order import Standing, in_order, puct, shares
from gome.agents.protocol.messages import Diagnosis, StepOpened
from gome.scenarios.config.method import Scheduling
from tests.agents.method.test_optimizers import run

THREE = {0: Standing(4, 0.9), 1: Standing(1, 0.5), 2: Standing(2, 0.1)}
"""Bests .9 .5 .1: mean .5, spread .326599, so values 1.224745, 0 and −1.224745."""
Z = 1.224745


def settings(policy: str, **rest: Any) -> Scheduling:
    return Scheduling.model_validate({"policy": policy, "at_once": 1, **rest})


def test_in_turn_who_has_stepped_least_is_first() -> None:
    assert list(in_order(THREE, Scheduling(), 0)) == [1, 2, 0]


def test_who_has_not_begun_comes_first_under_each_policy() -> None:
    for policy in ("round-robin", "softmax", "puct"):
        assert in_order({**THREE, 7: Standing(0, None)}, settings(policy), 0)[0] == 7


def test_shares_by_hand() -> None:
    weights = [math.exp(Z / 2), 1.0, math.exp(-Z / 2)]
    found = shares(THREE, temperature=2.0)
    assert list(found.values()) == pytest.approx([each / sum(weights) for each in weights], rel=1e-5)
    draws = Counter(in_order(THREE, settings("softmax", temperature=2.0), seed)[0] for seed in range(600))
    assert draws[0] / 600 == pytest.approx(found[0], abs=0.07)


def test_puct_by_hand() -> None:
    prior = shares(THREE, 1.0)
    found = puct(THREE, settings("puct", exploration=2.0))
    for trace, value, steps in ((0, Z, 4), (1, 0.0, 1), (2, -Z, 2)):
        assert found[trace] == pytest.approx(value + 2.0 * prior[trace] * math.sqrt(7) / (1 + steps), rel=1e-5)
    assert in_order(THREE, settings("puct", exploration=0.0), 0)[0] == 0, "the best alone"
    # √7/2·C outweighs what the second is behind once C is large, since it was tried once and the first four times.
    assert in_order({0: Standing(40, 0.6), 1: Standing(1, 0.5)}, settings("puct", exploration=9.0), 0)[0] == 1


@given(
    st.dictionaries(st.integers(0, 9), st.builds(Standing, st.integers(0, 20), st.none() | st.floats(-1e3, 1e3))),
    st.sampled_from(("round-robin", "softmax", "puct")),
    st.integers(0, 99),
)
def test_every_trace_has_its_place(standings: dict[int, Standing], policy: str, seed: int) -> None:
    order = list(in_order(standings, settings(policy), seed))
    assert sorted(order) == sorted(standings)
    assert order == list(in_order(standings, settings(policy), seed))
    if standings:
        assert sum(shares(standings, 1.0).values()) == pytest.approx(1.0)


@pytest.mark.parametrize("policy", ["round-robin", "softmax", "puct"])
def test_no_more_traces_step_than_may(policy: str, tmp_path: Path) -> None:
    method = {"scheduling": {"policy": policy, "at_once": 1}}
    envelopes = run(tmp_path / "run", trials=9, traces=3, method=method)
    opened, ended, order = 0, 0, []
    for envelope in envelopes:
        if isinstance(envelope.message, StepOpened):
            opened += 1
            order.append(envelope.trace)
        elif isinstance(envelope.message, Diagnosis) and envelope.message.verdict != "surveyed":
            ended += 1
        assert opened - ended <= 1
    assert (opened, ended) == (9, 9)
    assert set(order[:3]) == {0, 1, 2}, "all begin"
    if policy == "round-robin":
        assert Counter(order) == {0: 3, 1: 3, 2: 3}


def test_a_choice_needs_something_to_choose() -> None:
    with pytest.raises(ValidationError, match="set `at_once` to the number of steps"):
        Scheduling(policy="puct")
