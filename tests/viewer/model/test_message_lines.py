"""The line of a message: what a run's first screen says."""

from dataclasses import replace

import pytest

from gome.agents.protocol.run_messages import RunOpened
from gome.viewer.model.message_lines import headline
from tests.viewer.sample import sample_run


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ({"time": 480.0, "trials": None, "finish": 0.2}, "budget: 8m00s (96.0s of it for the finish); backends"),
        ({"time": 480.0, "trials": 12, "finish": 0.0}, "budget: 8m00s, 12 trials; backends"),
        ({"trials": 12, "calls": 40, "tokens": 200000, "usd": 0.5}, "12 trials, 40 calls, 200.0k tokens, 0.5 USD;"),
        ({"time": None, "finish": 0.2}, "budget: no limit; backends"),
    ],
)
def test_the_first_line_shows_every_limit(budget: dict[str, float | None], words: str) -> None:
    first = sample_run().envelopes[0]
    assert isinstance(first.message, RunOpened)
    scenario = {**first.message.scenario, "budget": budget}
    opened = replace(first, message=first.message.model_copy(update={"scenario": scenario}))
    assert words in headline(opened)
