"""Sizes and times in messages about scripts are rounded for reading."""

import pytest

from gome.executors.processes.supervise import period


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.25, "0.25 s"), (2.0112, "2 s"), (2.06, "2.1 s"), (9.96, "10 s"), (61.4, "61 s"), (3600.0, "3600 s")],
)
def test_a_period_has_no_more_digits_than_anybody_reads(seconds: float, words: str) -> None:
    assert period(seconds) == words
