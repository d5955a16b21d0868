"""Sample rows of a task, spread over the target's range: they show what statistics of columns do not."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from pandas import DataFrame, Series

from gome.scenarios.diagnostics.rows import cell, width_of
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.tables import canonical, numbers_of
from gome.scenarios.task.task import Task

__all__ = ["Sample", "sample_rows"]

_ROWS = 10
_MOST_COLUMNS = 30
_CELL, _TEXT = 60, 200


class Sample(NamedTuple):
    """Column names, and the cells of each row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sample_rows(task: Task, features: Mapping[str, DataFrame], relevance: dict[str, float]) -> Sample:
    """Choose at most ten training rows with at most 30 columns: the id, features, and the targets.

    `features` are the table that each feature is in.
    Features without a measured `relevance` come first, since only their cells describe them; the others follow by
    decreasing relevance.
    """
    brief = task.brief
    places = list(features)
    places.sort(key=lambda name: -relevance.get(name, np.inf))
    kept = places[: max(1, _MOST_COLUMNS - 1 - len(brief.targets))]
    targets = brief.targets[: max(1, _MOST_COLUMNS - 1 - len(kept))]
    rows = _spread(task)
    raw = task.train[[brief.id_column, *(name for name in kept if name in task.train), *targets]].take(rows)
    columns: list[list[str]] = [[cell(value, _CELL) for value in raw[brief.id_column]]]
    for name in kept:
        shown = raw[name] if name in raw else features[name][name].iloc[rows]
        width = width_of(features[name][name], _TEXT, _CELL)
        columns.append([cell(value, width) for value in shown])
    columns += [[cell(value, _CELL) for value in raw[name]] for name in targets]
    return Sample((brief.id_column, *kept, *targets), tuple(zip(*columns, strict=True)))


def _spread(task: Task) -> Array:
    """Positions of the rows: evenly spaced in the order of the target, or one row per class in turn.

    The most frequent class comes first.
    """
    drawn = np.random.default_rng(0).permutation(len(task.train))
    name = task.brief.targets[0]
    if task.brief.task_type == "regression":
        order = drawn[np.argsort(numbers_of(task.train, name).to_numpy()[drawn], kind="stable")]
        many = min(_ROWS, len(order))
        return np.asarray(order[np.linspace(0, len(order) - 1, many).round().astype(int)])
    names = Series(canonical(task.train[name].iloc[drawn]).to_numpy())
    turns, sizes = names.groupby(names).cumcount(), names.map(names.value_counts())
    return np.asarray(drawn[np.lexsort((names, -sizes, turns))[:_ROWS]])
