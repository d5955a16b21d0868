"""Splits of the training rows into training and validation rows.

Kinds, all deterministic given the seed:
 - random: random rows;
 - stratified: random rows, each class in equal shares;
 - group: rows with the same value of a column stay together; with `block` b, b neighbouring values do;
 - time: training is always earlier than validation; rows of equal time stay together;
 - holdout: one split with a fifth of the rows (the latest, if a column is named).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.errors import TaskError
from gome.scenarios.evidence import SplitRule
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.typed_table import TypedTable

__all__ = [
    "Split",
    "fold_numbers",
    "holdout_rows",
    "make_splits",
    "run_order",
    "split_units",
    "split_weights",
    "unit_count",
    "units_needed",
]

_HOLDOUT_SHARE = 0.2
_FOLDS, _HOLDOUT = 1, 2  # purposes in the seed, so that the two draws are independent


@dataclass(frozen=True)
class Split:
    """One split: positions of the training rows and of the validation rows, both ascending."""

    train: Array
    valid: Array


def make_splits(units: Array, strata: Array | None, rule: SplitRule, seed: int) -> tuple[Split, ...]:
    """The splits of a table.

    `units` comes from `split_units`; `strata` are class numbers per row, used by the kinds that draw single rows. In a
    time split, rows later than the validation rows are in neither part.
    """
    numbers = fold_numbers(units, strata, rule, seed)
    splits = []
    for split in range(int(numbers.max()) + 1):
        learnt = numbers < split if rule.kind == "time" else numbers != split
        splits.append(Split(np.flatnonzero(learnt), np.flatnonzero(numbers == split)))
    return tuple(splits)


def split_weights(rule: SplitRule, splits: Sequence[int], valid_rows: Sequence[int]) -> tuple[float, ...]:
    """The weights of splits in a score, summing to 1, proportional to their numbers of validation rows.

    In a time split also proportional to the split's number from 1: later splits are nearer to the test.
    """
    weights = [rows * (split + 1 if rule.kind == "time" else 1) for split, rows in zip(splits, valid_rows, strict=True)]
    return tuple(weight / sum(weights) for weight in weights)


def fold_numbers(units: Array, strata: Array | None, rule: SplitRule, seed: int) -> Array:
    """The number of the split in which each row is validated; −1 for rows that never are (`time`, `holdout`)."""
    draw = np.random.default_rng([seed, _FOLDS])
    if rule.kind == "group":
        return _deal_groups(units, rule.folds, draw)
    if rule.kind == "time":
        return _chunks_of_time(units, rule.folds + 1) - 1
    if rule.kind == "holdout":
        return np.where(_drawn(units, strata, rule, _HOLDOUT_SHARE, draw), 0, -1)
    return _deal_rows(len(units), strata if rule.kind == "stratified" else None, rule.folds, draw)


def holdout_rows(units: Array, strata: Array | None, rule: SplitRule, share: float, seed: int) -> Array:
    """Mask of the finish's hold-out, drawn by the task's kind of split: about `share` of the rows, not all or none."""
    return _drawn(units, strata, rule, share, np.random.default_rng([seed, _HOLDOUT]))


def split_units(train: DataFrame | TypedTable, rule: SplitRule) -> Array:
    """For each row the number of its unit (rows that must stay together), ordered by the split's column if it has one.

    Raises TaskError if the column has a missing value, or for `time` and `holdout` is neither number nor date.
    """
    if rule.column is None:
        return np.arange(len(train))
    column = train[rule.column]
    missing = column.isna().to_numpy()
    if missing.any():
        raise TaskError(f"column {rule.column!r}, row {int(missing.argmax()) + 1}: empty, but needed for the split")
    if rule.kind in ("time", "holdout"):
        column = _as_time(column)
    _, ranks = np.unique(column.to_numpy(), return_inverse=True)
    return ranks // rule.block


def unit_count(units: Array) -> int:
    """The number of units of `split_units`, which numbers them from 0 without a gap."""
    return int(units.max()) + 1 if len(units) else 0


def run_order(rule: SplitRule, count: int) -> tuple[int, ...]:
    """The order in which splits are run: for a time split the last, nearest to the test, comes first."""
    return tuple(range(count))[:: -1 if rule.kind == "time" else 1]


def units_needed(rule: SplitRule) -> int:
    """The number of units that a table must have to be split."""
    return 2 if rule.kind == "holdout" else rule.folds + (rule.kind == "time")


def _as_time(column: Series) -> Series:
    if pd.api.types.is_numeric_dtype(column):
        return column
    try:
        return pd.to_datetime(column, format="ISO8601", utc=True)
    except ValueError as error:
        reason = str(error).partition(". ")[0]
        raise TaskError(f"column {column.name!r} has neither numbers nor dates such as 2024-01-31: {reason}") from error


def _drawn(units: Array, strata: Array | None, rule: SplitRule, share: float, draw: np.random.Generator) -> Array:
    """Mask of about `share` of the rows: the latest if ordered by time, else random whole groups or single rows."""
    counts = np.bincount(units)
    if rule.kind == "time" or (rule.kind == "holdout" and rule.column is not None):
        return units >= _boundary(np.cumsum(counts), (1.0 - share) * len(units))
    if rule.kind == "group":
        order = draw.permutation(len(counts))
        return np.isin(units, order[: _boundary(np.cumsum(counts[order]), share * len(units))])
    order = _shuffled_by_class(len(units), strata, draw)
    position = np.arange(len(units))
    taken = np.floor((position + 1) * share) > np.floor(position * share)
    taken[-1] |= not taken.any()
    rows = np.zeros(len(units), dtype=bool)
    rows[order[taken]] = True
    return rows


def _boundary(cumulated: Array, wanted: float) -> int:
    """Number of leading units whose rows are nearest to `wanted`: at least one, and not all."""
    return int(np.clip(np.argmin(np.abs(cumulated - wanted)) + 1, 1, len(cumulated) - 1))


def _deal_rows(rows: int, strata: Array | None, folds: int, draw: np.random.Generator) -> Array:
    numbers = np.empty(rows, dtype=int)
    numbers[_shuffled_by_class(rows, strata, draw)] = np.arange(rows) % folds
    return numbers


def _shuffled_by_class(rows: int, strata: Array | None, draw: np.random.Generator) -> Array:
    """Rows in random order, sorted by class, so that every n-th row gives a stratified sample."""
    order = draw.permutation(rows)
    return order if strata is None else order[np.argsort(strata[order], kind="stable")]


def _deal_groups(units: Array, folds: int, draw: np.random.Generator) -> Array:
    """Assign groups in random order, each to the fold with the fewest rows so far."""
    counts = np.bincount(units)
    sizes = np.zeros(folds)
    fold_of = np.empty(len(counts), dtype=int)
    for group in draw.permutation(len(counts)):
        fold_of[group] = int(sizes.argmin())
        sizes[fold_of[group]] += counts[group]
    return fold_of[units]


def _chunks_of_time(units: Array, chunks: int) -> Array:
    """Divide the ordered units into chunks with about equal numbers of rows, none empty."""
    cumulated = np.cumsum(np.bincount(units))
    ends = np.zeros(chunks + 1, dtype=int)
    for chunk in range(1, chunks + 1):
        nearest = int(np.argmin(np.abs(cumulated - chunk * len(units) / chunks))) + 1
        ends[chunk] = np.clip(nearest, ends[chunk - 1] + 1, len(cumulated) - (chunks - chunk))
    return np.searchsorted(ends, units, side="right") - 1
