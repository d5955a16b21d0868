"""A real small language model carries a whole run: no key, no network, every reply typed by its schema.

What is held here is the protocol. What a model of 135 million parameters proposes is no better than chance.
"""

from collections import Counter
from pathlib import Path

import anyio
import pytest

from gome.agents.backends.base import Answer
from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.lifecycle import start_run
from gome.agents.runtime.replay import replay_run
from gome.bus.events import ActivityFinished
from gome.bus.store.reader import LogReader
from gome.scenarios.config.scenario import Scenario
from tests.agents.backends.small_model import FOLDER, WINDOW, missing, serving
from tests.scenarios.helpers.make_task import make_task

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(missing(FOLDER) is not None, reason=missing(FOLDER) or ""),
]

ASKED = {"SurveyTask", "ProposeStep", "WriteSolution", "RepairSolution", "AssessTrial"}


def scenario(task: Path, base_url: str) -> Scenario:
    """One trial; `context` is not set, so the server is asked for it."""
    model = {"kind": "openai", "model": "smollm2-135m-instruct", "base_url": base_url, "code": "json"}
    bounds = {"max_tokens": 2500, "temperature": 0.7, "seed": True, "asks": 5, "timeout": "20min", "concurrency": 1}
    return Scenario.model_validate(
        {
            "name": "small-model",
            "task": str(task),
            "traces": 1,
            "budget": {"trials": 1},
            "backends": {"small": model | bounds},
            "roles": {"diagnoser": "small", "proposer": "small", "executor": "small"},
            "executors": {"slots": 1, "repairs": 1, "timeout": {"debug": "30s", "full": "60s"}},
        }
    )


def answers(folder: Path) -> list[tuple[str, Answer]]:
    """Each question that the log has, with its answer."""
    with LogReader(folder, VOCABULARY) as reader:
        return [
            (finished.label, Answer.model_validate_json(reader.artefacts.read_now(finished.result_ref)))
            for envelope in reader.envelopes(kinds=["activity_finished"])
            if isinstance(finished := envelope.message, ActivityFinished) and finished.activity == "reason"
        ]


def test_it_carries_a_whole_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with serving(FOLDER) as base_url:
        asked = scenario(make_task(tmp_path / "task", rows=200), base_url)
        finished = anyio.run(lambda: start_run(asked, tmp_path, folder, run_id="small-model"))
    given = answers(folder)
    for label, answer in given:
        meter = answer.meter
        print(f"{label}: {meter['calls']:.0f} call(s), {meter['seconds']:.0f} s, {meter['tokens']:.0f} tokens", end="")
        print(f"; {answer.failure}" if answer.failure else "")
    assert isinstance(finished, RunFinished)
    assert finished.trials == 1
    assert Counter(label for label, answer in given if not answer.failure).keys() == ASKED
    assert finished.dead_letters == 0
    assert all((answer.usage.input or WINDOW) < WINDOW for _, answer in given if answer.usage)
    assert anyio.run(replay_run, folder).handled
