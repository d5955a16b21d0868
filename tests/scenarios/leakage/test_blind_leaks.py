"""Leaks do not pay: no leaky script beats its honest twin, and no honest script raises an alarm.

`blind` and `unseen` were written by two authors without knowledge of the harness. A script has no labels of the rows it
is scored on; possible leaks are labels stored in its text, ids, the order of rows, and fits on too many rows.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.scripts.execution import ForwardPass
from gome.agents.scripts.known_runs import KnownRuns
from gome.agents.scripts.predictions import unpacked
from gome.agents.scripts.script_run import ScriptRun
from gome.bus.store.artefacts import Artefacts
from gome.executors.choose_sandbox import probe
from gome.executors.launch import Cause, Limits, Slot
from gome.executors.local import LocalExecutor
from gome.executors.resources.slots import SlotPool
from gome.scenarios.evaluation.harness import Assembled, Harness
from gome.scenarios.task.task import Task
from tests.scenarios.leakage.leak_scripts import Script, effect_of, judge, program

pytestmark = pytest.mark.xdist_group("leaks")  # they share harnesses

SUITES: dict[str, Any] = {
    name: importlib.import_module(f"tests.scenarios.leakage.{name}") for name in ("blind", "unseen")
}
SEED = 7
NOISE = 2.0
"""A leak pays where it gains more than so many standard errors."""
QUICK = {
    "answers-embedded",
    "labels-of-the-id",
    "target-rank",
    "last-visit-of-the-patient",
    "scaler-on-all",
    "answers written as lines of text",
    "means of the target by school",
    "pseudo-labels for the test rows",
}
"""A leak of each kind, for every run of the tests; the others are slow."""

Cases = list[Any]


def cases(what: str) -> Cases:
    found = [(suite, script) for suite, module in SUITES.items() for script in getattr(module, what)]
    return [
        pytest.param(suite, script, id=script.name, marks=() if script.name in QUICK else pytest.mark.slow)
        for suite, script in found
        if not script.outside
    ]


@pytest.fixture(scope="module")
def harnesses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], Harness]]:
    """The harness of each task of each suite, made on first use."""
    yield Harnesses(tmp_path_factory)


class Harnesses(dict[tuple[str, str], Harness]):
    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self.factory = factory

    def __missing__(self, key: tuple[str, str]) -> Harness:
        suite, name = key
        folder = self.factory.mktemp(f"{suite}-{name}")
        SUITES[suite].TASKS[name](folder / "task")
        self[key] = Harness(Task.load(folder / "task"), folder / "views", SEED)
        return self[key]


@pytest.mark.parametrize(("suite", "script"), cases("LEAKS"))
def test_a_leak_does_not_pay_and_its_honest_twin_is_not_accused(
    harnesses: Harnesses, suite: str, script: Script, tmp_path: Path
) -> None:
    harness = harnesses[suite, script.task]
    leaky, honest = (judge(script, harness, tmp_path, leak=leak) for leak in (True, False))
    effect = effect_of(leaky, honest, harness.task, NOISE)
    assert effect.verdict != "better", f"{effect.gain:.4g} at a standard error of {effect.standard_error:.4g}"
    assert honest.evaluation.leaks == ()
    assert leaky.evaluation.verified


@pytest.mark.parametrize(("suite", "script"), cases("HONEST"))
def test_an_honest_script_is_not_accused(harnesses: Harnesses, suite: str, script: Script, tmp_path: Path) -> None:
    found = judge(script, harnesses[suite, script.task], tmp_path, leak=False).evaluation
    assert found.score is not None and found.leaks == ()


def test_the_suites_are_large_enough() -> None:
    leaks = [script for module in SUITES.values() for script in module.LEAKS]
    honest = [script for module in SUITES.values() for script in module.HONEST]
    assert len(leaks) >= 50 and len(honest) >= 15
    assert len({script.name for script in (*leaks, *honest)}) == len(leaks) + len(honest)
    assert {script.name for script in leaks} >= QUICK
    assert all("LEAK" in script.body for script in leaks)


async def in_the_sandbox(harness: Harness, source: str, folder: Path) -> Assembled:
    """A script's trial through the forward pass, as in a run."""
    artefacts = Artefacts(folder / "run")
    forward = ForwardPass(
        executor=LocalExecutor(await probe()),
        slots=SlotPool([Slot(index=0)]),
        harness=harness,
        artefacts=artefacts,
        folder=folder / "work",
        limits=Limits(),
        importable=frozenset({"argparse", "json", "os", "pathlib", "numpy", "pandas", "sklearn"}),
        known=KnownRuns(artefacts),
    )
    ref = await artefacts.put(source)
    runs, predictions = [], []
    for view in harness.splits:
        ran = await forward.run(ScriptRun(script_ref=ref, view=view, seed=SEED, seconds=120.0), "0")
        assert ran.cause is Cause.OK and ran.evaluation is not None, ran.words
        assert ran.predictions_ref is not None, ran.evaluation.defects
        runs.append(ran.evaluation)
        predictions.append(unpacked(await artefacts.read(ran.predictions_ref)))
    return harness.assemble(runs, predictions)


@pytest.mark.slow
@pytest.mark.parametrize("script", [each for each in SUITES["blind"].LEAKS if each.outside], ids=lambda each: each.name)
def test_in_the_sandbox_nothing_is_found_outside(harnesses: Harnesses, script: Script, tmp_path: Path) -> None:
    """Other views with labels, and private answers, are on the disk, where a script could find them."""
    harness = harnesses["blind", script.task]
    for view in (*harness.splits, "full", "holdout"):
        harness.data(view)
    open_air = judge(script, harness, tmp_path / "open", leak=True)
    leaky, honest = (
        anyio.run(in_the_sandbox, harness, program(script, harness.task, leak=leak), tmp_path / str(leak))
        for leak in (True, False)
    )
    assert leaky.oof == honest.oof and leaky.submission == honest.submission, "not a row is predicted otherwise"
    if script.name == "sibling-views-read":
        paid = effect_of(open_air, honest, harness.task, NOISE)
        assert paid.verdict == "better", "without a sandbox it would pay"
