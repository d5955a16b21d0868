"""Adversarial validation: a test that differs from training is said to, with the columns by which it does."""

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from gome.scenarios.authoring.likeness import likeness


def _rows(count: int, seed: int) -> DataFrame:
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("abc"), count)
    return DataFrame({"id": range(count), "x": rng.normal(size=count), "k": letters, "y": rng.normal(size=count)})


def _said(train: DataFrame, test: DataFrame) -> str:
    return " ".join(likeness(train, test.drop(columns="y"), ("id", "y")))


def test_rows_of_one_kind_are_alike() -> None:
    assert "they are alike" in _said(_rows(600, 0), _rows(200, 1))


@pytest.mark.parametrize("column", ["x", "k"])
def test_the_column_that_differs_is_named(column: str) -> None:
    test = _rows(200, 1)
    test[column] = test["x"] + 3 if column == "x" else "c"
    said = _said(_rows(600, 0), test)
    assert f"by {column!r}" in said
    assert "may not hold for the test" in said


def test_gaps_and_infinities_and_many_columns() -> None:
    wide = [DataFrame(np.random.default_rng(seed).normal(size=(120, 90))).add_prefix("c") for seed in (0, 1)]
    for each in wide:
        each.iloc[::7, 0] = np.inf
        each.iloc[::5, 1] = np.nan
        each["y"] = 0.0
    assert "AUC" in _said(*wide)


@pytest.mark.parametrize("filled", [0, 1])
def test_a_column_that_is_empty_where_the_model_learns_tells_nothing(filled: int) -> None:
    train, test = _rows(600, 0), _rows(200, 1)
    train["new"], test["new"] = np.nan, np.nan
    test.loc[: filled - 1, "new"] = 1.0
    assert "they are alike" in _said(train, test)


@pytest.mark.parametrize("few", [0, 1, 49])
def test_too_few_rows_tell_nothing(few: int) -> None:
    assert _said(_rows(600, 0), _rows(200, 1).head(few)) == ""


def test_without_a_feature_there_is_nothing_to_tell() -> None:
    rows = pd.DataFrame({"id": range(100), "y": range(100)})
    assert _said(rows, rows) == ""
