"""A user's own table, from one command to a finished run."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame

from gome.api.own_table import Table, scenario_of_table, write_scenario
from gome.errors import TaskError, UsageError
from gome.scenarios.authoring.from_table import new_task
from gome.scenarios.config.loader import load_scenario, resolve_task
from gome.scenarios.task.task import Task
from tests.cli.reading.test_commands import gome
from tests.full_disk import room_for

MAIN = Path(__file__).parents[3] / "main.py"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    size, colour = rng.normal(size=240), rng.choice(["red", "green", "blue"], 240)
    price = 3 * size + (colour == "red") + rng.normal(scale=0.1, size=240)
    path = tmp_path / "My Houses (2).csv"
    DataFrame({"size": size, "colour": colour, "price": price}).to_csv(path, index=False)
    return path


def test_a_table_becomes_a_task_and_a_scenario(csv: Path) -> None:
    lines: list[str] = []
    path = scenario_of_table(csv, Table(("price",)), tell=lines.append)
    assert path.name == "my-houses-2.yaml"
    scenario = load_scenario(path)
    task = Task.load(resolve_task(scenario, path))
    assert (task.brief.task_type, task.brief.metric, task.brief.train_rows) == ("regression", "rmse", 192)
    assert task.answers is not None
    told = "\n".join(lines)
    assert "table: metric rmse" in told
    assert "nothing to submit" in told


def test_a_model_and_a_metric_are_taken(csv: Path) -> None:
    scenario = load_scenario(scenario_of_table(csv, Table(("price",), metric="mae", model="gpt-5")))
    assert [(each.kind, getattr(each, "model", None)) for each in scenario.backends.values()] == [("openai", "gpt-5")]


@pytest.mark.parametrize(
    ("model", "line", "told"),
    [
        (
            "deepseek-chat",
            '  model: {kind: "deepseek", model: "deepseek-chat"}   # its key: DEEPSEEK_API_KEY',
            "deepseek at https://api.deepseek.com/v1, key DEEPSEEK_API_KEY, 0.27 USD in and 1.1 USD out",
        ),
        (
            "http://127.0.0.1:8000/v1#qwen3",
            '  model: {kind: "openai", model: "qwen3", base_url: "http://127.0.0.1:8000/v1"}',
            "openai at http://127.0.0.1:8000/v1, no key, price unknown, window asked of the server",
        ),
    ],
)
def test_what_a_models_name_means_is_written_and_told(model: str, line: str, told: str, csv: Path) -> None:
    lines: list[str] = []
    path = scenario_of_table(csv, Table(("price",), model=model), tell=lines.append)
    assert line in path.read_text().splitlines()
    assert (load_scenario(path).budget.usd is None) == ("unknown" in told)
    assert told in "\n".join(lines)


@pytest.mark.parametrize(
    "table", [Table(()), Table(("prize",)), Table(("price",), metric="rsme"), Table(("price",), test=Path("no.csv"))]
)
def test_what_cannot_be_used_leaves_nothing(csv: Path, table: Table) -> None:
    with pytest.raises((UsageError, TaskError)):
        scenario_of_table(csv, table)
    assert [path.name for path in csv.parent.iterdir()] == [csv.name]


def test_what_is_there_is_not_written_over(csv: Path) -> None:
    written = scenario_of_table(csv, Table(("price",))).read_bytes()
    with pytest.raises(UsageError, match=r"gome run .*my-houses-2\.yaml"):
        scenario_of_table(csv, Table(("price",), metric="mae"))
    assert csv.with_name("my-houses-2.yaml").read_bytes() == written


def test_no_room_for_the_scenario_leaves_nothing(csv: Path) -> None:
    with room_for(40), pytest.raises(TaskError, match=r"houses-2\.yaml cannot be written: File too large; nothing was"):
        scenario_of_table(csv, Table(("price",)))
    assert [left.name for left in csv.parent.iterdir()] == [csv.name]


def test_a_scenario_that_cannot_be_written_takes_its_task_with_it(csv: Path) -> None:
    folder, path = new_task(csv.with_name("houses"), csv, ["price"]).folder, csv.with_name("houses.yaml")
    with room_for(40), pytest.raises(TaskError, match=r"houses\.yaml cannot be written: File too large; nothing was"):
        write_scenario(path, "houses", folder, "run houses.csv")
    assert [left.name for left in csv.parent.iterdir()] == [csv.name]


def test_options_of_a_table_go_with_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("run", str(tmp_path / "s.yaml"), "--target", "y") == 2
    assert "need a table" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "gpt-5"], "the environment variable OPENAI_API_KEY is not set"),
        (["--model", "gpt-5", "--detach"], "the environment variable OPENAI_API_KEY is not set"),
        (["--model", "gemini-2.5-pro"], "the environment variable GEMINI_API_KEY is not set"),
        (["--model", "https://models.example/v1#m"], "--set"),
        (["--model", "gpt5"], "did you mean gpt-5?"),
        (["--set", "traces=0"], "--set traces=0"),
        (["--set", "lookahead=1", "--set", "memory.consistency=lockstep"], "my-houses-2.yaml:1:1"),
        (["--role", "proposer=nobody"], "no backend named nobody"),
        (["--set", "executors.assets=[weights]"], "weights does not exist"),
        (["--set", "executors.python=/nowhere/python"], "/nowhere/python"),
        (
            [
                "--model",
                "ollama:m",
                "--set",
                "backends.model={kind: openai, model: m, base_url: http://a.b/v1, api_key_env: KEY}",
            ],
            "for the first time",
        ),
    ],
)
def test_a_run_that_cannot_begin_leaves_and_announces_nothing(
    options: list[str],
    words: str,
    csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("KEY", "a-key-of-somebody")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(csv.parent.parent / "config"))
    runs = csv.parent / "runs"
    assert gome("run", str(csv), "--target", "price", "--runs", str(runs), *options) != 0
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""
    assert not any(said in printed.err for said in ("guessed", "wrote", "run 2"))
    assert [path.name for path in csv.parent.iterdir()] == [csv.name]


def test_a_scenario_without_its_key_announces_no_run(
    csv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    scenario, runs = scenario_of_table(csv, Table(("price",), model="gpt-5")), csv.parent / "runs"
    capsys.readouterr()
    assert gome("run", str(scenario), "--runs", str(runs), "--display", "plain") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error[usage]: backend 'model' (gpt-5): the environment variable OPENAI_API_KEY")
    assert not runs.exists()


def test_a_table_runs(csv: Path, tmp_path: Path) -> None:
    small = ["budget.trials=1", "traces=1", "method.folds=2", "method.finish={candidates: 1, seeds: 1, ship: mean}"]
    quick = [word for each in small for word in ("--set", each)]
    command = [
        sys.executable,
        str(MAIN),
        "run",
        str(csv),
        "--target",
        "price",
        *quick,
        "--runs",
        str(tmp_path / "runs"),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert data["score"] < data["baseline"]
    assert data["test_score"] is not None
    assert f"run {data['run']} in {tmp_path / 'runs' / data['run']}" in done.stderr
