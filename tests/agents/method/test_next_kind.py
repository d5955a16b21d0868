"""The bandit over kinds of step: what it is worth to try which, by hand and for all records."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.agents.method.next_kind import MOST_ERRORS, rewarded, suggested, values
from gome.agents.protocol.kind_record import KindRecord
from gome.agents.protocol.messages import Diagnosis, Proposal, StepOpened
from gome.agents.protocol.types import Effect, Left, StepKind
from gome.agents.state.kind_records import KindRecords
from gome.bus.message import Envelope, Message
from gome.scenarios.config.method import KindSettings
from tests.agents.helpers.requests_made import hypothesis

SETTINGS = KindSettings(weight=2, exploration=1, gains={"edit": 0.5, "tune": 1.0}, costs={"tune": 4.0})


def record(kind: StepKind, steps: int, gain: float, cost: float, accepted: int = 0) -> KindRecord:
    return KindRecord(kind=kind, steps=steps, accepted=accepted, gain=gain, cost=cost)


def test_before_any_step_the_priors_decide() -> None:
    kinds: tuple[StepKind, ...] = ("edit", "tune", "merge")
    assert values((), kinds, SETTINGS) == {"edit": 0.5, "tune": 0.25, "merge": 0.0}
    assert suggested((), ("tune", "edit"), SETTINGS) == "edit", "a search is the price of four edits"


def test_the_value_by_hand() -> None:
    found = values((record("edit", 2, 3.0, 8.0),), ("edit", "tune"), SETTINGS)
    bonus = math.log(3)  # of ln(1 + 2 steps)
    assert found["edit"] == pytest.approx(((2 * 0.5 + 3) / 4 + math.sqrt(bonus / 4)) / ((2 * 4 + 8) / 4))
    assert found["tune"] == pytest.approx((1.0 + math.sqrt(bonus / 2)) / 16)


def test_where_edits_no_longer_pay_a_search_does_and_a_dear_search_that_gave_nothing_is_left() -> None:
    settings = KindSettings()
    in_vain = record("edit", 6, 0.0, 6.0)
    assert suggested((in_vain,), ("edit", "tune"), settings) == "tune"
    assert suggested((in_vain, record("tune", 2, 0.0, 40.0)), ("edit", "tune"), settings) == "edit"
    assert suggested((record("edit", 6, 12.0, 6.0),), ("edit", "tune"), settings) == "edit"


def test_nothing_is_suggested_where_there_is_no_choice_or_none_is_asked_for() -> None:
    assert suggested((), ("edit",), SETTINGS) is None
    assert suggested((), ("edit", "tune"), KindSettings(suggest=False)) is None


RECORDS = st.lists(
    st.builds(
        record,
        st.sampled_from(("edit", "bundle", "merge", "leap", "return", "tune")),
        st.integers(0, 50),
        st.floats(0, 100),
        st.floats(0.001, 1000),
    ),
    unique_by=lambda each: each.kind,
)


@given(RECORDS, st.floats(0.001, 10))
def test_the_unit_of_costs_has_no_say(records: list[KindRecord], unit: float) -> None:
    kinds: tuple[StepKind, ...] = ("edit", "bundle", "tune")
    scaled = [each.model_copy(update={"cost": each.cost * unit}) for each in records]
    one, other = (values(each, kinds, SETTINGS) for each in (records, scaled))
    assert all(math.isfinite(each) and each >= 0 for each in one.values())
    if sum(each.steps for each in records):
        ratio = {kind: one[kind] / other[kind] for kind in kinds if other[kind] > 0}
        assert all(each == pytest.approx(unit, rel=1e-6) for each in ratio.values())


def test_a_trial_is_worth_its_accepted_gain_in_standard_errors() -> None:
    assert rewarded(0.4, 0.2, accepted=True) == 2.0
    assert rewarded(9.0, 0.2, accepted=True) == MOST_ERRORS
    assert rewarded(0.4, None, accepted=True) == 1.0
    assert rewarded(0.4, 0.2, accepted=False) == rewarded(-0.4, 0.2, accepted=True) == 0.0


def said(message: Message, trace: int, step: int, at: float) -> Envelope:
    return Envelope("m", 1, "run", "x", trace, step, None, "c", at, message)


def proposal(kind: StepKind) -> Proposal:
    ideas = (hypothesis("idea"),)
    return Proposal(
        action="improve",
        step_kind=kind,
        hypotheses=ideas,
        sketch="",
        reason="",
        base_ref="b",
        origin=None,
        stage="improve",
    )


def diagnosed(gain: float | None) -> Diagnosis:
    effect = None if gain is None else Effect(gain=gain, standard_error=0.5, verdict="better" if gain > 0 else "worse")
    verdict = "accepted" if gain is None or gain > 0 else "rejected"
    return Diagnosis.model_validate({"verdict": verdict, "reason": "", "effect": effect})


def test_the_records_count_gains_and_what_steps_took_over_all_traces() -> None:
    timed, counted = KindRecords(), KindRecords()
    steps: list[tuple[int, int, StepKind, float, float | None]] = [
        (0, 1, "edit", 10.0, None),
        (0, 2, "edit", 60.0, 1.0),
        (1, 2, "edit", 120.0, -1.0),
        (1, 3, "tune", 90.0, 0.5),
    ]
    for trace, step, kind, seconds, gain in steps:
        opened = StepOpened(used=0.0, stage="improve", left=Left())
        for message, at in ((opened, 100.0), (proposal(kind), 101.0), (diagnosed(gain), 100.0 + seconds)):
            timed.heard(said(message, trace, step, at), timed=True)
            counted.heard(said(message, trace, step, at), timed=False)
    assert timed.told == (record("edit", 2, 2.0, 3.0, 1), record("tune", 1, 1.0, 1.5, 1)), "minutes, calls included"
    assert counted.told == (record("edit", 2, 2.0, 2.0, 1), record("tune", 1, 1.0, 1.0, 1)), "trials"
    timed.heard(Envelope("m", 1, "run", "x", None, None, None, "c", 0.0, diagnosed(None)), timed=True)
    assert len(timed.told) == 2
