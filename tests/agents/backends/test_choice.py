"""A role's backend chosen for each step by what it has paid: whole runs with two scripted servers."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.backends.base import Answer
from gome.agents.protocol.messages import StepOpened
from gome.agents.runtime.lifecycle import fork_run, resume
from gome.agents.runtime.replay import replay_run
from gome.bus.events import ActivityFinished
from gome.bus.store.artefacts import Artefacts
from gome.errors import ScenarioError
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.scenario import Budget, Roles
from tests.agents.helpers.model_server import Ask, ModelServer, Play, fail
from tests.agents.helpers.runs import Run, conducted, read_run
from tests.agents.helpers.stubs import line, small, small_task, writing
from tests.cli.reading.test_commands import gome

Served = Callable[[Ask], Play]
CHOICE = {"choose": {"among": ["wise", "poor"]}}


def proposing(quality: str) -> Served:
    """A model whose ideas say how good they are."""
    model = writing(lambda trace, step: line(0.1))

    def turn(ask: Ask) -> Play:
        play = model(ask)
        return Play(body=play.body.replace(b"just so", quality.encode())) if ask.kind == "propose_step" else play

    return turn


def coding(ask: Ask) -> Play:
    """A model that makes a script as good as its sketch says: nearer to the best slope, or off it."""
    known = [float(each) for each in re.findall(r"^KNOB = ([\d.]+)$", ask.prompt, re.MULTILINE)]
    before = known[0] if known else 0.2
    knob = before + (1 - before) * 0.3 if "a wise idea" in ask.prompt else before * 0.9
    return writing(lambda trace, step: line(round(knob, 6)))(ask)


@contextmanager
def conducting(
    tmp_path: Path, wise: Served, poor: Served, prices: tuple[float, float], **changed: Any
) -> Iterator[Run]:
    """A run in which the proposer is one of two models at those prices, and a third one does the rest."""
    with ModelServer(wise) as first, ModelServer(poor) as second, ModelServer(coding) as third:
        common = {"kind": "openai", "retries": 0}
        backends = {
            each: common | {"model": each, "base_url": server.base_url, "prices": {"input": price, "output": price}}
            for each, server, price in (("wise", first, prices[0]), ("poor", second, prices[1]), ("rest", third, 1.0))
        }
        roles = {"diagnoser": "rest", "proposer": CHOICE, "executor": "rest"} | changed.pop("roles", {})
        how = {"traces": 1, "budget": {"trials": 14}, "method": {"kinds": ["edit"], "stagnation": {"steps": None}}}
        asked = small(
            small_task(tmp_path, split="{kind: random, folds: 2}"),
            first,
            backends=backends,
            roles=roles,
            **how | changed,
        )
        (tmp_path / "runs").mkdir()
        yield conducted(asked, tmp_path / "runs" / "chosen")


def chosen_run(tmp_path: Path, wise: Served, poor: Served, prices: tuple[float, float], **changed: Any) -> Run:
    with conducting(tmp_path, wise, poor, prices, **changed) as run:
        return run


def answerers(run: Run, question: str = "ProposeStep") -> list[str]:
    """Who answered that question, step by step."""
    artefacts = Artefacts(run.folder)
    asked = [each for _, each in run.all(ActivityFinished) if each.label == question]
    return [Answer.model_validate_json(artefacts.read_now(each.result_ref)).backend for each in asked]


def first_choices(run: Run) -> list[str]:
    return [choice.records[0].backend for _, opened in run.all(StepOpened) for choice in opened.backends]


@pytest.mark.parametrize("prices", [(1.0, 1.0), (3.0, 1.0), (1.0, 5.0)])
def test_the_backend_that_pays_gets_most_of_the_later_steps(tmp_path: Path, prices: tuple[float, float]) -> None:
    run = chosen_run(tmp_path, proposing("a wise idea"), proposing("a poor idea"), prices)
    asked = answerers(run)
    assert asked == first_choices(run)
    assert Counter(asked[4:])["wise"] >= 8, asked
    assert "poor" in asked[:4], "each is tried"
    assert anyio.run(lambda: replay_run(run.folder)).handled > 0


@pytest.mark.parametrize(("by", "most"), [("gain-per-usd", "poor"), ("gain", "wise")])
def test_of_two_equally_good_the_cheaper_is_chosen_unless_the_gain_alone_counts(
    tmp_path: Path, by: str, most: str
) -> None:
    wise = proposing("a wise idea")
    roles = {"proposer": {"choose": {**CHOICE["choose"], "by": by, "exploration": 0.0}}}
    run = chosen_run(tmp_path, wise, wise, (200.0, 1.0), roles=roles)
    assert Counter(answerers(run)).most_common(1)[0][0] == most, answerers(run)


def test_one_that_is_out_is_passed_and_loses_its_place(tmp_path: Path) -> None:
    run = chosen_run(tmp_path, lambda ask: fail(503, "gone"), proposing("a wise idea"), (1.0, 1.0))
    assert (run.finished.trials, run.finished.dead_letters) == (14, 0)
    assert set(answerers(run)) == {"poor"}, "the other answers"
    chosen = first_choices(run)
    assert chosen[0] == "wise"
    assert chosen.count("wise") <= 4, chosen
    assert anyio.run(lambda: replay_run(run.folder)).handled > 0


def test_traces_that_step_together_try_different_backends_and_writers_can_be_chosen_too(tmp_path: Path) -> None:
    with conducting(
        tmp_path, coding, coding, (1.0, 1.0), traces=2, budget={"trials": 4}, roles={"executor": CHOICE}
    ) as run:
        opened = [opened for _, opened in run.all(StepOpened)]
        assert [[choice.role for choice in each.backends] for each in opened] == [["proposer", "executor"]] * 4
        assert {each.backends[0].records[0].backend for each in opened[:2]} == {"wise", "poor"}
        order = {(each.trace, each.step): said.backends[1].records[0].backend for each, said in run.all(StepOpened)}
        written = [each for each, said in run.all(ActivityFinished) if said.label == "WriteSolution"]
        assert [order[each.trace, each.step] for each in written] == answerers(run, "WriteSolution")


def test_a_fork_chooses_as_its_parent_and_a_resumed_run_goes_on_by_the_same_record(tmp_path: Path) -> None:
    with conducting(tmp_path, proposing("a wise idea"), proposing("a poor idea"), (1.0, 5.0)) as run:
        middle = run.all(StepOpened)[7][0].id
        folder = tmp_path / "runs" / "forked"
        anyio.run(lambda: fork_run(run.folder, middle, folder, run_id="forked"))
        forked = read_run(folder, run.finished)
        assert [said.backends for _, said in forked.all(StepOpened)] == [
            said.backends for _, said in run.all(StepOpened)
        ]
        assert forked.path == run.path
        anyio.run(lambda: resume(folder, budget=Budget(trials=16)))
        longer = read_run(folder, run.finished)
        assert len(first_choices(longer)) == 16
        assert longer.all(StepOpened)[14][1].backends[0].records[0].steps >= 8
        assert anyio.run(lambda: replay_run(folder)).handled > 0
        fixed = Roles(diagnoser="rest", proposer="poor", executor="rest")
        folder = tmp_path / "runs" / "fixed"
        anyio.run(lambda: fork_run(run.folder, middle, folder, run_id="fixed", roles=fixed))
        assert answerers(read_run(folder, run.finished))[7:] == ["poor"] * 7, "in the step that was open, too"
        assert len(first_choices(read_run(folder, run.finished))) == 8, "steps opened since then choose nothing"
        assert anyio.run(lambda: replay_run(folder)).handled > 0


def test_cost_and_why_say_who_was_chosen_and_by_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = chosen_run(tmp_path, proposing("a wise idea"), proposing("a poor idea"), (1.0, 5.0), budget={"trials": 6})
    where = ("--runs", str(tmp_path / "runs"))
    assert gome("cost", "chosen", *where, "--json") == 0
    found = {each["backend"]: each for each in json.loads(capsys.readouterr().out)["data"]["chosen"]}
    assert found["wise"]["gain"] > found["poor"]["gain"] == 0
    assert found["wise"]["value"] > found["poor"]["value"]
    spent = sum(said.meter.get("usd", 0.0) for each, said in run.all(ActivityFinished) if each.step not in (None, 0, 1))
    assert found["wise"]["steps"] + found["poor"]["steps"] == 5, "a first solution is compared with nothing"
    assert found["wise"]["usd"] + found["poor"]["usd"] == pytest.approx(spent)
    assert gome("cost", "chosen", *where) == 0
    assert "proposer asks wise " in capsys.readouterr().out
    last = run.all(StepOpened)[-1]
    assert gome("log", "why", last[0].id, "--run", "chosen", *where) == 0
    assert "proposer asks wise " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("choose", "words"),
    [
        ("{among: [one]}", "roles.proposer"),
        ("{among: [one, one]}", "roles.proposer"),
        ("{among: [one, tow]}", "roles.proposer.choose.among[1]: no backend named tow"),
        ("{among: [one, two], by: luck}", "roles.proposer"),
        ("{among: [one, two]}", "the price of backend two is unknown"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused_with_its_place(tmp_path: Path, choose: str, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SCENARIO.replace("CHOOSE", choose))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert words in str(caught.value)


def test_a_choice_by_gain_needs_no_price(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SCENARIO.replace("CHOOSE", "{among: [two, one], by: gain}"))
    roles = load_scenario(path).roles
    assert (roles.of("proposer"), roles.backends) == (("two", "one"), ["one", "two"])


SCENARIO = """
name: mine
task: t
budget: {trials: 2}
backends:
  one: {kind: openai, model: gpt-5}
  two: {kind: openai, model: qwen, base_url: "http://127.0.0.1:9/v1"}
roles:
  diagnoser: one
  executor: one
  proposer: {choose: CHOOSE}
"""
