"""A run that accepted nothing says what its scripts ended with and what may help."""

from dataclasses import replace
from typing import Any, Literal

import pytest

from gome.agents.protocol.messages import Diagnosis, RepairCalled
from gome.agents.scripts.execution import BUDGET_SPENT
from gome.agents.state.deadline import TIME_OVER
from gome.executors.launch import Cause
from gome.viewer.model.no_success import shortfall
from gome.viewer.model.summary import summarise
from tests.viewer.sample import Sample, opened, sample_run


def failed(sample: Sample, cause: Cause, words: str, phase: Literal["debug", "full"] = "debug") -> None:
    call = RepairCalled(
        script_ref="0" * 64, attempt=1, phase=phase, cause=cause, words=words, output_ref=None, evaluation=None
    )
    sample.say("runner-0", call, 0, 1)


def said(sample: Sample) -> str | None:
    return shortfall(summarise(sample.envelopes))


@pytest.fixture
def sample() -> Sample:
    """A run whose limits are known, and nothing of its scripts."""
    begun = sample_run(finish=False)
    begun.envelopes = [each for each in begun.envelopes if each.kind not in ("repair_called", "trial")]
    first = opened(begun)
    limits: dict[str, Any] = {"executors": {"timeout": {"debug": 20.0, "full": 60.0}}}
    first = first.model_copy(update={"scenario": first.scenario | limits})
    begun.envelopes[0] = replace(begun.envelopes[0], message=first)
    return begun


def test_the_most_frequent_cause_is_said_with_the_setting_that_was_met(sample: Sample) -> None:
    failed(sample, Cause.EXIT, "KeyError: 'hr'")
    failed(sample, Cause.TIMEOUT, "ran longer than 20 s")
    failed(sample, Cause.TIMEOUT, "ran longer than 20 s")
    assert said(sample) == (
        "2 of 3 failed attempts ended with timeout: ran longer than 20 s; "
        "a busy machine needs longer limits: --set executors.timeout.debug=60s"
    )


def test_every_limit_that_was_met_is_named_the_most_frequent_first(sample: Sample) -> None:
    failed(sample, Cause.TIMEOUT, "ran longer than 20 s")
    for _ in range(2):
        failed(sample, Cause.TIMEOUT, f"ran longer than 2 s: {BUDGET_SPENT}", "full")
    words = said(sample)
    assert words is not None
    assert words.endswith("longer limits: --set budget.time=300s --set executors.timeout.debug=60s")


def test_limits_that_are_not_known_are_named_without_figures() -> None:
    sample = Sample()
    failed(sample, Cause.PROJECTED, "split 2/5 at 40 s puts the end at 160 s, past 60 s", "full")
    words = said(sample)
    assert words is not None
    assert words.endswith("longer limits: --set executors.timeout.full")


def test_memory_has_its_limit_named(sample: Sample) -> None:
    failed(sample, Cause.MEMORY, "used 5 GiB")
    assert said(sample) == (
        "1 of 1 failed attempt ended with memory: used 5 GiB; raise the limit with --set executors.memory"
    )


def test_a_cause_without_a_remedy_stands_for_itself_without_power_over_the_terminal(sample: Sample) -> None:
    failed(sample, Cause.EXIT, "KeyError: \x1b[2J'hr'")
    assert said(sample) == "1 of 1 failed attempt ended with exit: KeyError: 'hr'"


def test_steps_that_were_left_are_told_of_where_nothing_else_ended(sample: Sample) -> None:
    assert said(sample) is None
    left = Diagnosis.without_trial("unfinished", f"not written: {TIME_OVER}")
    sample.say("writer-0", left, 0, 1)
    assert said(sample) == (
        "no script ran to its end; the first step was not written: the time for trials was over; "
        "a busy machine needs longer limits: --set budget.time=300s"
    )
    failed(sample, Cause.EXIT, "KeyError: 'hr'")
    assert said(sample) == "1 of 1 failed attempt ended with exit: KeyError: 'hr'"


def test_at_least_a_minute_and_what_scripts_were_measured_to_need_is_suggested(sample: Sample) -> None:
    first = opened(sample)
    for time, suggested in ((4.0, 60), (90.0, 270)):
        few = first.model_copy(update={"scenario": first.scenario | {"budget": {"time": time, "finish": 0.2}}})
        sample.envelopes[0] = replace(sample.envelopes[0], message=few)
        failed(sample, Cause.TIMEOUT, f"ran longer than 1 s: {BUDGET_SPENT}", "full")
        summary = summarise(sample.envelopes)
        assert (said(sample) or "").endswith(f"longer limits: --set budget.time={suggested}s")
    runs = [each for each in summary.timeline.spans if each.executes]
    runs[0].end = runs[0].start + 200  # two splits in turn in one slot
    summary.timeline.slots = 1
    needed = (runs[0].start + 3 * 200 * len(few.splits)) / 0.8
    assert (shortfall(summary) or "").endswith(f"longer limits: --set budget.time={needed:.0f}s")
