"""A user's own table, from one command to a finished run."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame
from PIL import Image

from gome.api.own_table import Table, scenario_of_table, write_scenario
from gome.bus.store.lock import RunLock
from gome.cli.exit_statuses import INTERRUPTED
from gome.cli.running.run import run
from gome.errors import TaskError, UsageError
from gome.scenarios.authoring.from_table import new_task
from gome.scenarios.config.loader import load_scenario, resolve_task
from gome.scenarios.task.task import Task
from tests.cli.own_script import COLD, PRICE_BY_SIZE, short_options
from tests.cli.reading.test_commands import gome
from tests.full_disk import room_for
from tests.viewer.sample import Sample, opened, sample_run

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
    path = scenario_of_table(csv, Table(("price",)), tell=lines.append).scenario
    assert path.name == "my-houses-2.yaml"
    scenario = load_scenario(path)
    task = Task.load(resolve_task(scenario, path))
    assert (task.brief.task_type, task.brief.metric, task.brief.train_rows) == ("regression", "rmse", 192)
    assert task.answers is not None
    told = "\n".join(lines)
    assert "table: metric rmse" in told
    assert "nothing to submit" in told


def test_an_id_and_the_budget_of_the_first_run_are_taken(csv: Path) -> None:
    rows = csv.read_text(encoding="utf-8").splitlines()
    named = [f"{line},{'nr' if n == 0 else f'{n} {n * n}'}" for n, line in enumerate(rows)]
    csv.write_text("\n".join(named) + "\n", encoding="utf-8")
    path = scenario_of_table(csv, Table(("price",), id_column="nr"), overrides=("budget.time=8min", "seed=3")).scenario
    scenario = load_scenario(path)
    assert (scenario.budget.time, scenario.budget.trials) == (480, None)
    assert Task.load(resolve_task(scenario, path)).brief.id_column == "nr"
    with pytest.raises(UsageError, match="--id and --drop-missing-target need a table"):
        run(path, id_="nr")


def test_a_model_and_a_metric_are_taken(csv: Path) -> None:
    scenario = load_scenario(scenario_of_table(csv, Table(("price",), metric="mae", model="gpt-5")).scenario)
    assert [(each.kind, getattr(each, "model", None)) for each in scenario.backends.values()] == [("openai", "gpt-5")]


@pytest.mark.parametrize(
    ("model", "line", "told"),
    [
        (
            "deepseek-chat",
            '  model: {kind: "deepseek", model: "deepseek-chat"}   # its key: DEEPSEEK_API_KEY',
            "deepseek at https://api.deepseek.com, key DEEPSEEK_API_KEY, 0.27 USD in and 1.1 USD out",
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
    path = scenario_of_table(csv, Table(("price",), model=model), tell=lines.append).scenario
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


def test_the_same_command_with_other_options_makes_anew_what_nobody_edited(csv: Path) -> None:
    scenario_of_table(csv, Table(("price",)), overrides=("budget.time=4",))
    lines: list[str] = []
    path = scenario_of_table(csv, Table(("price",), metric="mae"), tell=lines.append, overrides=["budget.time=4min"])
    scenario = load_scenario(path.scenario)
    assert scenario.budget.time == 240
    assert Task.load(resolve_task(scenario, path.scenario)).brief.metric == "mae"
    assert "anew: nobody had edited them" in lines[-1]
    assert len(list(csv.parent.iterdir())) == 3


def test_what_fails_the_second_time_leaves_what_was_there(csv: Path) -> None:
    made = scenario_of_table(csv, Table(("price",)))
    for table in (Table(("price",), metric="rsme"), Table(("prize",)), Table(("price",), test=Path("no.csv"))):
        with pytest.raises(TaskError):
            scenario_of_table(csv, table)
        assert Task.load(resolve_task(load_scenario(made.scenario), made.scenario)).digest == made.task.digest
    assert len(list(csv.parent.iterdir())) == 3


@pytest.mark.parametrize("name", ["my-houses-2.yaml", "my-houses-2-task/task.yaml", "my-houses-2-task/leaderboard.csv"])
def test_what_was_edited_is_not_written_over(name: str, csv: Path) -> None:
    scenario_of_table(csv, Table(("price",)))
    edited = csv.parent / name
    written = (edited.read_text() if edited.exists() else "") + "# my note\n"
    edited.write_text(written)
    with pytest.raises(UsageError, match=r"2\.yaml and \S*-task exist already.*gome run .*rm -r \S*yaml \S*-task,"):
        scenario_of_table(csv, Table(("price",), metric="mae"))
    assert edited.read_text() == written
    with pytest.raises(TaskError, match=r"there is no file no\.csv"):  # what was given is checked first
        scenario_of_table(csv, Table(("price",), test=Path("no.csv")))


def test_what_was_made_of_another_table_is_not_written_over(csv: Path) -> None:
    scenario_of_table(csv, Table(("price",)))
    other = csv.rename(csv.with_name("My Houses (2).txt"))
    with pytest.raises(UsageError, match=r"exist already, not as gome wrote them for .*txt"):
        scenario_of_table(other, Table(("price",)))


def test_runs_on_the_task_are_not_disturbed_and_those_that_lose_it_are_named(csv: Path) -> None:
    runs, sample = csv.parent / "runs", Sample()
    made = scenario_of_table(csv, Table(("price",)), runs=runs)
    of_task = {"task_path": str(made.task.folder.resolve()), "task_digest": made.task.digest}
    sample.say("user", opened(sample_run()).model_copy(update=of_task))
    folder = sample.write(runs / "mine")
    with RunLock(folder), pytest.raises(UsageError, match=r"run mine is at work on .*-task; wait"):
        scenario_of_table(csv, Table(("price",)), runs=runs)
    lines: list[str] = []
    scenario_of_table(csv, Table(("price",)), tell=lines.append, overrides=["budget.time=4min"], runs=runs)
    assert not any("as it was before" in line for line in lines)  # it is the same task
    scenario_of_table(csv, Table(("price",), metric="mae"), tell=lines.append, runs=runs)
    assert "as it was before (mine) can be read, but no longer" in lines[-1]


def test_an_interrupt_before_the_run_begins_leaves_nothing(csv: Path) -> None:
    runs = csv.parent / "runs"
    command = [sys.executable, str(MAIN), "run", str(csv), "--target", "price", *short_options(runs, COLD)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = next(line for line in process.stderr if line.startswith("wrote"))
        process.send_signal(signal.SIGINT)
        told += process.stderr.read()
    assert process.returncode == INTERRUPTED, told
    left = sorted(path.name for path in csv.parent.iterdir() if path != runs)
    began = any(runs.glob("*/log.sqlite*"))  # it may, on a machine where the signal comes late
    assert left == sorted([csv.name, *(["my-houses-2.yaml", "my-houses-2-task"] if began else [])]), told


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
    scenario, runs = scenario_of_table(csv, Table(("price",), model="gpt-5")).scenario, csv.parent / "runs"
    capsys.readouterr()
    assert gome("run", str(scenario), "--runs", str(runs), "--display", "plain") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error[usage]: backend 'model' (gpt-5): the environment variable OPENAI_API_KEY")
    assert not runs.exists()


def test_a_table_runs(csv: Path, tmp_path: Path) -> None:
    """By the offline expert, in a process of its own."""
    command = [
        sys.executable,
        str(MAIN),
        "run",
        str(csv),
        "--target",
        "price",
        *short_options(tmp_path / "runs", COLD),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert data["score"] < data["baseline"]
    assert data["test_score"] is not None
    assert f"run {data['run']} in {tmp_path / 'runs' / data['run']}" in done.stderr


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def put(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let those bytes be what standard input holds."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("kind", ["utf-16", "gz", "zip", "parquet", "xlsx", "semicolons"])
def test_a_table_from_standard_input_is_read_as_a_file_is(
    kind: str, tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = DataFrame({"size": np.arange(40) % 7 + 0.5, "name": ["Zoë", "b"] * 20, "y": np.arange(40) * 1.25 % 9})
    place = tmp_path / "given"
    if kind == "parquet":
        table.to_parquet(place)
    elif kind == "xlsx":
        table.to_excel(place.with_suffix(".xlsx"), index=False)
        place.with_suffix(".xlsx").rename(place)
    elif kind in ("gz", "zip"):
        table.to_csv(place, index=False, compression="gzip" if kind == "gz" else "zip")
    else:
        sep = ";" if kind == "semicolons" else ","
        table.to_csv(place, index=False, sep=sep, encoding="utf-16" if kind == "utf-16" else "utf-8")
    put(place.read_bytes(), monkeypatch)
    assert gome("task", "new", "t", "--train", "-", "--target", "y") == 0
    rows = (work / "t" / "prepared" / "public" / "train.csv").read_text().splitlines()
    assert rows[0] == "id,size,name,y"
    assert sum("Zoë" in row for row in rows) in range(10, 21)


def test_a_run_from_standard_input_writes_into_the_working_directory(csv: Path, work: Path) -> None:
    """Through a real pipe."""
    start = csv.with_name("mine.py")
    start.write_text(PRICE_BY_SIZE, encoding="utf-8")
    options = short_options(Path("runs"), COLD, start=start)
    command = [sys.executable, str(MAIN), "run", "-", "--target", "price", *options]
    done = subprocess.run(command, input=csv.read_bytes(), capture_output=True, timeout=200)
    told = done.stderr.decode()
    assert done.returncode == 0, told
    assert "standard input: regression, rmse (minimize), 192 training rows" in told
    assert sorted(each.name for each in work.iterdir()) == ["runs", "stdin-task", "stdin.yaml"]
    again = subprocess.run(command, input=csv.read_bytes(), capture_output=True, timeout=200)
    assert again.returncode == 2
    assert b"stdin.yaml and " in again.stderr and b"stdin-task exist already. Run it with" in again.stderr


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        (b"", ["--target", "y"], "standard input is empty"),
        (b"a,b\n1,2\n", [], "standard input is a table: name the column to predict with --target"),
        (b"a,b\n1,2\n", ["--target", "b"], "standard input has 1 rows; a task needs at least 20"),
        (b"a,b\n1,2,3\n", ["--target", "b"], "standard input: row 1 has 3 fields where the header has 2"),
        (b"\0\1\2\xff" * 99, ["--target", "b"], "standard input: not a text file"),
        (b"PK\3\4" + b"x" * 60, ["--target", "b"], "standard input: "),
    ],
)
def test_standard_input_that_is_no_table_gets_words(
    content: bytes,
    arguments: list[str],
    words: str,
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(content, monkeypatch)
    assert gome("run", "-", *arguments) == 2
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told
    assert not list(work.iterdir())


def test_a_terminal_is_not_read(tmp_path: Path) -> None:
    main, other = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, str(MAIN), "run", "-", "--target", "y"],
            cwd=tmp_path,
            stdin=other,
            capture_output=True,
            timeout=60,
        )
    finally:
        os.close(main)
        os.close(other)
    assert done.returncode == 2
    assert b"standard input is a terminal: pipe a table into it" in done.stderr


def test_a_folder_of_pictures_is_run_and_that_of_a_task_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(40):
        path = tmp_path / "marks" / ("dark", "light")[seed % 2] / f"{seed}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        shades = np.random.default_rng(seed).integers(0, 120, (8, 8)) + 120 * (seed % 2)
        Image.fromarray(shades.astype(np.uint8)).save(path)
    few = (COLD, "method.folds=1", "executors.debug=false")  # each script imports torch
    options = short_options(tmp_path / "runs", *few)
    assert gome("run", str(tmp_path / "marks"), *options) == 0
    assert "marks: binary, auc (maximize), 32 training rows" in capsys.readouterr().err
    assert gome("task", "new", str(tmp_path / "again"), "--train", str(tmp_path / "marks")) == 0
    capsys.readouterr()
    assert gome("run", str(tmp_path / "again"), *options) == 2
    assert f"gome run {tmp_path}/again/scenario.yaml" in capsys.readouterr().err
