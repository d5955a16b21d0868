"""A sweep: every setting once, kept where done, gone on with where stopped, told in a table and a figure."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gome.agents.protocol.messages import VOCABULARY
from gome.bus.store.lock import RunLock
from gome.bus.store.reader import LogReader
from gome.cli.app import main
from gome.cli.sweeps.axes import Axis, parse_axes, settings
from gome.cli.sweeps.chart import write_chart
from gome.cli.sweeps.figures import Mean, by_setting, figures_of
from gome.cli.sweeps.plan import Plan, plan_sweep
from gome.errors import UsageError
from gome.scenarios.reading.problems import ScenarioProblems
from tests.agents.helpers.model_server import Ask, ModelServer, Play
from tests.agents.helpers.stubs import knobbed, quick_task, small, writing
from tests.cli.printed import data_of
from tests.viewer.sample import sample_run

MAIN = Path(__file__).parents[3] / "main.py"
OVER = ("--over", "lookahead=0,1", "--over", "seed=1..2")


class Model:
    """It writes plain scripts, and takes its time with the first question: then it is `waiting`."""

    def __init__(self) -> None:
        self.waiting = threading.Event()
        self._turn = writing(knobbed)

    def turn(self, ask: Ask) -> Play:
        if not self.waiting.is_set():
            self.waiting.set()
            time.sleep(1)
        return self._turn(ask)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture(scope="module")
def scenario(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("scenario")
    path = folder / "made-up.yaml"
    with ModelServer(model.turn) as server:
        executors = {"slots": 1, "standby": False, "debug": False, "timeout": {"full": "60s"}}
        finish = {"finish": {"candidates": 1, "seeds": 1, "ship": "mean"}}
        task = quick_task(folder)
        made = small(task, server, traces=1, budget={"trials": 1}, memory={}, executors=executors, method=finish)
        path.write_text(json.dumps(made.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
        yield path


def read_svg(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(path.read_text())  # noqa: S314  our own file


def planned(scenario: Path, root: Path, *over: str) -> Plan:
    return plan_sweep(scenario, parse_axes(over), (), (), root)


def test_axes_are_lists_and_ranges_and_are_crossed() -> None:
    axes = parse_axes(["traces=1,2", "seed=-1..1", "method.finish={candidates: 1, seeds: 2},null"])
    assert axes[1] == Axis("seed", ("-1", "0", "1"))
    assert axes[2].values == ("{candidates: 1, seeds: 2}", "null")
    assert len(settings(axes)) == 12
    assert settings(axes[:2])[:4] == [("1", "-1"), ("1", "0"), ("1", "1"), ("2", "-1")]


@pytest.mark.parametrize("over", [(), ("seed",), ("=1",), ("seed=",), ("seed=1,,2",), ("seed=1,1",), ("seed=3..1",)])
def test_what_is_no_axis_is_told(over: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="--over"):
        parse_axes(over)


def test_a_path_twice_is_told() -> None:
    with pytest.raises(UsageError, match="given twice"):
        parse_axes(["seed=1", "seed=2"])


def test_a_wrong_path_or_value_is_told_before_anything_is_made(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ScenarioProblems, match=r"--over traes=1: .*did you mean traces\?"):
        planned(scenario, tmp_path, "traes=1")
    for wrong in ("traces=1,x", "executors.kind=local,rya", "traces=0"):
        with pytest.raises(SystemExit) as ended:
            main(["sweep", str(scenario), "--over", wrong, "--runs", str(tmp_path)])
        assert ended.value.code == 2
        assert "--over" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_finds_its_runs_again_and_more_values_add_to_them(scenario: Path, tmp_path: Path) -> None:
    small = planned(scenario, tmp_path, "traces=1,2", "seed=1..2")
    large = planned(scenario, tmp_path, "traces=1,2,4", "seed=1..5")
    assert small.folder == large.folder
    assert {cell.folder for cell in small.cells} < {cell.folder for cell in large.cells}
    assert len({cell.folder for cell in large.cells}) == len(large.cells) == 15
    assert plan_sweep(scenario, parse_axes(["seed=1"]), ["traces=3"], (), tmp_path).folder != small.folder


def test_figures_are_means_over_the_seeds_of_finished_runs(scenario: Path, tmp_path: Path) -> None:
    plan = planned(scenario, tmp_path, "traces=1,2", "seed=1..3")
    for cell in plan.cells[:5]:
        sample_run(run=cell.folder.name, finish=cell is not plan.cells[4]).write(cell.folder)
    runs = [figures_of(plan, cell) for cell in plan.cells]
    assert [run.state for run in runs] == ["finished"] * 4 + ["stopped", "new"]
    first, second = by_setting(runs)
    assert (first.setting, first.runs, first.finished) == ({"traces": "1"}, 3, 3)
    assert (second.setting, second.runs, second.finished) == ({"traces": "2"}, 3, 1)
    assert runs[0].score is not None
    assert runs[3].score is not None
    assert first.score is not None
    assert (first.score.value, first.score.error) == pytest.approx((runs[0].score, 0.0))
    assert second.score == Mean(runs[3].score, None)
    drawing = read_svg(write_chart(tmp_path / "sweep.svg", runs, [first, second]))
    shapes = [each.tag.rpartition("}")[2] for each in drawing.iter()]
    assert shapes.count("circle") == 2 + 4
    assert {"traces=1", "traces=2"} <= {each.text for each in drawing.iter()}


def test_a_sweep_without_a_finished_run_has_a_table_and_a_figure(scenario: Path, tmp_path: Path) -> None:
    plan = planned(scenario, tmp_path, "traces=1,2")
    runs = [figures_of(plan, cell) for cell in plan.cells]
    found = by_setting(runs)
    assert [(each.finished, each.score, each.usd) for each in found] == [(0, None, None)] * 2
    assert read_svg(write_chart(tmp_path / "sweep.svg", runs, found)).tag.endswith("svg")


def test_a_run_that_still_goes_on_is_left_alone(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned(scenario, tmp_path, "seed=1")
    with RunLock(plan.cells[0].folder), pytest.raises(SystemExit) as ended:
        main(["sweep", str(scenario), "--over", "seed=1", "--runs", str(tmp_path)])
    assert ended.value.code == 2
    assert "is running in another process" in capsys.readouterr().err


def swept(capsys: pytest.CaptureFixture[str], scenario: Path, root: Path, *more: str) -> tuple[str, str]:
    """What a sweep that ends well prints, and tells."""
    with pytest.raises(SystemExit) as ended:
        main(["sweep", str(scenario), *OVER, "--runs", str(root), *more])
    out, told = capsys.readouterr()
    assert ended.value.code == 0, told
    return out, told


def ids_of(folder: Path) -> list[str]:
    with LogReader(folder, VOCABULARY) as reader:
        return [each.id for each in reader.envelopes()]


def test_a_stopped_sweep_goes_on_and_does_nothing_twice(
    scenario: Path, model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third, fourth = planned(scenario, tmp_path, "lookahead=0,1", "seed=1..2").cells
    for cell in (first, fourth):
        sample_run(run=cell.folder.name).write(cell.folder)
    command = [sys.executable, str(MAIN), "sweep", str(scenario), *OVER, "--runs", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert model.waiting.wait(200), "a run has begun"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=300)
    assert process.returncode == 130, told
    assert "4 runs, 2 to run" in told
    before = {each.parent: ids_of(each.parent) for each in second.folder.parent.glob("*/log.sqlite")}
    assert set(before) == {first.folder, second.folder, fourth.folder}, "one at a time"
    out, told = swept(capsys, scenario, tmp_path, "--jobs", "2", "--json")
    assert "4 runs, 2 to run" in told
    data = data_of(out, "sweep")
    assert [run["state"] for run in data["runs"]] == ["finished"] * 4
    assert [each["setting"] for each in data["settings"]] == [{"lookahead": "0"}, {"lookahead": "1"}]
    assert all(each["score"]["error"] is not None for each in data["settings"])
    assert Path(data["figure"]).is_file()
    for each, ids in before.items():
        assert ids_of(each)[: len(ids)] == ids
        assert (each == second.folder) == (ids_of(each) != ids)
    done = {cell.folder: ids_of(cell.folder) for cell in (second, third)}
    out, told = swept(capsys, scenario, tmp_path)
    assert "4 runs, 0 to run" in told
    assert [line.split()[:2] for line in out.splitlines()[:3]] == [["lookahead", "runs"], ["0", "2/2"], ["1", "2/2"]]
    assert {folder: ids_of(folder) for folder in done} == done
