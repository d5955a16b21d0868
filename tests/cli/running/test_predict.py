"""`predict` and `--start`: a user's own script begins a run, and what the run submits predicts new rows."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.own_script import OWN_SCENARIO
from tests.cli.printed import data_of
from tests.cli.reading.test_commands import gome
from tests.scenarios.helpers.make_task import make_task

pytestmark = pytest.mark.xdist_group("predict")  # they share two runs

SCENARIO = OWN_SCENARIO.replace("TRIALS", "1")
SCRIPT = """
import argparse
import csv
import os

parser = argparse.ArgumentParser()
parser.add_argument("--data")
parser.add_argument("--out")
parser.add_argument("--seed", type=int)
args = parser.parse_args()
train = list(csv.DictReader(open(os.path.join(args.data, "train.csv"))))
rows = list(csv.DictReader(open(os.path.join(args.data, "test.csv"))))
mean = sum(float(row["y"]) for row in train) / len(train)
with open(os.path.join(args.out, "submission.csv"), "w") as file:
    file.write("id,y\\n")
    for row in rows:
        file.write(f"{row['id']},{mean + 0.1 * float(row['age'] or 40)}\\n")
"""


@pytest.fixture(scope="module", params=["mean", "refit"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a finished run that began, and ended, with the user's own script."""
    folder = tmp_path_factory.mktemp(str(request.param))
    make_task(folder / "task", rows=200)
    (folder / "mine.py").write_text(SCRIPT, encoding="utf-8")
    (folder / "own.yaml").write_text(SCENARIO.replace("SHIP", str(request.param)), encoding="utf-8")
    assert gome("run", str(folder / "own.yaml"), "--runs", str(folder / "runs"), "--display", "plain") == 0
    yield folder


def asked(place: Path, table: Path, *words: str) -> int:
    return gome("predict", "@last", str(table), "--runs", str(place / "runs"), *words)


def test_the_users_script_is_the_first_trial(place: Path) -> None:
    run = next((place / "runs").iterdir())
    assert (run / "best" / "solution.py").read_text(encoding="utf-8") == SCRIPT


def test_rows_of_the_test_get_what_was_submitted(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = place / "task" / "prepared" / "public" / "test.csv"
    run = next((place / "runs").iterdir())
    assert asked(place, test, "-o", str(place / "again.csv"), "--json") == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("training 1 solution again: about "), "said before anything is trained"
    said = data_of(printed.out.splitlines()[-1], "predict")
    assert said["rows"] == 120
    assert (place / "again.csv").read_bytes() == (run / "best" / "submission.csv").read_bytes()


def test_new_rows_need_no_id_and_no_target(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = (place / "task" / "prepared" / "public" / "train.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines()))[:3]
    with (place / "new.csv").open("w", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name != "id"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    assert asked(place, place / "new.csv") == 0
    printed = capsys.readouterr()
    after = max(int(row["id"]) for row in csv.DictReader(table.splitlines())) + 1
    assert [line.split(",")[0] for line in printed.out.splitlines()] == ["id", *map(str, range(after, after + 3))]
    assert f"rows are numbered from {after}" in printed.err
    assert "ignored: column 'y'" in printed.err


def altered(place: Path, defect: str) -> Path:
    """The test with that defect."""
    lines = (place / "task" / "prepared" / "public" / "test.csv").read_text(encoding="utf-8").splitlines()
    match defect:
        case "without a column":
            lines[0] = lines[0].replace("age", "years")
        case "another type":
            at = lines[0].split(",").index("age")
            fields = next(csv.reader([lines[2]]))
            fields[at] = "old"
            lines[2] = ",".join(f'"{each}"' for each in fields)
        case "empty":
            lines = lines[:1]
        case "an id twice":
            lines[2] = lines[1].split(",")[0] + "," + lines[2].split(",", 1)[1]
        case _:
            raise ValueError(defect)
    path = place / f"{defect}.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        ("without a column", "no column 'age', which the solution was trained on"),
        ("empty", "there are no rows to predict"),
        ("an id twice", "is a duplicate"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    place: Path, defect: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = place / "never.csv"
    assert asked(place, altered(place, defect), "-o", str(out)) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_a_cell_of_another_type_is_read_as_missing_and_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(place, altered(place, "another type"), "-o", str(place / "with a gap.csv")) == 0
    said = capsys.readouterr().err
    assert "age" in said and "'old'" in said, said


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("def broken(:\n", "line 1: does not parse"),
        ("import nowhere_to_be_found\n", "line 1: imports nowhere_to_be_found, which is not installed"),
        ("a = open('../input/train.csv')  # --data --out\n", "line 1: '../input/train.csv' is outside the data folder"),
        ("print('hello')\n", "does not take the arguments --data and --out"),
    ],
)
def test_a_start_that_cannot_run_is_refused(
    tmp_path: Path, script: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_task(tmp_path / "task", rows=100)
    (tmp_path / "mine.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "other.py").write_text(script, encoding="utf-8")
    (tmp_path / "own.yaml").write_text(SCENARIO.replace("SHIP", "mean"), encoding="utf-8")
    words_given = ("run", str(tmp_path / "own.yaml"), "--start", str(tmp_path / "other.py"))
    assert gome(*words_given, "--runs", str(tmp_path / "runs")) == 2
    assert words in capsys.readouterr().err
    assert not list((tmp_path / "runs").glob("*")) if (tmp_path / "runs").exists() else True


def test_a_script_of_a_strangers_scenario_lies_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_task(tmp_path / "task", rows=100)
    text = SCENARIO.replace("SHIP", "mean").replace("start: mine.py", "start: ../../etc/hostname")
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    assert gome("run", str(tmp_path / "own.yaml"), "--runs", str(tmp_path / "runs")) == 2
    assert "is outside the scenario's folder" in capsys.readouterr().err


def test_json_tells_of_a_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(place, place / "task" / "prepared" / "public" / "test.csv", "--json") == 2
    assert json.dumps("-o")[1:-1] in capsys.readouterr().err
