"""The bandit over backends: its values by hand, and what holds for all records."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.agents.method.bandit import ranked
from gome.agents.protocol.backend_choice import BackendRecord
from gome.scenarios.config.scenario import Choose

SETTINGS = Choose(among=("a", "b"), gain=0.5, weight=1, exploration=1)
BY_GAIN = SETTINGS.model_copy(update={"by": "gain"})


def order(*records: BackendRecord, settings: Choose = SETTINGS) -> list[str]:
    return [each.backend for each in ranked(records, settings)]


def test_the_values_by_hand() -> None:
    records = (
        BackendRecord(backend="a", steps=2, gain=3.0, usd=0.06),
        BackendRecord(backend="b", steps=1, usd=0.03),
        BackendRecord(backend="c", underway=1),
    )
    found = {each.backend: each.value for each in ranked(records, SETTINGS)}
    log = math.log(5)  # of 1 + 3 steps that have ended + 1 under way
    assert found["a"] == pytest.approx((3.5 / 3 + math.sqrt(log / 3)) / ((1 + 2) / 3))
    assert found["b"] == pytest.approx((0.5 / 2 + math.sqrt(log / 2)) / ((1 + 1) / 2))
    assert found["c"] == pytest.approx(0.5 / 2 + math.sqrt(log / 2)), "as dear as the average, and no gain yet"


def test_who_was_never_asked_is_asked_first_in_the_order_of_the_scenario() -> None:
    known = BackendRecord(backend="a", steps=5, gain=15.0, usd=0.01)
    new = (BackendRecord(backend="b"), BackendRecord(backend="c"))
    assert order(known, *new) == ["b", "c", "a"]
    assert order(known, new[0].model_copy(update={"underway": 1}), new[1]) == ["c", "a", "b"]


def test_where_nothing_has_a_price_the_gain_decides() -> None:
    free = (BackendRecord(backend="a", steps=3, gain=1.0), BackendRecord(backend="b", steps=3, gain=2.0))
    assert order(*free) == order(*free, settings=BY_GAIN) == ["b", "a"]


def test_a_dear_one_must_gain_more() -> None:
    dear = BackendRecord(backend="a", steps=4, gain=4.0, usd=4.0)
    cheap = BackendRecord(backend="b", steps=4, gain=2.0, usd=0.4)
    assert order(dear, cheap) == ["b", "a"]
    assert order(dear, cheap, settings=BY_GAIN) == ["a", "b"]


RECORDS = st.lists(
    st.builds(
        BackendRecord,
        backend=st.sampled_from("abcdef"),
        steps=st.integers(1, 50),
        underway=st.integers(0, 3),
        gain=st.floats(0, 150),
        usd=st.floats(1e-4, 100),
    ),
    min_size=1,
    unique_by=lambda each: each.backend,
)


@given(RECORDS, st.sampled_from([0.001, 4.0, 250.0]))
def test_the_unit_of_money_has_no_say(records: list[BackendRecord], unit: float) -> None:
    scaled = [each.model_copy(update={"usd": each.usd * unit}) for each in records]
    values = [{each.backend: each.value for each in ranked(some, SETTINGS)} for some in (records, scaled)]
    assert values[0] == pytest.approx(values[1])


@given(RECORDS)
def test_everyone_is_in_the_order_once_and_more_gain_never_costs_a_place(records: list[BackendRecord]) -> None:
    before = order(*records)
    assert sorted(before) == sorted(each.backend for each in records)
    better = [records[0].model_copy(update={"gain": records[0].gain + 1}), *records[1:]]
    assert order(*better).index(records[0].backend) <= before.index(records[0].backend)
