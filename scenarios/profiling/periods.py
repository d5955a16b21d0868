"""Which stretches of its column each split is validated on, where the column's order decides the splits."""

from collections.abc import Sequence

import numpy as np

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.splits import Split, split_units
from gome.scenarios.task.task import Task

__all__ = ["split_periods"]

_MOST = 8
"""Splits with more stretches than this are not described: it would be as long as a list of their groups. Of a test
with more, their number is told."""


def split_periods(task: Task, splits: Sequence[Split]) -> tuple[str, ...]:
    """The stretches of each split's validation rows, as `first to last, …`, and those of the test rows last.

    A stretch of the test ends where training has a value that the test lacks. Empty for splits of another kind than
    time, a hold-out of the latest rows, or groups of neighbouring values.
    """
    rule = task.brief.split
    ordered = rule.kind in ("time", "holdout") or (rule.kind == "group" and rule.block > 1)
    if rule.column is None or not ordered or rule.column not in task.test:
        return ()
    written = task.train[rule.column].to_numpy()
    ranks = split_units(task.typed_train, rule.model_copy(update={"block": 1}))
    found = [_stretches(ranks[each.valid], written[each.valid], 1) for each in splits]
    if max(map(len, found)) > _MOST:
        return ()
    return (*(", ".join(each) for each in found), _of_test(task, rule.column))


def _of_test(task: Task, column: str) -> str:
    shown = task.typed_test[column].dropna()
    if shown.empty:
        return ""
    at = np.argsort(shown.to_numpy(), kind="stable")
    values, written = shown.to_numpy()[at], task.test[column].loc[shown.index].to_numpy()[at]
    between = np.setdiff1d(task.typed_train[column].dropna().to_numpy(), values)
    stretches = _stretches(np.searchsorted(between, values), written, 0)
    if len(stretches) <= _MOST:
        return ", ".join(stretches)
    whole = _stretch(written[0], written[-1])
    return f"{len(stretches)} stretches, with training rows between them, from {whole}"


def _stretches(ranks: Array, written: Array, gap: int) -> list[str]:
    """The runs of ranks less than `gap` + 1 apart, named by the values as they are written, first to last."""
    at = np.argsort(ranks, kind="stable")
    ends = np.flatnonzero(np.diff(ranks[at]) > gap)
    first, last = at[np.append(0, ends + 1)], at[np.append(ends, len(at) - 1)]
    return [_stretch(written[one], written[other]) for one, other in zip(first, last, strict=True)]


def _stretch(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
