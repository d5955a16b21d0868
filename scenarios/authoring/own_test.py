"""Fit a user's test table to the training table: names that differ in case, empty targets, extra columns, ids."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gome.errors import TaskError
from gome.scenarios.authoring.row_numbers import number_rows
from gome.scenarios.task.cells import MISSING
from gome.scenarios.task.checks import check_columns, check_ids
from gome.scenarios.task.text_table import TextTable

__all__ = ["fit_columns", "fit_names"]

_SHOWN = 8


def fit_names(
    asked: TextTable, test: Path, table: TextTable, targets: Sequence[str], said: list[str]
) -> tuple[TextTable, TextTable | None]:
    """The test with the names of the training table and without targets, and the answers if it has them.

    Args:
        asked: The test table.
        test: Its file, for messages.
        table: The training table.
        targets: The target columns.
        said: Gets a message for each change.
    """
    names = table.columns
    alike = {name.casefold(): name for name in names}
    alike = {low: name for low, name in alike.items() if sum(each.casefold() == low for each in names) == 1}
    renamed = {
        name: alike[name.casefold()]
        for name in asked.columns
        if name not in names and name.casefold() in alike and alike[name.casefold()] not in asked
    }
    for old, new in renamed.items():
        said.append(f"{test.name}: column {old!r} is taken as {new!r}")
    asked = asked.renamed([renamed.get(name, name) for name in asked.columns])
    answers, given = None, [name for name in targets if name in asked]
    if given:
        empty = np.array([asked[name].str.strip().str.lower().isin(MISSING) for name in given])
        if empty.all():
            said.append(f"{test.name}: column {', '.join(map(repr, given))} is empty and left out")
        elif empty.any() or len(given) < len(targets):
            raise TaskError(
                f"{test}: column {given[0]!r} is a target with values in some rows; fill or remove the column"
            )
        else:
            answers = asked[given]
            said.append(f"{test.name} has the targets: they are the private answers, and no script sees them")
        asked = asked.without(given)
    return asked, answers


def fit_columns(
    asked: TextTable, test: Path, table: TextTable, train: Path, key: str, targets: Sequence[str], said: list[str]
) -> TextTable:
    """The test without columns that the training table lacks, with numbered rows if it has no ids.

    Raises TaskError if its ids are not distinct, or its columns do not match those of the training table.
    """
    if extra := [name for name in asked.columns if name not in table]:
        shown = ", ".join(map(repr, extra[:_SHOWN])) + (", …" if len(extra) > _SHOWN else "")
        said.append(f"{test.name}: not in {train.name} and left out: {shown}")
    asked = asked.without(extra)
    if absent := [name for name in table.columns if name not in asked and name not in (key, *targets)]:
        shown = ", ".join(map(repr, absent[:_SHOWN])) + (", …" if len(absent) > _SHOWN else "")
        said.append(f"{test.name} lacks {shown}: no solution can use it")
    if key not in asked:
        number_rows(asked, key, len(table))
        said.append(f"{test.name} has no column {key!r}: its rows are numbered from {len(table) + 1}")
    check_columns(table, train, asked, test, key, tuple(targets))
    check_ids(asked, test, key)
    return asked
