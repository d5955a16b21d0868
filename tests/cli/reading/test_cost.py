"""Costs by question, and tokens as far as a provider tells of them: cached, uncached, out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gome.viewer.model.now import Present, look
from gome.viewer.model.price import spent
from gome.viewer.model.summary import summarise
from gome.viewer.model.usage import Usage
from gome.viewer.web.report import render
from tests.cli.printed import data_of
from tests.cli.reading.test_commands import gome
from tests.viewer.sample import RUN, sample_run

NAME = "261125-0900-counts-0000"
SAID = {
    "tokens": 1100.0,
    "tokens_in": 1000.0,
    "tokens_cached": 600.0,
    "tokens_out": 100.0,
    "usd": 0.01,
    "usd_saved": 0.005,
}


def usage_of(*calls: tuple[str, dict[str, float]]) -> Usage:
    """What one actor has used with those activities."""
    sample = sample_run(finish=False)
    for kind, meter in calls:
        sample.activity("critic", kind, "AssessTrial", sample.envelopes[5], 0.5, calls=1.0, **meter)
    return summarise(sample.envelopes).actors["critic"]


def parts(usage: Usage) -> tuple[float | None, ...]:
    return usage.known_tokens, usage.known_uncached, usage.known_cached, usage.known_output


def test_tokens_are_told_apart_where_all_calls_say_them() -> None:
    assert parts(usage_of(("reason", SAID), ("reason", SAID))) == (2200, 800, 1200, 200)


def test_what_one_call_does_not_say_is_unknown_of_all() -> None:
    without = {name: value for name, value in SAID.items() if name != "tokens_cached"}
    assert parts(usage_of(("reason", SAID), ("reason", without))) == (2200, None, None, 200)
    assert parts(usage_of(("reason", SAID), ("reason", {"tokens": 1100.0}))) == (2200, None, None, None)
    assert parts(usage_of(("reason", SAID), ("reason", {}))) == (None, None, None, None)


def test_what_a_cache_saved_is_known_where_nothing_was_cached_or_all_calls_say_it() -> None:
    older = {name: value for name, value in SAID.items() if name != "usd_saved"}
    assert usage_of(("reason", SAID), ("reason", older | {"tokens_cached": 0.0}), ("embed", {})).known_saved == 0.005
    assert usage_of(("reason", SAID), ("reason", older)).known_saved is None
    assert usage_of(("reason", SAID), ("reason", older | {"tokens_cached": 0.0})).cached_share == 0.3
    assert usage_of(("embed", {})).cached_share is None


def test_what_is_embedded_goes_in_and_what_cost_nothing_has_no_parts() -> None:
    assert parts(usage_of(("embed", {"tokens": 50.0}), ("reason", {"tokens": 0.0}))) == (50, 50, 0, 0)


@pytest.fixture
def run(runs: Path) -> str:
    sample = sample_run(run=NAME, finish=False)
    sample.envelopes = sample.envelopes[:6]
    for label in ("ProposeStep", "ProposeStep", "AssessTrial"):
        sample.activity("proposer-0", "reason", label, sample.envelopes[5], 0.5, calls=1.0, **SAID)
    sample.activity("memory-keeper", "embed", "embedding", sample.envelopes[5], 0.5, calls=1.0, tokens=50.0, usd=0.0)
    sample.write(runs / NAME)
    return NAME


def costs(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert gome("cost", *arguments, "--json") == 0
    return data_of(capsys.readouterr().out, "cost")


def test_costs_by_question(runs: Path, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = costs(capsys, run, "--by", "question")
    assert {name: each["calls"] for name, each in found["groups"].items()} == {
        "AssessTrial": 1,
        "ProposeStep": 2,
        "embedding": 1,
    }
    assert (found["total"]["tokens_in"], found["total"]["tokens_cached"], found["total"]["tokens_out"]) == (
        3050,
        1800,
        300,
    )
    assert set(costs(capsys, RUN, "--by", "question")["groups"]) == {
        "AssessTrial",
        "ProposeStep",
        "WriteSolution",
        "scripts",
    }
    assert set(costs(capsys, run, "--by", "model")["groups"]) >= {"embedding"}


def test_the_table_has_a_column_for_each_part(runs: Path, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("cost", run, "--by", "question") == 0
    head, assess, *_ = capsys.readouterr().out.splitlines()
    assert head.split()[:9] == ["question", "calls", "time", "tokens", "uncached", "cached", "out", "USD", "saved"]
    assert assess.split()[3:10] == ["1100", "400", "600", "(60%)", "100", "$0.0100", "$0.0050"]
    assert gome("cost", RUN) == 0
    proposer = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("proposer"))
    assert proposer.split()[3:7] == ["7200", "–", "–", "–"]
    assert proposer.split()[8] == "unknown"


@pytest.mark.parametrize("priced", [True, False])
def test_a_model_without_a_price_costs_an_unknown_amount_from_the_start(
    priced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOME_RUNS", str(tmp_path))
    sample = sample_run(finish=False)
    sample.envelopes = sample.envelopes[:2]
    first = sample.envelopes[0]
    prices = {"prices": {"input": 1, "output": 2}} if priced else {}
    company = {"kind": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1", **prices}
    roles = dict.fromkeys(("diagnoser", "proposer", "executor"), "company")
    scenario = {"name": "made-up", "task": "t", "backends": {"company": company}, "roles": roles}
    message = first.message.model_copy(update={"scenario": scenario, "reasoners": dict.fromkeys(roles, "company (m)")})
    sample.envelopes[0] = replace(first, message=message)
    session = sample.envelopes[1]
    sample.envelopes[1] = replace(session, message=session.message.model_copy(update={"reasoners": {}}))
    sample.write(tmp_path / sample.run)
    summary = summarise(sample.envelopes)
    assert (spent(summary) is None) is not priced
    assert ("USD unknown" in [each.words for each in look(summary, Present(), 1.0).allowances]) is not priced
    assert ("cost unknown" in render(sample.envelopes, sample)) is not priced
    assert gome("cost") == 0
    said = capsys.readouterr().out
    assert ("USD unknown: the price of backend company is unknown; set backends.company.prices" in said) is not priced


def test_a_script_that_never_had_a_slot_took_none_of_its_time() -> None:
    sample = sample_run(finish=False)
    for meter in ({}, {"scripts": 1.0, "script_seconds": 2.0, "slot": 0.0, "waited_seconds": 3.0, "held_seconds": 2.5}):
        sample.activity("critic", "script", "run 1/5", sample.envelopes[5], 9.0, **meter)
    summary = summarise(sample.envelopes)
    usage = summary.actors["critic"]
    assert (usage.scripts, usage.script_seconds) == (1, 2.0)
    spans = [each for each in summary.timeline.spans if each.actor == "critic"]
    assert [round((each.end or 0.0) - each.start, 3) for each in spans] == [0.0, 2.5]
