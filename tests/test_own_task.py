"""A user's own folder, from the command line: other data, other metrics, no code touched."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gome.cli.app import main
from tests.agents.helpers.stubs import line
from tests.scenarios.helpers.make_task import make_task

HOUSE = Path(__file__).parents[1]
SCENARIO = """
name: own
task: {task}
traces: 1
budget: {{trials: 1}}
backends: {{offline: {{kind: expert}}}}
roles: {{diagnoser: offline, proposer: offline, executor: offline}}
executors: {{slots: 1, threads: 1, timeout: {{debug: 30s, full: 60s}}, repairs: 2}}
method: {{folds: 2, finish: {{candidates: 1, seeds: 1, ship: mean}}}}
"""


def gome(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, str(HOUSE / "main.py"), *words], capture_output=True, text=True, timeout=200)


def here(*words: str) -> int:
    """The same in this process; its exit status."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


CHANCE = (
    line(1.0)
    .replace('float(row["y"])', '(row["y"] == "yes")')
    .replace("mean + steep * (area(row) - centre)", "min(1.0, max(0.0, mean + steep * (area(row) - centre)))")
)
LINES = {"regression": line(1.0), "binary": CHANCE}
"""Solutions of a tenth of a second to begin with; of the kind that is missing here, the expert writes its own."""


@pytest.mark.parametrize(("kind", "metric"), [("regression", "mae"), ("binary", "auc"), ("multiclass", "macro-f1")])
def test_it_runs(kind: str, metric: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_task(tmp_path / "task", kind, metric=metric, rows=160)
    scenario = tmp_path / "own.yaml"
    scenario.write_text(SCENARIO.format(task="task"))
    if kind in LINES:
        (tmp_path / "mine.py").write_text(LINES[kind])
        scenario.write_text(scenario.read_text().replace("slots: 1,", "slots: 1, standby: false,") + "start: mine.py\n")
    words = ("run", str(scenario), "--runs", str(tmp_path / "runs"), "--display", "plain")
    assert here(*words) == 0
    capsys.readouterr()
    assert here("best", "@last", "--runs", str(tmp_path / "runs"), "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == "gome.best/1"
    score, baseline = said["data"]["score"], said["data"]["baseline"]
    assert score < baseline if metric == "mae" else score > baseline
    assert said["data"]["test_score"] is not None
    assert len(said["data"]["submission_sha256"]) == 64
    folder = next((tmp_path / "runs").iterdir())
    assert (folder / "report.html").is_file()
    script = (folder / "best" / "solution.py").read_text()
    assert script == LINES[kind] if kind in LINES else "sklearn" in script


def broken(folder: Path, defect: str) -> Path:
    """A scenario whose task has that defect."""
    task = make_task(folder / "task")
    train = task / "prepared" / "public" / "train.csv"
    manifest = task / "task.yaml"
    match defect:
        case "missing folder":
            (folder / "own.yaml").write_text(SCENARIO.format(task="elsewhere"))
            return folder / "own.yaml"
        case "no target":
            manifest.write_text(manifest.read_text().replace("[y]", "[z]"))
        case "unreadable":
            train.write_bytes(b"\xff\xfe\x00\x01" * 100)
        case "unknown metric":
            manifest.write_text(manifest.read_text().replace("rmse", "rmes"))
        case "empty":
            train.write_text(train.read_text().splitlines()[0] + "\n")
    (folder / "own.yaml").write_text(SCENARIO.format(task="task") + ("tracse: 3\n" if defect == "unknown key" else ""))
    return folder / "own.yaml"


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        ("missing folder", "elsewhere"),
        ("no target", "'z'"),
        ("unreadable", "train.csv"),
        ("unknown metric", "rmse"),
        ("empty", "train.csv"),
        ("unknown key", "traces"),
    ],
)
def test_bad_input_is_an_error_with_its_place_and_nothing_is_left(
    defect: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("run", str(broken(tmp_path, defect)), "--runs", str(tmp_path / "runs"))
    if defect == "empty":
        run = gome(*asked)
        status, told = run.returncode, run.stderr
    else:
        status, told = here(*asked), capsys.readouterr().err
    assert status == 2
    assert words in told
    assert "error[" in told
    assert "Traceback" not in told
    assert not list((tmp_path / "runs").glob("*"))
