"""New rows as people write them: `gome predict` and an exported package read them as the run read its own tables."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from gome.api.finished import Run
from gome.viewer.export.package.solution import Solution
from tests.cli.own_script import OWN_SCENARIO
from tests.cli.reading.test_commands import gome
from tests.viewer.export.package.test_package import beside

pytestmark = pytest.mark.xdist_group("written rows")  # its tests share a run

SCRIPT = """
import argparse
import csv
import os

parser = argparse.ArgumentParser()
for name in ("--data", "--out", "--seed"):
    parser.add_argument(name)
args = parser.parse_args()
train, test = (list(csv.DictReader(open(os.path.join(args.data, f"{name}.csv")))) for name in ("train", "test"))
mean = sum(float(row["cost"]) for row in train) / len(train)
with open(os.path.join(args.out, "submission.csv"), "w") as file:
    file.write("order_id,cost\\n")
    for row in test:
        value = mean + float(row["hours"]) + 10 * float(row["temp"] or 0) + len(row["day"]) + float(row["weight"])
        value += sum(map(ord, row["town"])) + 1000 * (row["note"] == "")
        file.write(f"{row['order_id']},{value}\\n")
"""


def orders(first: int, rows: int) -> DataFrame:
    """Orders as a German spreadsheet has them: decimal commas, units, gaps, and ids of the user's own."""
    draw = np.random.default_rng(first)

    def german(values: np.ndarray, form: str = ",.1f") -> list[str]:
        return [format(value, form).translate(str.maketrans(",.", ".,")) for value in values]

    hours, temp = draw.uniform(1000, 20000, rows), draw.uniform(-5, 60, rows)
    return DataFrame(
        {
            "order_id": [f"SO-{number:06}" for number in range(first, first + rows)],
            "day": [f"{1 + day % 28:02}.{1 + day // 28:02}.2024" for day in draw.integers(0, 336, rows)],
            "hours": german(hours),
            "temp": [f"{each} °C" if n % 2 else "n/a" for n, each in enumerate(german(temp))],
            "weight": german(draw.uniform(1, 9, rows), ".3f"),
            "town": draw.choice(["Köln", "Lübeck"], rows),
            "note": draw.choice(["", "-", "N/A", "call first"], rows),
            "cost": german(hours / 10 + temp),
        }
    )


def written(table: DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False, sep=";", encoding="cp1252")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `test.csv`, `train.csv`, a run on them in `runs`, and its package in `package`."""
    folder = tmp_path_factory.mktemp("written")
    written(orders(100, 150), folder / "train.csv")
    written(orders(900, 40).drop(columns="cost"), folder / "test.csv")
    new = ("task", "new", str(folder / "task"), "--train", str(folder / "train.csv"), "--target", "cost")
    assert gome(*new, "--test", str(folder / "test.csv")) == 0
    (folder / "mine.py").write_text(SCRIPT, encoding="utf-8")
    (folder / "own.yaml").write_text(OWN_SCENARIO.replace("SHIP", "mean").replace("TRIALS", "1"), encoding="utf-8")
    assert gome("run", str(folder / "own.yaml"), "--runs", str(folder / "runs"), "--display", "plain") == 0
    assert gome("export", "@last", "--to", "package", str(folder / "package"), "--runs", str(folder / "runs")) == 0
    return folder


def predicted(place: Path, table: Path) -> tuple[str, str]:
    """The predictions of `gome predict`, and of the package, for a file."""
    assert gome("predict", "@last", str(table), "--runs", str(place / "runs"), "-o", str(place / "gome.csv")) == 0
    made = beside(place / "package", "predict.py", str(table), "-o", str(place / "package.csv"))
    assert made.returncode == 0, made.stderr
    return (place / "gome.csv").read_text(encoding="utf-8"), (place / "package.csv").read_text(encoding="utf-8")


def test_the_file_that_run_has_read_gets_what_was_submitted(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    ours, packages = predicted(place, place / "test.csv")
    assert ours == packages == next((place / "runs").iterdir()).joinpath("best", "submission.csv").read_text()
    assert ours.splitlines()[1].startswith("SO-000900,"), "the user's own ids"
    said = capsys.readouterr().err
    assert "columns separated by semicolons" in said and "read as Windows-1252" in said
    tested = beside(place / "package", "-m", "unittest")
    assert "OK" in tested.stderr, tested.stderr


def one_row_of_thousands(rows: DataFrame) -> DataFrame:
    """A row that does not show by itself what its points and commas are."""
    return rows.head(1).assign(hours="6.275", temp="4 °C", weight="3,750")


@pytest.mark.parametrize("change", [lambda rows: rows.head(3), one_row_of_thousands, lambda rows: rows[::-1]])
def test_other_rows_are_read_alike(place: Path, change: Callable[[DataFrame], DataFrame]) -> None:
    rows = change(orders(5000, 30).drop(columns="cost"))
    ours, packages = predicted(place, written(rows, place / "new.csv"))
    assert ours == packages and len(ours.splitlines()) == len(rows) + 1


def test_cells_mean_what_they_mean_in_the_training_table(place: Path) -> None:
    base = orders(5000, 1).drop(columns="cost").assign(temp="n/a", town="Köln", note="x", day="01.02.2024")
    rows = pd.concat(
        [base.assign(order_id=f"SO-{n}", hours=hours, weight="1") for n, hours in enumerate(("0", "6.275"))]
    )
    values = [line.split(",")[1] for line in predicted(place, written(rows, place / "new.csv"))[0].splitlines()[1:]]
    assert float(values[1]) - float(values[0]) == pytest.approx(6275), "the point parts thousands"
    rows = pd.concat([base.assign(order_id=f"SO-{n}", hours="0", weight=each) for n, each in enumerate(("1", "3,750"))])
    values = [line.split(",")[1] for line in predicted(place, written(rows, place / "new.csv"))[0].splitlines()[1:]]
    assert float(values[1]) - float(values[0]) == pytest.approx(2.75), "the comma is the decimal sign"


def test_packed_files_and_other_delimiters(place: Path) -> None:
    rows = orders(5000, 9).drop(columns="cost")
    plain = predicted(place, written(rows, place / "new.csv"))
    tabs = rows.to_csv(index=False, sep="\t").encode("utf-16")
    (place / "new.tsv.gz").write_bytes(gzip.compress(tabs))
    assert predicted(place, place / "new.tsv.gz") == plain


def test_a_frame_of_numbers_is_read_as_numbers(place: Path) -> None:
    same = orders(5000, 1).drop(columns="cost").assign(temp="n/a", day="01.02.2024")
    rows = pd.concat([same] * 3, ignore_index=True).assign(order_id=["SO-1", "SO-2", "SO-3"])
    rows["hours"], rows["weight"] = [6275.0, 6.275, 2.0], [1.125, 2.25, 1.0]
    module = next((place / "package").glob("*/plan.json")).parent
    made = Solution(folder=module).predict(rows)["cost"]
    np.testing.assert_allclose(made.diff()[1:], [6.275 - 6275 + 1.125, 2 - 6.275 - 1.25])
    np.testing.assert_allclose(Run(next((place / "runs").iterdir())).predict(rows)["cost"], made)
    alone = [Solution(folder=module).predict(rows.iloc[[n]])["cost"].iloc[0] for n in range(3)]
    np.testing.assert_allclose(alone, made)


def test_wrong_rows_get_words(place: Path) -> None:
    rows = orders(5000, 5).drop(columns="cost")
    for wrong, words in (
        (rows.drop(columns="hours"), "no column 'hours', which the solution was trained on"),
        (rows.head(0), "there are no rows to predict"),
        (rows.assign(order_id="SO-1"), "is a duplicate"),
        (rows.assign(hours="many"), "'many' is not a number, read as missing"),
    ):
        made = beside(place / "package", "predict.py", str(written(wrong, place / "wrong.csv")))
        assert (made.returncode, "Traceback" in made.stderr) == (1, False)
        assert words in made.stderr
    (place / "wrong.csv").write_bytes(b"a;b\n1;2;3\n")
    made = beside(place / "package", "predict.py", str(place / "wrong.csv"))
    assert (made.returncode, "Traceback" in made.stderr) == (1, False)
    assert "row 1 has 3 fields where the header has 2" in made.stderr


def test_run_says_of_columns_what_validate_says(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("validate", str(place / "own.yaml")) == 0
    validated = [line for line in capsys.readouterr().out.splitlines() if ": warning: column" in line]
    assert len(validated) >= 3
    assert gome("run", str(place / "own.yaml"), "--runs", str(place / "again"), "--display", "plain") == 0
    assert set(validated) <= set(capsys.readouterr().err.splitlines())
