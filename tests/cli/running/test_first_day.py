"""A first day with a language model: the scenario for it, what is warned of, and a table run with one command."""

import json
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame

from gome.api.own_table import Table, scenario_of_table
from gome.cli.app import main
from gome.scenarios.config.loader import load_scenario, warnings
from gome.scenarios.config.prices import missing_prices
from tests.agents.helpers.canned import USAGE, canned
from tests.agents.helpers.model_server import Ask, ModelServer, Play, say
from tests.agents.helpers.runs import SCENARIOS
from tests.cli.own_script import COLD, PRICE_BY_SIZE, short_options

OWN_DATA = SCENARIOS / "language-model.yaml"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    size = rng.normal(size=240)
    path = tmp_path / "houses.csv"
    DataFrame({"size": size, "price": 3 * size + rng.normal(scale=0.1, size=240)}).to_csv(path, index=False)
    return path


def ended(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_the_scenario_for_it_is_whole() -> None:
    scenario = load_scenario(OWN_DATA)
    assert (scenario.budget.time, scenario.budget.usd) == (3600, 5)
    assert missing_prices(scenario) == []
    assert warnings(scenario) == ()


@pytest.mark.parametrize(("time", "warned"), [("9min", True), ("10min", False)])
def test_less_than_ten_minutes_are_warned_of(time: str, warned: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("validate", str(OWN_DATA), "--set", f"budget.time={time}", "--json") == 0
    notes = json.loads(capsys.readouterr().out)["data"]["warnings"]
    assert any("use ten minutes or more" in note for note in notes) == warned
    assert ended("validate", str(SCENARIOS / "bike-demand.yaml"), "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"]["warnings"] == [], "the expert thinks in no time"


def test_a_table_gets_a_budget_that_can_be_kept(csv: Path) -> None:
    asked = load_scenario(scenario_of_table(csv, Table(("price",), model="gpt-5")).scenario)
    assert (asked.budget.time, asked.budget.usd) == (3600, 5)
    other = csv.rename(csv.with_name("others.csv"))
    asked = load_scenario(scenario_of_table(other, Table(("price",), model="ollama:a-model-of-my-own")).scenario)
    assert (asked.budget.time, asked.budget.usd, asked.budget.trials) == (3600, None, 20)


def test_a_table_runs_with_a_model(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def turn(ask: Ask) -> Play:
        written = ask.kind == "write_solution"
        return say(f"A line.\n```python\n{PRICE_BY_SIZE}```", usage=USAGE) if written else canned(ask)

    with ModelServer(turn) as server:
        local = json.dumps({"kind": "openai", "model": "gpt-5", "base_url": server.base_url})
        free = [f"backends.model={local}", "backends.model.prices={input: 1, output: 10}"]
        options = short_options(tmp_path / "runs", COLD, *free)
        assert ended("run", str(csv), "--target", "price", "--model", "gpt-5", *options, "--json") == 0
    said = json.loads(capsys.readouterr().out)["data"]
    assert said["score"] < said["baseline"]
    assert {ask.body["model"] for ask in server.asks} == {"gpt-5"}
    assert ended("cost", "@last", "--runs", str(tmp_path / "runs"), "--json") == 0
    total = json.loads(capsys.readouterr().out)["data"]["total"]
    assert total["calls"] == server.calls
    assert total["usd"] == pytest.approx(server.calls * (900 * 1 + 100 * 10) / 1e6)
