"""A run in MLflow and Weights & Biases holds what its log says; a tracker that fails harms nothing."""

import importlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.run_messages import RunOpened
from gome.api.tracking import tracked
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import open_log
from gome.viewer.export.trackers.record import Recorder, TrackedRun
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.stubs import line, small, small_task, writing
from tests.cli.reading.test_commands import gome
from tests.conftest import UNFINISHED
from tests.viewer.sample import RUN, sample_run


def recorded(folder: Path) -> TrackedRun:
    with LogReader(folder, VOCABULARY) as reader:
        recorder = Recorder(reader.artefacts)
        for each in reader.envelopes():
            recorder.apply(each)
        return recorder.run(folder / "report.html", over=True)


def test_what_a_tracker_is_told_is_what_the_log_says(runs: Path) -> None:
    run = recorded(runs / RUN)
    assert (run.metrics["trials"], run.metrics["score"], run.metrics["test_score"]) == (6, 0.41, 0.418)
    assert run.params["metric"] == "rmsle"
    assert run.params["budget.trials"] == "12"
    first = next(trial for trial in run.trials if trial.name == "0.1")
    splits = [first.metrics[f"score.split_{split}"] for split in range(5)]
    assert sum(splits) / 5 == pytest.approx(first.metrics["score"])
    assert (first.metrics["tokens"], first.params["verdict"]) == (2800, "accepted")
    assert first.script is not None
    assert sum(trial.metrics["usd"] for trial in run.trials) <= run.metrics["usd"] == pytest.approx(0.21)
    assert list(run.course.values())[-1] == 0.41
    assert run.ended is not None
    assert all(run.begun <= trial.begun <= trial.ended <= run.ended for trial in run.trials)
    assert recorded(runs / UNFINISHED).ended is None
    with LogReader(runs / RUN, VOCABULARY) as reader:
        recorder = Recorder(reader.artefacts)
        for each in reader.envelopes():
            recorder.apply(each)
        assert recorder.run(over=False).ended is None, "what was begun before the end may still be recorded"


def test_the_first_message_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def begin() -> None:
        async with open_log(tmp_path / "run", run="run", vocabulary=VOCABULARY):
            with tracked(tmp_path / "run"):
                await anyio.sleep(0.1)

    anyio.run(begin)
    assert capsys.readouterr().err == ""


def test_a_run_that_is_over_before_it_is_looked_for_again_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is said of a server that is away tells that it was called."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    made = sample_run()
    first = made.envelopes[0].message
    assert isinstance(first, RunOpened)
    first.scenario["track"] = ["mlflow"]
    with tracked(tmp_path / "run"):
        made.write(tmp_path / "run")
    assert capsys.readouterr().err.count("warning: mlflow failed") == 1


@pytest.mark.parametrize("options", [("--redact",), ("-o", "file")])
def test_a_tracker_takes_neither_a_file_nor_redaction(
    runs: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert gome("export", RUN, "--to", "mlflow", *options) == 2
    assert "takes neither a file nor --redact" in capsys.readouterr().err


def tracked_run(tmp_path: Path, tracker: str) -> Path:
    """A whole run of two trials whose scenario names a tracker; its folder."""
    scenario, root = tmp_path / "small.yaml", tmp_path / "runs"
    with ModelServer(writing(lambda _, step: line(0.3 + 0.1 * step))) as server:
        made = small(small_task(tmp_path), server, traces=1, memory={}, budget={"trials": 2}, track=[tracker])
        scenario.write_text(json.dumps(made.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
        assert gome("run", str(scenario), "--runs", str(root), "--display", "plain") == 0
    (folder,) = (each for each in root.iterdir() if (each / "log.sqlite").is_file())
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_tracker_that_fails_is_named_once_and_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    folder = tracked_run(tmp_path, "mlflow")
    said = capsys.readouterr()
    assert said.err.count("warning: mlflow failed") == 1
    assert "gome export RUN --to mlflow" in said.err
    assert "best         step 0.2" in said.out
    assert gome("export", str(folder), "--to", "mlflow") == 75
    assert "It is safe to export again" in capsys.readouterr().err


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server: its program is GOME_TEST_MLFLOW, or is installed into an environment of its own."""
    place = tmp_path_factory.mktemp("mlflow")
    program = os.environ.get("GOME_TEST_MLFLOW")
    if program is None:
        subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
        subprocess.run([str(place / "venv/bin/pip"), "install", "-q", "mlflow"], check=True)
        program = str(place / "venv/bin/mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = ["--backend-store-uri", f"sqlite:///{place}/store.db", "--artifacts-destination", str(place / "artifacts")]
    command = [program, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *store]
    path = f"{Path(program).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (
        (place / "server.log").open("w") as log,
        subprocess.Popen(command, cwd=place, stdout=log, stderr=log, env=environment, start_new_session=True) as server,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            await_health(f"{address}/health", server)
            yield address
        finally:
            os.killpg(server.pid, 15)


def await_health(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the server did not start")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_mlflow_server_holds_the_run_and_its_trials(
    tmp_path: Path, mlflow_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    folder = tracked_run(tmp_path, "mlflow")
    held = held_by_mlflow()
    run = recorded(folder)
    assert set(held) == {"", "0.1", "0.2"}
    whole = held.pop("")
    assert whole.info.status == "FINISHED"
    assert {name: whole.data.metrics[name] for name in run.metrics} == pytest.approx(run.metrics)
    assert whole.data.params == run.params
    for trial in run.trials:
        child = held[trial.name]
        assert child.data.tags["mlflow.parentRunId"] == whole.info.run_id
        assert child.data.metrics == pytest.approx(trial.metrics)
        assert child.data.params == trial.params
        assert text_of(child.info.run_id, "solution.py") == trial.script
    assert [each.value for each in client().get_metric_history(whole.info.run_id, "best_score")] == pytest.approx(
        list(run.course.values())
    )
    assert text_of(whole.info.run_id, "best/solution.py") == run.files["best/solution.py"]
    assert text_of(whole.info.run_id, "report.html") == (folder / "report.html").read_text(encoding="utf-8")
    assert gome("export", str(folder), "--to", "mlflow") == 0
    again = held_by_mlflow()
    assert {name: each.info.run_id for name, each in again.items()} == {
        "": whole.info.run_id,
        **{name: each.info.run_id for name, each in held.items()},
    }


def client() -> Any:
    from mlflow import MlflowClient

    return MlflowClient()


def held_by_mlflow() -> dict[str, Any]:
    """The runs of the experiment `gome` by their step; the whole run by ""."""
    asked = client()
    found = asked.search_runs([asked.get_experiment_by_name("gome").experiment_id])
    held = {each.data.tags.get("gome.step", ""): each for each in found}
    assert len(held) == len(found)
    return held


def text_of(run: str, name: str) -> str:
    from mlflow.artifacts import load_text

    return str(load_text(f"runs:/{run}/{name}"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_wandb_keeps_the_run_and_its_trials_offline(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    assert gome("export", RUN, "--to", "wandb") == 0
    run = recorded(runs / RUN)
    held = {begun["display_name"]: (begun, summary) for begun, summary in kept_by_wandb(tmp_path)}
    assert set(held) == {RUN, *(trial.name for trial in run.trials)}
    for trial in run.trials:
        begun, summary = held[trial.name]
        assert (begun["run_group"], begun["job_type"]) == (RUN, "trial")
        assert begun["config"] | {"gome.run": RUN} == {"gome.run": RUN, **trial.params}
        assert {name: summary[name] for name in trial.metrics} == pytest.approx(trial.metrics)
    whole = held[RUN][1]
    assert {name: whole[name] for name in run.metrics} == pytest.approx(run.metrics)


def kept_by_wandb(place: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What stands in the files of offline runs: how each began, and its summary."""
    protocol: Any = importlib.import_module("wandb.proto.wandb_internal_pb2")
    for path in place.rglob("*.wandb"):
        begun, summary = dict[str, Any](), dict[str, Any]()
        for data in entries(path.read_bytes()):
            record = protocol.Record()
            record.ParseFromString(data)
            if record.HasField("run"):
                found = record.run
                config = {each.key: json.loads(each.value_json) for each in found.config.update}
                config.pop("_wandb", None)
                begun = {"config": config} | {
                    name: getattr(found, name) for name in ("display_name", "run_group", "job_type")
                }
            if record.HasField("summary"):
                summary |= {each.key: json.loads(each.value_json) for each in record.summary.update}
        yield begun, summary


def entries(content: bytes) -> Iterator[bytes]:
    """The entries of a file in the format of LevelDB's log, as wandb writes it after a header of seven bytes."""
    block, place, entry = 32768, 7, b""
    while place + 7 <= len(content):
        if block - place % block < 7:  # no header fits into the rest of the block
            place += block - place % block
            continue
        size, form = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        entry += content[place + 7 : place + 7 + size]
        place += 7 + size
        if form in (1, 4):  # whole, or the last part
            yield entry
            entry = b""
