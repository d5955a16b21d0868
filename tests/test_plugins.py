"""The package in `examples/` extends gome by its entry points alone: one extension of each kind, in a real run."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gome import plugins
from gome.agents.protocol.messages import Diagnosis, Proposal
from gome.agents.protocol.run_messages import RunOpened
from gome.errors import TaskError, UsageError
from gome.scenarios.authoring.mlebench_adapters import adapter_of
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.metrics.registry import metric_named
from tests.agents.helpers.runs import run_scenario
from tests.agents.helpers.stubs import line
from tests.scenarios.helpers.make_task import make_task

EXAMPLES = Path(__file__).parents[1] / "examples"
SCENARIO = """
name: extended
task: task
optimizer: newest
traces: 1
budget: {trials: 2}
backends: {mine: {kind: forwarding}}
roles: {diagnoser: mine, proposer: mine, executor: mine}
executors: {kind: counting, slots: 1, settings: {record: RECORD}}
start: mine.py
method: {finish: {candidates: 1, seeds: 1, ship: mean}}
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example as pip would install it: its modules and its metadata on the path."""
    declared = tomllib.loads((EXAMPLES / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    place = tmp_path / "site" / "gome_example-1.0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: gome-example\nVersion: 1.0\n", encoding="utf-8")
    lines = []
    for group, points in declared["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (place / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.syspath_prepend(place.parent)
    monkeypatch.syspath_prepend(EXAMPLES)
    plugins.forget()
    yield tmp_path
    monkeypatch.undo()
    plugins.forget()


def test_the_example_has_an_extension_of_each_kind(installed: Path) -> None:
    assert all(plugins.names(group) for group in plugins.GROUPS)


def test_a_run_uses_a_metric_optimizer_backend_and_executor_of_another_package(installed: Path) -> None:
    make_task(installed / "task", metric="median-ae", rows=100, split="{kind: holdout}")
    record = installed / "runs.txt"
    path = installed / "extended.yaml"
    path.write_text(SCENARIO.replace("RECORD", str(record)), encoding="utf-8")
    path.with_name("mine.py").write_text(line(1.0), encoding="utf-8")
    run = run_scenario(path, installed / "run")
    ((_, opened),) = run.all(RunOpened)
    assert opened.task.metric == "median-ae" and "forwards to" in str(opened.reasoners)
    assert len(record.read_text(encoding="utf-8").splitlines()) >= 2 * len(opened.splits)
    diagnosed = [each for _, each in run.all(Diagnosis) if each.script_ref]
    proposals = [each for _, each in run.all(Proposal)]
    assert len(diagnosed) == 2
    assert [each.parent for each in proposals] == [None, 1], "each step continues from the one before"


def test_an_adapter_of_another_package_is_known(installed: Path) -> None:
    found = adapter_of("a-competition")
    assert found is not None and found.metric == "rmse"


def test_an_unknown_name_is_an_error_that_lists_those_of_other_packages(installed: Path) -> None:
    path = installed / "wrong.yaml"
    path.write_text(SCENARIO.replace("optimizer: newest", "optimizer: newestt"), encoding="utf-8")
    with pytest.raises(UsageError, match="newest"):
        load_scenario(path)
    with pytest.raises(TaskError, match="median-ae"):
        metric_named("median-a")


def test_an_extension_that_cannot_be_imported_is_an_error_in_words(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = installed / "site" / "gome_example-1.0.dist-info" / "entry_points.txt"
    points.write_text("[gome.metrics]\nbroken = gome_example.nowhere:METRIC\n", encoding="utf-8")
    plugins.forget()
    with pytest.raises(UsageError, match="gome-example"):
        metric_named("broken")
