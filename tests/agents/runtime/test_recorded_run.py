"""The quick start through the `openai` backend: a real HTTP server, recorded whole solutions, real executor and data.

Two traces answer with one recording, the second in other words, so that each part is seen at work: a whole script, its
repair by a patch, a step by another patch, and what the one memory recalls.
"""

from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY, Diagnosis, Job, Recollection, RepairCalled, Trial
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.lifecycle import start_run
from gome.agents.runtime.replay import replay_run
from gome.bus.message import Message
from gome.bus.store.reader import LogReader
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.scenario import Scenario
from tests.agents.helpers.model_server import Ask, ModelServer
from tests.agents.helpers.recorded_model import RecordedModel

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.xdist_group("recorded")  # they share one long run


def scenario(base_url: str, **changes: object) -> Scenario:
    """The recording's task with one trace, for whoever plays it another way."""
    return Scenario.model_validate(
        {
            "name": "recorded",
            "task": str(ROOT / "scenarios" / "tasks" / "bike-demand"),
            "traces": 1,
            "budget": {"trials": 2},
            "seed": 7,
            "backends": {"recorded": {"kind": "openai", "model": "recorded", "base_url": base_url}},
            "roles": {"diagnoser": "recorded", "proposer": "recorded", "executor": "recorded"},
            "executors": {"slots": 2, "timeout": {"debug": "60s", "full": "60s"}},
            "method": {"folds": 1, "finish": {"candidates": 1, "seeds": 1, "ship": "mean"}},
            **changes,
        }
    )


@dataclass(frozen=True)
class Recorded:
    """The run's folder, how it ended, and what the server was asked."""

    folder: Path
    finished: RunFinished
    asks: list[Ask]

    def said(self, trace: int, step: int) -> list[Message]:
        """The messages of one step."""
        with LogReader(self.folder, VOCABULARY) as reader:
            return [each.message for each in reader.envelopes(step=step) if each.trace == trace]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("runs") / "recorded"
    path = ROOT / "scenarios" / "bike-demand.yaml"
    with ModelServer(RecordedModel.load("bike_demand").turn) as server:
        model = f"{{kind: openai, model: recorded, base_url: '{server.base_url}'}}"
        finish = "method.finish={candidates: 1, seeds: 1, ship: mean}"
        place = "executors.slots=1"  # a warm interpreter for each slot costs more than it saves here
        smaller = [place, "budget={trials: 3}", "method.folds=2", "memory.consistency=lockstep", finish]
        asked = load_scenario(path, [f"backends.recorded={model}", *smaller], ["*=recorded"])
        finished = anyio.run(lambda: start_run(asked, path, folder, run_id="recorded"))
        assert finished is not None
        return Recorded(folder, finished, server.asks)


@pytest.mark.parametrize("trace", [0, 1])
def test_a_script_is_written_repaired_once_and_run(run: Recorded, trace: int) -> None:
    first = run.said(trace, 1)
    repairs = [message for message in first if isinstance(message, RepairCalled)]
    trials = [message for message in first if isinstance(message, Trial)]
    assert len(repairs) == 1
    assert [message.attempt for message in first if isinstance(message, Job)] == [1, 2]
    assert [(trial.cause, trial.attempts) for trial in trials] == [("ok", 2)]
    assert trials[0].evaluation is not None
    assert trials[0].evaluation.score is not None
    assert len(trials[0].evaluation.folds) == 2


def test_the_second_step_improves_and_the_run_ends_with_a_grade(run: Recorded) -> None:
    finished = run.finished
    assert finished.winner is not None
    assert finished.winner.step == 2
    steps = [(0, 1), (1, 1), (finished.winner.trace, 2)]
    verdicts = [each.verdict for at in steps for each in run.said(*at) if isinstance(each, Diagnosis)]
    assert verdicts == ["accepted"] * 3
    assert finished.grade is not None
    assert finished.grade.score < 0.5
    assert (finished.trials, finished.accepted, finished.dead_letters) == (3, 3, 0)


def test_what_was_accepted_is_recalled_and_put_to_the_model(run: Recorded) -> None:
    (asked,) = [ask for ask in run.asks if ask.kind == "propose_step" and ask.step == 2]
    (recollection,) = [each for each in run.said(asked.trace, 2) if isinstance(each, Recollection)]
    (recalled,) = recollection.recalled
    assert recalled.trace == 1 - asked.trace
    assert "momentum: accepted and in force in other traces" in asked.prompt
    assert f"trace {recalled.trace}, step 1, a first solution, score " in asked.prompt
    assert all(each.statement in asked.prompt for each in recalled.hypotheses)
    assert recalled.feedback in asked.prompt
    assert {each.trace for each in recollection.standings} == {0, 1}
    learnt = [each for each in recollection.findings if each.trace == recalled.trace]
    assert [each.text in asked.prompt for each in learnt] == [True]


def test_what_a_script_failed_of_and_how_it_was_mended_is_put_to_the_writer(run: Recorded) -> None:
    (asked,) = [ask for ask in run.asks if ask.kind == "write_solution" and ask.step == 2]
    assert "ended with status 1: KeyError, line 21" in asked.prompt
    assert "It was mended: The data call the hour `hr`" in asked.prompt


def test_no_finished_call_is_paid_twice(run: Recorded) -> None:
    with LogReader(run.folder, VOCABULARY) as reader:
        reasoned = [
            envelope
            for envelope in reader.envelopes(kinds=["activity_finished"])
            if getattr(envelope.message, "activity", "") == "reason"
        ]
    assert len(run.asks) == len(reasoned) == 1 + 2 * 4 + 3


def test_it_replays_without_the_server(run: Recorded) -> None:
    assert anyio.run(replay_run, run.folder).buried == 0
