"""Presets: their settings hold where a scenario says nothing else."""

from pathlib import Path

import pytest

from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.reading.problems import ScenarioProblems

PAPER = """
name: preset
task: task
preset: paper
backends: {offline: {kind: expert}}
roles: {diagnoser: offline, proposer: offline, executor: offline}
"""


def loaded(folder: Path, text: str, *overrides: str) -> Scenario:
    path = folder / "preset.yaml"
    path.write_text(text, encoding="utf-8")
    return load_scenario(path, overrides)


def test_the_papers_settings_hold_and_the_scenarios_own_override_them(tmp_path: Path) -> None:
    own = "traces: 3\nmethod: {near_tie: 2.0, finish: {ensemble: 5}}\n"
    scenario = loaded(tmp_path, PAPER + own, "method.finish.seeds=2")
    method = scenario.method
    assert (scenario.traces, method.near_tie, method.finish.ensemble, method.finish.seeds) == (3, 2.0, 5, 2)
    assert (method.kinds, method.near_ties, method.folds) == (("edit",), "analysis", "all")
    assert (method.racing.enabled, method.finish.ship, method.stagnation.steps) == (False, "refit", None)


def test_a_scenario_of_a_preset_is_read_from_a_log_as_it_was(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, PAPER + "method: {folds: 2}\n")
    assert Scenario.model_validate(scenario.model_dump(mode="json")) == scenario


def test_problems_keep_their_places_under_a_preset(tmp_path: Path) -> None:
    with pytest.raises(ScenarioProblems) as caught:
        loaded(tmp_path, PAPER.replace("paper", "papers"))
    assert [(each.line, each.path) for each in caught.value.problems] == [(4, "preset")]
    with pytest.raises(ScenarioProblems) as caught:
        loaded(tmp_path, PAPER + "method: {finish: {seeds: 0}}\n")
    assert [(each.line, each.path) for each in caught.value.problems] == [(7, "method.finish.seeds")]
