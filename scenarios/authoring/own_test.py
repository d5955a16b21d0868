"""Fit a user's test table to the training table: names that differ in case, empty targets, extra columns, ids."""

from collections.abc import Sequence
from pathlib import Path

from pandas import DataFrame

from gome.errors import TaskError
from gome.scenarios.authoring.row_numbers import number_rows
from gome.scenarios.task.cells import MISSING
from gome.scenarios.task.checks import check_columns, check_ids

__all__ = ["fit_columns", "fit_names"]

_SHOWN = 8


def fit_names(
    asked: DataFrame, test: Path, table: DataFrame, targets: Sequence[str], said: list[str]
) -> tuple[DataFrame, DataFrame | None]:
    """The test with the names of the training table and without targets, and the answers if it has them.

    Args:
        asked: The test table.
        test: Its file, for messages.
        table: The training table.
        targets: The target columns.
        said: Gets a message for each change.
    """
    names = list(map(str, table.columns))
    alike = {name.casefold(): name for name in names}
    alike = {low: name for low, name in alike.items() if sum(each.casefold() == low for each in names) == 1}
    renamed = {
        name: alike[name.casefold()]
        for name in map(str, asked.columns)
        if name not in names and name.casefold() in alike and alike[name.casefold()] not in asked
    }
    for old, new in renamed.items():
        said.append(f"{test.name}: column {old!r} is taken as {new!r}")
    asked = asked.rename(columns=renamed)
    answers, given = None, [name for name in targets if name in asked]
    if given:
        empty = asked[given].apply(lambda texts: texts.str.strip().str.lower().isin(MISSING))
        if bool(empty.all(axis=None)):
            said.append(f"{test.name}: column {', '.join(map(repr, given))} is empty and left out")
        elif bool(empty.any(axis=None)) or len(given) < len(targets):
            raise TaskError(
                f"{test}: column {given[0]!r} is a target with values in some rows; fill or remove the column"
            )
        else:
            answers = asked[given]
            said.append(f"{test.name} has the targets: they are the private answers, and no script sees them")
        asked = asked.drop(columns=given)
    return asked, answers


def fit_columns(
    asked: DataFrame, test: Path, table: DataFrame, train: Path, key: str, targets: Sequence[str], said: list[str]
) -> DataFrame:
    """The test without columns that the training table lacks, with numbered rows if it has no ids.

    Raises TaskError if its ids are not distinct, or its columns do not match those of the training table.
    """
    if extra := [name for name in map(str, asked.columns) if name not in table]:
        shown = ", ".join(map(repr, extra[:_SHOWN])) + (", …" if len(extra) > _SHOWN else "")
        said.append(f"{test.name}: not in {train.name} and left out: {shown}")
    asked = asked.drop(columns=extra)
    if absent := [name for name in map(str, table.columns) if name not in asked and name not in (key, *targets)]:
        shown = ", ".join(map(repr, absent[:_SHOWN])) + (", …" if len(absent) > _SHOWN else "")
        said.append(f"{test.name} lacks {shown}: no solution can use it")
    if key not in asked:
        number_rows(asked, key, len(table))
        said.append(f"{test.name} has no column {key!r}: its rows are numbered from {len(table) + 1}")
    check_columns(table, train, asked, test, key, tuple(targets))
    check_ids(asked, test, key)
    return asked
