"""The leak probes against leaks by authors who had not read them: recall, and false alarms on honest scripts.

`blind` was written before the examination was, and showed what was missing; `unseen` after it, by another author.
"""

import importlib
import importlib.util
import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from agents.validation import rule_by_score
from scenarios.evidence import Evaluation
from scenarios.harness import Harness
from scenarios.tasks import Task
from tests.scenarios.judged import judge

SUITES = [name for name in ("blind", "unseen") if importlib.util.find_spec(f"tests.scenarios.{name}")]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),  # a minute a suite, where the machine is free
    pytest.mark.xdist_group("blind-leaks"),
]
RECALL = 0.9


@dataclass(frozen=True)
class Outcome:
    """A script of a suite, and what the run comes to know of it: its trial's evaluation."""

    script: Any
    evaluation: Evaluation

    @property
    def caught(self) -> bool:
        return bool(self.evaluation.leaks)

    @property
    def erased(self) -> bool:
        return rule_by_score(self.evaluation, None).erased


@dataclass(frozen=True)
class Judged:
    """All scripts of a suite after their trials."""

    leaks: list[Outcome]
    honest: list[Outcome]


@pytest.fixture(scope="module", params=SUITES)
def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A suite's scripts, each once through a trace's Runner, before a model has seen any of them."""
    scripts = importlib.import_module(f"tests.scenarios.{request.param}")
    root = tmp_path_factory.mktemp(request.param)
    harnesses: dict[str, Harness] = {}
    for name, make in scripts.TASKS.items():
        make(root / name / "task")
        harnesses[name] = Harness(Task.load(root / name / "task"), root / name / "views", seed=7)
        harnesses[name].prepare()

    def outcome(script: Any) -> Outcome:
        harness = harnesses[script.task]
        trial, _ = judge(harness, _filled(script.source, harness.task), root / script.name)
        assert trial.evaluation is not None, (script.name, trial.words)
        assert trial.evaluation.valid, (script.name, trial.evaluation.defects)
        return Outcome(script, trial.evaluation)

    return Judged([outcome(each) for each in scripts.LEAKS], [outcome(each) for each in scripts.HONEST])


def _filled(source: str, task: Task) -> str:
    """The script with the test's answers where it has them in its text."""
    if "{ANSWERS}" not in source and "{IDS}" not in source and "{LINES}" not in source:
        return source
    table = pd.read_csv(task.folder / "prepared" / "private" / "answers.csv")
    pairs = list(zip(table.iloc[:, 0].tolist(), table.iloc[:, 1].tolist(), strict=True))
    source = source.replace("{ANSWERS}", repr(dict(pairs)))
    source = source.replace("{IDS}", repr([one for one, _ in pairs[:40]]))
    return source.replace("{LINES}", " ".join(f"{one}:{value}" for one, value in pairs))


def test_leaks_are_caught(suite: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    leaky = [one for one in suite.leaks if one.script.claim is None]
    caught = [one for one in leaky if one.caught]
    with capsys.disabled():
        print(f"\nleaks caught: {len(caught)} of {len(leaky)}")
        _print_by_kind(leaky)
    missed = [one.script.name for one in leaky if not one.caught]
    assert len(caught) >= RECALL * len(leaky), missed


def test_severe_leaks_cost_the_score(suite: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    severe = [one for one in suite.leaks if one.script.severe]
    kept = [one.script.name for one in severe if not one.erased]
    with capsys.disabled():
        print(f"\nsevere leaks erased: {len(severe) - len(kept)} of {len(severe)}; kept: {', '.join(kept) or 'none'}")
    assert len(kept) <= (1 - RECALL) * len(severe), kept


def test_honest_scripts_are_left_alone(suite: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    alarms = {
        one.script.name: [f"{leak.severity} {leak.code}: {leak.message}" for leak in one.evaluation.leaks]
        for one in suite.honest
        if one.caught
    }
    with capsys.disabled():
        print(f"\nfalse alarms: {len(alarms)} of {len(suite.honest)} honest scripts")
    assert not alarms, json.dumps(alarms, indent=1)


def test_a_printed_score_is_not_believed(suite: Judged) -> None:
    """It claims a score that it has not: the harness measures another one, or erases what was made to come to it."""
    for one in suite.leaks:
        if one.script.claim is not None:
            assert one.evaluation.score is not None
            assert one.erased or not math.isclose(one.evaluation.score, one.script.claim, rel_tol=0.5)
            assert one.evaluation.verified


def _print_by_kind(outcomes: list[Outcome]) -> None:
    total = Counter(one.script.kind for one in outcomes)
    caught = Counter(one.script.kind for one in outcomes if one.caught)
    for kind, number in total.items():
        missed = [one.script.name for one in outcomes if one.script.kind == kind and not one.caught]
        print(
            f"  {kind:34} {caught[kind]:2} of {number:2}  {'missed: ' + ', '.join(missed) if missed else ''}".rstrip()
        )
