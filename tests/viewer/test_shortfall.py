"""A run that accepted nothing says what its scripts ended with and what may help."""

import pytest

from agents.messages import RepairCalled
from executors.launch import Cause
from tests.viewer.sample import Sample, sample_run
from viewer.shortfall import shortfall


def failed(sample: Sample, cause: Cause, words: str) -> None:
    call = RepairCalled(
        script_ref="0" * 64, attempt=1, phase="debug", cause=cause, words=words, output_ref=None, evaluation=None
    )
    sample.say("runner-0", call, 0, 1)


@pytest.fixture
def sample() -> Sample:
    begun = sample_run(finish=False)
    begun.envelopes = [each for each in begun.envelopes if each.kind not in ("repair_called", "trial")]
    return begun


def test_the_most_frequent_cause_is_said_with_its_remedy(sample: Sample) -> None:
    failed(sample, Cause.EXIT, "KeyError: 'hr'")
    failed(sample, Cause.TIMEOUT, "ran longer than 20 s")
    failed(sample, Cause.TIMEOUT, "ran longer than 20 s")
    said = shortfall(sample.envelopes)
    assert said is not None
    assert said.startswith("2 of 3 failed attempts ended with timeout: ran longer than 20 s; a busy machine")
    assert "executors.timeout.debug" in said


def test_a_cause_without_a_remedy_stands_for_itself_without_power_over_the_terminal(sample: Sample) -> None:
    failed(sample, Cause.EXIT, "KeyError: \x1b[2J'hr'")
    assert shortfall(sample.envelopes) == "1 of 1 failed attempt ended with exit: KeyError: 'hr'"


def test_a_trial_that_was_not_run_says_nothing_of_the_scripts() -> None:
    ran = sample_run(finish=False)
    late = [each.message.model_copy(update={"late": True}) for each in ran.envelopes if each.kind == "trial"]
    assert late
    quiet = Sample()
    for message in late:
        quiet.say("runner-0", message, 0, 1)
    assert shortfall(quiet.envelopes) is None
