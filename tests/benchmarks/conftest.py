"""What whole runs of benchmarks share: tables of few rows, and a run of two trials, as benchmarks make one of ten."""

from functools import partial
from pathlib import Path

import anyio
import pytest

from benchmarks import prompts
from benchmarks.crossover import grid
from benchmarks.crossover.tasks import write_task
from gome.agents.runtime.lifecycle import start_run
from gome.scenarios.config.scenario import Scenario

FEW = (120, 120)
"""Rows to learn from and rows of the test."""


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grid's tasks have few rows and two folds, so that a script takes a tenth of a second."""
    monkeypatch.setattr(grid, "write_task", partial(write_task, rows=FEW, folds=2))


@pytest.fixture(scope="session")
def two_trials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run. Whoever uses it is in the xdist group `prompts`, so that there is one run."""
    place = tmp_path_factory.mktemp("prompts")
    task = write_task("loans", place / "loans", FEW, folds=2)
    asked = prompts.scenario_of(2).model_dump()
    asked["method"]["finish"] |= {"candidates": 1, "seeds": 1, "ship": "mean"}  # no question is put to a model there
    scenario = Scenario.model_validate(asked | {"task": str(task), "executors": {"slots": 1, "threads": 1}})
    anyio.run(lambda: start_run(scenario, place / "loans.yaml", place / "run", run_id="prompts"))
    return place / "run"
