"""Budgets in calls, tokens and USD: nothing is asked that could exceed them, however many traces ask at once."""

from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY, Diagnosis
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.lifecycle import resume, start_run
from gome.agents.runtime.replay import replay_run
from gome.agents.state.budget import Ledger
from gome.agents.state.call_budget import BudgetSpentError, Spending
from gome.bus.events import ActivityFinished, DeadLetter
from gome.bus.store.reader import LogReader
from gome.errors import UsageError
from gome.scenarios.config.prices import Tariff, missing_prices
from gome.scenarios.config.scenario import Budget, Prices, Scenario
from tests.agents.helpers.canned import TOKENS, canned
from tests.agents.helpers.model_server import ModelServer
from tests.scenarios.helpers.make_task import make_task

PRICES = {"input": 10, "output": 100}
USD = (900 * 10 + 100 * 100) / 1e6
ROLES = ("diagnoser", "proposer", "executor")


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_task(tmp_path_factory.mktemp("task") / "task", rows=200)


def scenario(task: Path, server: ModelServer, budget: dict[str, Any], **changed: Any) -> Scenario:
    """Three traces, a model of its own for each role, and scripts that are refused before they run."""
    backend = {"kind": "openai", "base_url": server.base_url, "max_tokens": 300, "context": 32_000, "prices": PRICES}
    return Scenario.model_validate(
        {
            "name": "budget",
            "task": str(task),
            "traces": 3,
            "budget": budget,
            "backends": {role: backend | {"model": f"model-of-{role}"} | changed for role in ROLES},
            "roles": {role: role for role in ROLES},
            "executors": {"slots": 1, "repairs": 0, "timeout": {"debug": "20s", "full": "20s"}},
        }
    )


def conducted(asked: Scenario, folder: Path) -> RunFinished:
    finished = anyio.run(lambda: start_run(asked, folder, folder, run_id=folder.name))
    assert finished is not None
    return finished


def metered(folder: Path) -> tuple[Counter[str], int]:
    """What the log says was used, and how many messages died."""
    used: Counter[str] = Counter()
    dead = 0
    with LogReader(folder, VOCABULARY) as reader:
        for envelope in reader.envelopes(kinds=["activity_finished", "dead_letter"]):
            dead += isinstance(envelope.message, DeadLetter)
            if isinstance(envelope.message, ActivityFinished):
                used.update(envelope.message.meter)
    return used, dead


@pytest.mark.parametrize(
    ("unit", "limit", "one"), [("calls", 20, 1), ("tokens", 40_000, TOKENS), ("usd", 40_000 * USD / TOKENS, USD)]
)
def test_steps_are_opened_while_they_fit_and_the_run_ends_in_good_order(
    unit: str, limit: float, one: float, task: Path, tmp_path: Path
) -> None:
    with ModelServer(canned) as server:
        finished = conducted(scenario(task, server, {unit: limit}), tmp_path / "run")
    used, _ = metered(tmp_path / "run")
    assert finished.trials >= 3
    assert f"the budget of {unit} is used" in finished.why
    assert used["calls"] == server.calls
    assert used[unit] == pytest.approx(server.calls * one)
    assert used[unit] <= limit
    assert anyio.run(replay_run, tmp_path / "run").handled


def test_a_call_that_does_not_fit_is_not_made_and_its_step_ends(task: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with ModelServer(canned) as server:
        asked = scenario(task, server, {"calls": 5})
        finished = conducted(asked, folder)
        assert server.calls == 5
        used, dead = metered(folder)
        assert (used["calls"], dead) == (5, 0), "no message dies of it"
        with LogReader(folder, VOCABULARY) as reader:
            ends = [each.message for each in reader.envelopes(kinds=["diagnosis"])]
        assert "unfinished" in {end.verdict for end in ends if isinstance(end, Diagnosis)}
        assert "the budget of calls is used" in finished.why
        again = anyio.run(lambda: resume(folder, budget=Budget(calls=14)))
    assert again is not None
    assert 5 + 4 <= server.calls <= 14, "with more budget it goes on, what was spent before counted in"
    assert metered(folder)[0]["calls"] == server.calls


def test_cost_by_role_is_what_the_server_counted(
    task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from gome.cli.app import main

    with ModelServer(canned) as server:
        conducted(scenario(task, server, {"trials": 4}), tmp_path / "run")
    with pytest.raises(SystemExit):
        main(["cost", "run", "--by", "role", "--json", "--runs", str(tmp_path)])
    groups = json.loads(capsys.readouterr().out)["data"]["groups"]
    counted = Counter(ask.body["model"].removeprefix("model-of-") for ask in server.asks)
    named = {"diagnoser": "diagnoser", "proposer": "proposer", "executor": "writer"}
    assert {role: groups[named[role]]["calls"] for role in ROLES} == counted
    assert groups["writer"]["tokens"] == counted["executor"] * TOKENS
    assert groups["writer"]["usd"] == pytest.approx(counted["executor"] * USD)
    with pytest.raises(SystemExit):
        main(["export", "run", "--to", "otlp", "--runs", str(tmp_path)])
    spans = json.loads(capsys.readouterr().out)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    told = [{each["key"]: each["value"] for each in span["attributes"]} for span in spans]
    chats = [each for each in told if each.get("gen_ai.operation.name") == {"stringValue": "chat"}]
    assert len(chats) == server.calls
    assert {each["gen_ai.provider.name"]["stringValue"] for each in chats} == {"127.0.0.1"}


def test_calls_in_flight_hold_what_they_may_use() -> None:
    spending = Spending(Budget(tokens=100, calls=3), {"tokens": 20.0})
    with spending.hold(50) as first:
        first.call()
        with (
            pytest.raises(BudgetSpentError, match=r"budget.tokens: of 100, 20 are spent, .* may use 50"),
            spending.hold(31),
        ):
            pass
        with spending.hold(30) as second:
            second.call()
        spending.spend("tokens", 10)
    with spending.hold(70) as third:
        third.call()
        with pytest.raises(BudgetSpentError, match=r"budget\.calls"):
            third.call()
    assert (spending.spent["tokens"], spending.spent["calls"]) == (30.0, 3.0)


def test_a_step_is_opened_only_where_the_dearest_one_so_far_still_fits() -> None:
    ledger = Ledger(Budget(tokens=100))
    assert ledger.steps_allowed(5) == 5, "nothing is known yet"
    for trace, used in ((0, 20), (1, 30)):
        ledger.opened((trace, 1))
        ledger.spend({"tokens": used}, (trace, 1))
        ledger.ended((trace, 1))
    assert ledger.steps_allowed(5) == 1
    ledger.opened((0, 2))
    ledger.spend({"tokens_at_most": 10}, (0, 2))
    assert ledger.steps_allowed(5) == 0, "20 of it are still due"
    assert ledger.why() == "the budget of tokens is used"
    ledger.rebudget(Budget(tokens=200))
    assert ledger.steps_allowed(5) == 4


def test_prices_come_from_the_scenario_or_the_bundled_list_or_are_unknown() -> None:
    said = Tariff("m", "http://127.0.0.1:1/v1", Prices(input=10, output=100, cached=1))
    assert said.usd(100, 60, 20) == pytest.approx((40 * 10 + 60 + 20 * 100) / 1e6)
    listed = Tariff("gpt-5", "https://api.openai.com/v1", None)
    assert listed.source == "the bundled list"
    assert (listed.usd(1_000_000, 0, 0) or 0) > (listed.usd(1_000_000, 1_000_000, 0) or 0) > 0
    for unknown in (
        Tariff("gpt-5", "http://127.0.0.1:1/v1", None),
        Tariff("no-such-model", "https://api.openai.com/v1", None),
        Tariff("gpt-5", "https://models.example/v1", None),
    ):
        assert (unknown.known, unknown.source, unknown.usd(1, 0, 1)) == (False, "unknown", None)
    assert said.usd(None, 0, 20) is None


def test_a_budget_in_usd_asks_for_prices(task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from gome.cli.app import main

    with ModelServer(canned) as server:
        asked = scenario(task, server, {"usd": 5}, prices=None)
        assert len(missing_prices(asked)) == len(ROLES)
        with pytest.raises(UsageError, match=r"backends\.diagnoser\.prices"):
            conducted(asked, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    path = tmp_path / "scenario.yaml"
    path.write_text(json.dumps(asked.model_dump(mode="json", exclude_defaults=True)))
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(path)])
    assert ended.value.code == 2
    assert "error[no-price] budget.usd: the price of backend diagnoser" in capsys.readouterr().err
