"""A user's own folder, from the command line: other data, other metrics, no code touched."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.helpers.make_task import make_task

HOUSE = Path(__file__).parents[1]
SCENARIO = """
name: own
task: {task}
traces: 1
budget: {{trials: 2}}
backends: {{offline: {{kind: expert}}}}
roles: {{diagnoser: offline, proposer: offline, executor: offline}}
executors: {{slots: 1, threads: 1, timeout: {{debug: 30s, full: 60s}}, repairs: 2}}
method: {{folds: 2, finish: {{candidates: 1, seeds: 1}}}}
"""


def gome(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, str(HOUSE / "main.py"), *words], capture_output=True, text=True, timeout=200)


@pytest.mark.parametrize(("kind", "metric"), [("regression", "mae"), ("binary", "auc"), ("multiclass", "macro-f1")])
def test_it_runs(kind: str, metric: str, tmp_path: Path) -> None:
    make_task(tmp_path / "task", kind, metric=metric, rows=400)
    scenario = tmp_path / "own.yaml"
    scenario.write_text(SCENARIO.format(task="task"))
    run = gome("run", str(scenario), "--runs", str(tmp_path / "runs"), "--display", "plain")
    assert run.returncode == 0, run.stderr
    best = gome("best", "@last", "--runs", str(tmp_path / "runs"), "--json")
    said = json.loads(best.stdout)
    assert said["schema"] == "gome.best/1"
    score, baseline = said["data"]["score"], said["data"]["baseline"]
    assert score < baseline if metric == "mae" else score > baseline
    assert said["data"]["test_score"] is not None
    assert len(said["data"]["submission_sha256"]) == 64
    folder = next((tmp_path / "runs").iterdir())
    assert (folder / "report.html").is_file()
    assert list((folder / "best").glob("*.py"))


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
def test_bad_input_is_an_error_with_its_place_and_nothing_is_left(defect: str, words: str, tmp_path: Path) -> None:
    run = gome("run", str(broken(tmp_path, defect)), "--runs", str(tmp_path / "runs"))
    assert run.returncode == 2
    assert words in run.stderr
    assert "error[" in run.stderr
    assert "Traceback" not in run.stderr
    assert not list((tmp_path / "runs").glob("*"))
