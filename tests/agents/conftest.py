"""One uninterrupted small run in lockstep, with racing on, shared by the tests that look at it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import Run, run_scenario
from tests.agents.helpers.stubs import knobbed, small, small_task, writing


@pytest.fixture(scope="session")
def small_scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of a scenario whose model answers as long as the tests last."""
    folder = tmp_path_factory.mktemp("small")
    with ModelServer(writing(knobbed)) as server:
        scenario = small(small_task(folder), server)
        path = folder / "small.yaml"
        path.write_text(json.dumps(scenario.model_dump(mode="json", exclude_defaults=True)))
        yield path


@pytest.fixture(scope="session")
def lockstep_run(small_scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_scenario(small_scenario, tmp_path_factory.mktemp("runs") / "lockstep")
