"""The leak probes against leaks by an author who had not read them: recall, and false alarms on honest scripts."""

import json
import math
import runpy
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pandas as pd
import pytest

from agents.validation import rule_by_score
from scenarios.evidence import Evaluation, LeakNote
from scenarios.harness import Harness
from scenarios.tasks import Task
from scenarios.views import ViewName
from tests.scenarios.blind import HONEST, LEAKS, TASKS, Script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # half a minute, where the machine is free
RECALL = 0.9
MISSED = pytest.mark.xfail(strict=True, reason="20 of 47 in November 2026: what crosses groups is not seen")


@dataclass(frozen=True)
class Outcome:
    """What the run comes to know of a script: the full view's evaluation, with what the debug view showed of leaks."""

    script: Script
    evaluation: Evaluation

    @property
    def caught(self) -> bool:
        return bool(self.evaluation.leaks)

    @property
    def erased(self) -> bool:
        return rule_by_score(self.evaluation, None).erased


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Every script, by name, after its debug run and its full run, as a runner has them run."""
    root = tmp_path_factory.mktemp("blind")
    harnesses: dict[str, Harness] = {}
    for name, make in TASKS.items():
        make(root / name / "task")
        harnesses[name] = Harness(Task.load(root / name / "task"), root / name / "views", seed=7)
        harnesses[name].prepare()
    return {script.name: _outcome(script, harnesses[script.task], root / script.name) for script in [*LEAKS, *HONEST]}


def _outcome(script: Script, harness: Harness, folder: Path) -> Outcome:
    source = _filled(script.source, harness.task)
    folder.mkdir()
    (folder / "solution.py").write_text(source, encoding="utf-8")
    leaks: tuple[LeakNote, ...] = ()
    views: tuple[ViewName, ...] = ("debug", "full")
    for view in views:
        out = folder / view
        out.mkdir()
        _run(folder / "solution.py", harness.data(view), out, debug=view == "debug")
        evaluation = harness.evaluate(view, {path.name: path for path in out.iterdir()}, source)
        assert evaluation.valid, (script.name, view, evaluation.defects)
        leaks += evaluation.leaks
    return Outcome(script, evaluation.model_copy(update={"leaks": leaks}))


def _filled(source: str, task: Task) -> str:
    """The script with the test's answers where it has them in its text."""
    if "{ANSWERS}" not in source and "{IDS}" not in source and "{LINES}" not in source:
        return source
    table = pd.read_csv(task.folder / "prepared" / "private" / "answers.csv")
    pairs = list(zip(table["id"].tolist(), table.iloc[:, 1].tolist(), strict=True))
    source = source.replace("{ANSWERS}", repr(dict(pairs)))
    source = source.replace("{IDS}", repr([one for one, _ in pairs[:40]]))
    return source.replace("{LINES}", " ".join(f"{one}:{value}" for one, value in pairs))


def _run(path: Path, data: Path, out: Path, *, debug: bool) -> None:
    """A script in this process: much faster than a process of its own, and it sees the same arguments."""
    arguments = [str(path), "--data", str(data), "--out", str(out), "--seed", "7", *(["--debug"] if debug else [])]
    with mock.patch.object(sys, "argv", arguments), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a script's warnings go to its output, and do not end it
        runpy.run_path(str(path), run_name="__main__")


@MISSED
def test_leaks_are_caught(outcomes: dict[str, Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    leaky = [outcomes[script.name] for script in LEAKS if script.claim is None]
    caught = [one for one in leaky if one.caught]
    with capsys.disabled():
        print(f"\nleaks caught: {len(caught)} of {len(leaky)}")
        _print_by_kind(leaky)
    missed = [one.script.name for one in leaky if not one.caught]
    assert len(caught) >= RECALL * len(leaky), missed


@MISSED
def test_severe_leaks_cost_the_score(outcomes: dict[str, Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    severe = [outcomes[script.name] for script in LEAKS if script.severe]
    kept = [one.script.name for one in severe if not one.erased]
    with capsys.disabled():
        print(f"\nsevere leaks erased: {len(severe) - len(kept)} of {len(severe)}; kept: {', '.join(kept) or 'none'}")
    assert len(kept) <= (1 - RECALL) * len(severe), kept


def test_honest_scripts_are_left_alone(outcomes: dict[str, Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    alarms = {
        script.name: [f"{leak.severity} {leak.code}: {leak.message}" for leak in outcomes[script.name].evaluation.leaks]
        for script in HONEST
        if outcomes[script.name].caught
    }
    with capsys.disabled():
        print(f"\nfalse alarms: {len(alarms)} of {len(HONEST)} honest scripts")
    assert not alarms, json.dumps(alarms, indent=1)


def test_a_printed_score_is_not_believed(outcomes: dict[str, Outcome]) -> None:
    """It prints and claims a score that it has not; the harness measures what its predictions are worth."""
    claimed = [outcomes[script.name] for script in LEAKS if script.claim is not None]
    assert claimed
    for one in claimed:
        assert one.script.claim is not None
        assert one.evaluation.score is not None
        assert not math.isclose(one.evaluation.score, one.script.claim, rel_tol=0.5)
        assert one.evaluation.verified


def _print_by_kind(outcomes: list[Outcome]) -> None:
    total = Counter(one.script.kind for one in outcomes)
    caught = Counter(one.script.kind for one in outcomes if one.caught)
    for kind, number in total.items():
        missed = [one.script.name for one in outcomes if one.script.kind == kind and not one.caught]
        print(
            f"  {kind:34} {caught[kind]:2} of {number:2}  {'missed: ' + ', '.join(missed) if missed else ''}".rstrip()
        )
