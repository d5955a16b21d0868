"""A run from the command line, in a process of its own: watched, interrupted, finished, replayed, forked."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gome.agents.protocol.messages import VOCABULARY
from gome.bus.store.reader import LogReader
from gome.cli.app import main
from gome.viewer.queries.runs import state
from gome.viewer.run_folders import outline
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.stubs import line, small, small_task, writing
from tests.cli.printed import data_of

pytestmark = pytest.mark.xdist_group("run")  # its tests go on with one run
MAIN = Path(__file__).parents[3] / "main.py"


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A scenario whose scripts take long enough to be interrupted; a second backend is offline."""
    folder = tmp_path_factory.mktemp("scenario")
    path = folder / "made-up.yaml"
    task = small_task(folder, split="{kind: random, folds: 2}")

    def waiting(_: int, step: int) -> str:
        return line(1 - 0.5 / step, "import time\ntime.sleep(0.3)")

    with ModelServer(writing(waiting)) as server:
        model = {"kind": "openai", "model": "scripted", "base_url": server.base_url}
        made = small(
            task,
            server,
            name="made-up",
            traces=1,
            budget={"trials": 1},
            memory={},
            backends={"scripted": model, "weak": {"kind": "expert", "skill": 0.2}},
            executors={"slots": 1, "standby": False, "memory": "2GiB", "timeout": {"debug": "30s", "full": "60s"}},
            method={"finish": {"candidates": 1, "seeds": 1}},
        )
        path.write_text(json.dumps(made.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
        yield path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def gome(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command that starts a process which outlives it."""
    command = [sys.executable, str(MAIN), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200)


def ended(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[Any, str, str]:
    """The status of a verb in this process, and what it prints."""
    with pytest.raises(SystemExit) as end:
        main([str(each) for each in arguments])
    return end.value.code, *capsys.readouterr()


def here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What the verb prints in this process, where it ends well."""
    status, out, told = ended(capsys, *arguments)
    assert status == 0, told
    return out


@pytest.fixture(scope="module")
def interrupted(scenario: Path, runs: Path) -> Path:
    """The folder of a run that was stopped by ^C while its first script ran."""
    command = [sys.executable, str(MAIN), "run", str(scenario), "--runs", str(runs), "--display", "plain"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if " job " in line:
                process.send_signal(signal.SIGINT)
                break
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "next: gome resume" in told
    (folder,) = runs.iterdir()
    return folder


def kinds(folder: Path) -> list[str]:
    with LogReader(folder, VOCABULARY) as reader:
        return [each.kind for each in reader.envelopes()]


def test_an_interrupted_run_is_finished_without_another_trial(
    interrupted: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kinds(interrupted)
    assert "run_finished" not in before
    data = data_of(here(capsys, "finish", interrupted.name, "--runs", runs, "--json"), "run")
    after = kinds(interrupted)
    assert after[: len(before)] == before
    assert after.count("step_opened") == before.count("step_opened") == 1
    assert after[-1] == "run_finished"
    assert data["test_score"] is not None
    (reasoner,) = data["reasoners"]
    assert reasoner.startswith("scripted (scripted at http://127.0.0.1")
    for name in ("script", "submission", "report"):
        assert Path(data[name]).is_file()
    assert "made-up" in Path(data["report"]).read_text(encoding="utf-8")


def test_the_scripts_of_a_run_score_the_same_again(
    interrupted: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path for path in interrupted.rglob("*") if not path.name.endswith(("-wal", "-shm"))}
    printed = here(capsys, "replay", interrupted.name, "--rerun", "scripts", "--runs", runs, "--json")
    again = data_of(printed, "replay-scripts")
    assert {each["view"] for each in again} >= {"split-0", "split-1", "holdout"}
    assert all(each["same"] for each in again)
    assert {path for path in interrupted.rglob("*") if not path.name.endswith(("-wal", "-shm"))} == before


def test_the_run_replays_and_may_go_on_with_more_budget(
    interrupted: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = here(capsys, "replay", interrupted.name, "--runs", runs, "--json")
    assert data_of(printed, "replay")["handled"] > 0
    printed = here(capsys, "resume", interrupted.name, "--runs", runs, "--display", "plain")
    assert "session_opened" in printed
    assert "run_opened" not in printed, "what an earlier session has printed is not printed again"
    _, _, aside = ended(capsys, "resume", interrupted.name, "--runs", runs, "--display", "plain")
    assert "already finished; to go on give it more: gome resume" in aside
    printed = here(capsys, "resume", interrupted.name, "--set", "budget.trials=2", "--runs", runs, "--display", "json")
    *lines, last = printed.splitlines()
    data_of(last, "run")
    told = [data_of(line, "message")["message"]["kind"] for line in lines]
    assert told == kinds(interrupted)
    assert told.count("step_opened") == 2


def test_a_fork_goes_another_way_and_leaves_its_parent(
    interrupted: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kinds(interrupted)
    with LogReader(interrupted, VOCABULARY) as reader:
        at = next(reader.envelopes(kinds=("trial",))).id
    said = here(capsys, "fork", interrupted.name, "--at", at, "--role", "proposer=weak", "--runs", runs, "--json")
    data = data_of(said, "run")
    assert data["run"] != interrupted.name
    assert "skill 0.2" in " ".join(data["reasoners"])
    assert kinds(interrupted) == before
    assert kinds(Path(data["folder"]))[:3] == before[:3]


def stopped(begun: dict[str, Any], times: int) -> str:
    """End a detached run in good order once it has said that it is open; what it has said."""
    folder, deadline = Path(begun["folder"]), time.monotonic() + 60
    while "run_opened" not in Path(begun["output"]).read_text(encoding="utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(begun["pid"], signal.SIGINT)
    while (said := Path(begun["output"]).read_text(encoding="utf-8")).count("next: gome resume") < times:
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
    assert state(folder, outline(folder)) == "stopped"
    return said


def test_a_detached_run_is_its_own_and_can_be_stopped_and_gone_on_with(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    done = gome("run", scenario, "--detach", "--set", "budget.trials=500", "--runs", runs, "--json")
    assert done.returncode == 0, done.stderr
    begun = data_of(done.stdout, "run-detached")
    folder = runs / begun["run"]
    assert os.getsid(begun["pid"]) == begun["pid"], "no terminal's end reaches a session of its own"
    assert state(folder, outline(folder)) == "running"
    status, _, told = ended(capsys, "resume", begun["run"], "--detach", "--runs", runs)
    assert status not in (0, 1), "one process at a time goes on with a run"
    assert "error[" in told
    said = stopped(begun, times=1)
    assert "run_opened" in said
    assert "error[" not in said, "what was told on the screen is not told in the file"
    done = gome("resume", begun["run"], "--detach", "--set", "budget.trials=501", "--runs", runs, "--json")
    assert done.returncode == 0, done.stderr
    again = data_of(done.stdout, "run-detached")
    assert again["pid"] != begun["pid"]
    assert kinds(folder).count("session_opened") == 2
    assert stopped(again, times=2).startswith(said), "what it says is added to what it said"


def test_a_detached_run_that_cannot_begin_says_why(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, told = ended(capsys, "run", scenario, "--detach", "--set", "task=nowhere", "--runs", tmp_path / "runs")
    assert status == 2
    assert "error[task]" in told
    assert "nowhere" in told
    assert out == ""
    assert list((tmp_path / "runs").iterdir()) == []
