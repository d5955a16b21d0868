"""The profile's figures of a table are those that pandas computes, column by column."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame, Series

from gome.scenarios.authoring.from_table import new_task
from gome.scenarios.profiling.profile import MOST_COLUMNS, profile_task
from gome.scenarios.task.task import Task

ROWS = 60


def _task(folder: Path, extra: int = 0) -> Task:
    """A task with whole numbers, fractions, gaps, texts, rows that come again, and so many `extra` columns."""
    draw = np.random.default_rng(4)
    table = DataFrame(
        {
            "whole": draw.integers(-5, 6, ROWS),
            "fine": draw.normal(size=ROWS).round(3),
            "gaps": [None if number % 7 == 0 else number / 4 for number in range(ROWS)],
            "gaps_whole": [None if number % 5 == 0 else number % 9 for number in range(ROWS)],
            "kind": draw.choice(["oak", "elm", ""], ROWS),
            "y": draw.normal(size=ROWS).round(2),
        }
    )
    more = DataFrame({f"x{number}": draw.normal(size=ROWS).round(4) for number in range(extra)})
    table = pd.concat([table, more], axis=1)
    table = pd.concat([table, table.iloc[[3, 3, 8, 21]]], ignore_index=True)
    table.to_csv(folder / "t.csv", index=False)
    return new_task(folder / "task", folder / "t.csv", ["y"]).task


@pytest.mark.parametrize("extra", [0, 200])  # more columns than rows are read as numbers together
def test_figures_of_columns(tmp_path: Path, extra: int) -> None:
    task = _task(tmp_path, extra)
    profile = profile_task(task)
    for column in profile.columns:
        values: Series = task.typed_train[column.name]
        present = values.dropna()
        assert column.cardinality == present.nunique()
        assert column.missing == round(float(values.isna().mean()), 6)
        assert column.examples == tuple(str(value) for value in present.drop_duplicates().head(3))
        if pd.api.types.is_numeric_dtype(values):
            assert column.dtype == ("integer" if (present == present.round()).all() else "float")
            assert (column.minimum, column.maximum) == (present.min(), present.max())
            assert (column.mean, column.median) == (round(present.mean(), 6), present.median())
            assert column.skew == pytest.approx(float(str(present.skew())) * _of_the_rows(len(present)), abs=1e-3)


def test_relevance_of_many_columns_is_of_those_that_correlate_most(tmp_path: Path) -> None:
    task = _task(tmp_path, 2 * MOST_COLUMNS + 100)
    features = task.typed_train.drop(columns=[task.brief.id_column, "y"])
    numbers = features.select_dtypes("number")
    strength = numbers.fillna(numbers.mean()).corrwith(task.typed_train["y"]).abs().sort_values(ascending=False)
    measured = {each.name for each in profile_task(task).columns if each.relevance is not None}
    assert measured == {"kind", *strength.index[: MOST_COLUMNS - 1]}


def _of_the_rows(rows: int) -> float:
    """From the skew of a sample, which pandas estimates, to that of its rows."""
    return (rows - 2) / float(np.sqrt(rows * (rows - 1)))


def test_rows_that_come_again(tmp_path: Path) -> None:
    task = _task(tmp_path)
    seen = [name for name in task.train.columns if name != task.brief.id_column]
    found = profile_task(task).duplicate_rows
    assert found == task.train[seen].frame().duplicated().sum() > 0


def test_texts_alone_that_come_again(tmp_path: Path) -> None:
    words = ["a", "b", "c"] * 20
    DataFrame({"kind": words, "other": words[::-1], "y": ["yes", "no"] * 30}).to_csv(tmp_path / "t.csv", index=False)
    task = new_task(tmp_path / "task", tmp_path / "t.csv", ["y"]).task
    seen = [name for name in task.train.columns if name != task.brief.id_column]
    assert profile_task(task).duplicate_rows == task.train[seen].frame().duplicated().sum() > 0
