"""Which column of a user's table names its rows: ids are found, features are left alone."""

import uuid
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame

from gome.errors import TaskError
from gome.scenarios.authoring.from_table import new_task
from gome.scenarios.authoring.new_rows import with_new_rows
from gome.scenarios.authoring.row_names import find_names
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.task.text_table import TextTable

ROWS = 60
DRAW = np.random.default_rng(4)
CODES = [f"SO-{number:06}" for number in DRAW.permutation(ROWS) + 240000]
NUMBERS = [str(number) for number in range(1, ROWS + 1)]
TABLE = DataFrame({"x": [f"{each:.3f}" for each in DRAW.normal(size=ROWS)], "y": [str(n % 17) for n in range(ROWS)]})
IDS = {
    "codes": ("order", CODES),
    "codes with few beginnings": ("order", [f"{'AB'[n % 2]}{n}-7" for n in range(ROWS)]),
    "uuids": ("key", [str(uuid.uuid5(uuid.NAMESPACE_URL, str(n))) for n in range(ROWS)]),
    "numbers that are called an id": ("customer_id", [str(each) for each in DRAW.permutation(9000)[:ROWS]]),
    "camel case": ("PassengerId", [str(each) for each in DRAW.permutation(9000)[:ROWS]]),
}
FEATURES = {
    "fractions": ("level", [f"{each:.6f}" for each in DRAW.normal(size=ROWS)]),
    "fractions that are called an id": ("meter_id", [f"{each:.6f}" for each in DRAW.normal(size=ROWS)]),
    "whole numbers": ("turnover", [str(each) for each in DRAW.permutation(9000)[:ROWS]]),
    "dates": ("when", [f"2024-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(ROWS)]),
    "dates with points": ("when", [f"{1 + n % 28:02}.{1 + n // 28:02}.2024" for n in range(ROWS)]),
    "free text": ("note", [f"bearing noise in line {n}" for n in range(ROWS)]),
    "names of people": ("who", [f"{'ABCDEFGH'[n % 8]}nna{'klmnopqr'[n // 8]}" for n in range(ROWS)]),
    "numbers with units": ("weight", [f"{n + 3}kg" for n in range(ROWS)]),
    "amounts": ("price", [f"EUR{n + 3}" for n in range(ROWS)]),
    "values that repeat": ("shop_id", [f"S-{n // 2}" for n in range(ROWS)]),
    "codes with a gap": ("order", ["", *CODES[1:]]),
    "codes of many kinds": ("plate", [f"{chr(65 + n % 26)}{chr(65 + n // 26)}-{n}" for n in range(ROWS)]),
}


def _found(table: DataFrame, asked: DataFrame | None, apart: list[str]) -> str | None:
    return find_names(TextTable.of(table), None if asked is None else TextTable.of(asked), apart)


@pytest.mark.parametrize("kind", IDS)
def test_ids_are_found(kind: str) -> None:
    name, texts = IDS[kind]
    table = TABLE.assign(**{name: texts})
    assert _found(table, None, ["y"]) == name
    assert _found(table.head(40), table.tail(20), ["y"]) == name
    assert _found(table.head(40), table.tail(20).drop(columns=name), ["y"]) is None, "the test has no such column"
    assert _found(table, table.tail(20), ["y"]) is None, "rows of the test that have the same names are no others"
    assert _found(table, None, ["y", name]) is None
    assert _found(table[[name, "y"]], None, ["y"]) is None, "nothing would be left to predict from"


@pytest.mark.parametrize("kind", FEATURES)
def test_features_are_left_alone(kind: str) -> None:
    name, texts = FEATURES[kind]
    table = TABLE.assign(**{name: texts})
    assert _found(table, None, ["y"]) is None
    assert _found(table.head(40), table.tail(20), ["y"]) is None


def test_a_name_of_rows_is_the_id_and_no_feature(tmp_path: Path) -> None:
    table = TABLE.assign(order=CODES, y=[str(n / 7) for n in range(ROWS)])
    table.head(40).to_csv(tmp_path / "train.csv", index=False)
    table.tail(20).drop(columns="y").to_csv(tmp_path / "test.csv", index=False)
    made = new_task(tmp_path / "own", tmp_path / "train.csv", ["y"], test=tmp_path / "test.csv")
    assert made.task.brief.id_column == "order"
    assert list(made.task.sample["order"]) == CODES[40:]
    assert any("column 'order' names the rows" in guess for guess in made.guesses)


@pytest.mark.parametrize(("split", "cells"), [("group:shop_id", CODES), ("group:a", NUMBERS), ("time:a", NUMBERS)])
def test_a_column_that_the_split_uses_is_no_id(tmp_path: Path, split: str, cells: list[str]) -> None:
    """Not even one that numbers the rows: ids that the split uses are kept, so training rows could not be predicted."""
    file = tmp_path / "train.csv"
    TABLE.assign(**{split.partition(":")[2]: cells}, y=[n / 7 for n in range(ROWS)]).to_csv(file, index=False)
    made = new_task(tmp_path / "own", file, ["y"], split=split)
    assert made.task.brief.id_column == "id"
    assert any("--id COLUMN" in guess for guess in made.guesses), "the remedy is said where rows are numbered"
    asked, _ = with_new_rows(made.task, file)
    assert (Harness(asked, tmp_path / "views", seed=1).data("split-0") / "test.csv").stat().st_size > 0


def test_rows_can_be_split_by_an_id_of_numbers(tmp_path: Path) -> None:
    file = tmp_path / "train.csv"
    TABLE.assign(id=range(ROWS), y=[n / 7 for n in range(ROWS)]).to_csv(file, index=False)
    made = new_task(tmp_path / "own", file, ["y"], split="time:id")
    assert made.task.brief.id_column == "id"
    assert list(made.task.test["id"]) == [str(n) for n in range(ROWS * 4 // 5, ROWS)], "the latest are the test"


@pytest.mark.parametrize(("kind", "cell"), [("date", "gestern"), ("number", "many")])
def test_a_kind_that_no_cell_has_is_refused(tmp_path: Path, kind: str, cell: str) -> None:
    table = TABLE.assign(y=[str(n / 7) for n in range(ROWS)], z=["", *[cell] * (ROWS - 1)])
    table.to_csv(tmp_path / "train.csv", index=False)
    task = new_task(tmp_path / "own", tmp_path / "train.csv", ["y"]).task
    with (task.folder / "task.yaml").open("a", encoding="utf-8") as file:
        file.write(f"columns: {{z: {kind}}}\n")
    with pytest.raises(TaskError, match=rf"column 'z', row 2: `columns` says {kind}, but no cell .* '{cell}'"):
        type(task).load(task.folder)
