"""Folds: which rows a model may learn from and which it is validated on.

Kinds, all deterministic in the seed:
 - random: rows at random;
 - stratified: rows at random, each class spread evenly;
 - group: rows with one value of a column stay together; with `block` b, runs of b neighbouring values do;
 - time: training is always earlier than validation; equal times are never torn apart;
 - holdout: one split, a fifth of the rows (the latest, where a column is named).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.errors import TaskError
from gome.scenarios.evidence import SplitRule
from gome.scenarios.metrics.formulas import Array

__all__ = ["Split", "fold_numbers", "holdout_rows", "make_splits", "split_units", "split_weights"]

_HOLDOUT_SHARE = 0.2
_FOLDS, _HOLDOUT = 1, 2  # purposes: draws for one never shift draws for the other


@dataclass(frozen=True)
class Split:
    """One split: positions of the rows to learn from and of the rows to validate on, both in ascending order."""

    train: Array
    valid: Array


def make_splits(units: Array, strata: Array | None, rule: SplitRule, seed: int) -> tuple[Split, ...]:
    """The splits of a table. `units` is of `split_units`; `strata` are class numbers, for the kinds that draw rows.

    Of a split by time the rows later than its validation rows are in neither part.
    """
    numbers = fold_numbers(units, strata, rule, seed)
    splits = []
    for split in range(int(numbers.max()) + 1):
        learnt = numbers < split if rule.kind == "time" else numbers != split
        splits.append(Split(np.flatnonzero(learnt), np.flatnonzero(numbers == split)))
    return tuple(splits)


def split_weights(rule: SplitRule, splits: Sequence[int], valid_rows: Sequence[int]) -> tuple[float, ...]:
    """How much each of these splits counts in a score, adding up to 1: in proportion to its validation rows.

    The later splits of a split by time count more, in proportion to their number from 1: they are nearest to the test.
    """
    weights = [rows * (split + 1 if rule.kind == "time" else 1) for split, rows in zip(splits, valid_rows, strict=True)]
    return tuple(weight / sum(weights) for weight in weights)


def fold_numbers(units: Array, strata: Array | None, rule: SplitRule, seed: int) -> Array:
    """The split in which each row is valid; −1 for rows that never are (of time and holdout the training rows)."""
    draw = np.random.default_rng([seed, _FOLDS])
    if rule.kind == "group":
        return _deal_groups(units, rule.folds, draw)
    if rule.kind == "time":
        return _chunks_of_time(units, rule.folds + 1) - 1
    if rule.kind == "holdout":
        return np.where(_drawn(units, strata, rule, _HOLDOUT_SHARE, draw), 0, -1)
    return _deal_rows(len(units), strata if rule.kind == "stratified" else None, rule.folds, draw)


def holdout_rows(units: Array, strata: Array | None, rule: SplitRule, share: float, seed: int) -> Array:
    """The finish's hold-out, of the task's own kind: True for about `share` of the rows, and never for all or none."""
    return _drawn(units, strata, rule, share, np.random.default_rng([seed, _HOLDOUT]))


def split_units(train: DataFrame, rule: SplitRule) -> Array:
    """For each row the number of what must stay together, in the order of the column where there is one.

    Raises TaskError where the split's column is missing a value or is neither number nor date and must be one.
    """
    if rule.column is None:
        return np.arange(len(train))
    column = train[rule.column]
    missing = column.isna().to_numpy()
    if missing.any():
        raise TaskError(f"column {rule.column!r}, row {int(missing.argmax()) + 1}: empty, and the split is by it")
    if rule.kind in ("time", "holdout"):
        column = _as_time(column)
    _, ranks = np.unique(column.to_numpy(), return_inverse=True)
    return ranks // rule.block


def _as_time(column: Series) -> Series:
    if pd.api.types.is_numeric_dtype(column):
        return column
    try:
        return pd.to_datetime(column, format="ISO8601", utc=True)
    except ValueError as error:
        words = (
            f"column {column.name!r} is neither numbers nor dates such as 2024-01-31: {str(error).partition('. ')[0]}"
        )
        raise TaskError(words) from error


def _drawn(units: Array, strata: Array | None, rule: SplitRule, share: float, draw: np.random.Generator) -> Array:
    """About `share` of the rows: the latest where there is an order of time, else whole groups, else single rows."""
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
    """How many units from the first come nearest to `wanted` rows: at least one, and not all."""
    return int(np.clip(np.argmin(np.abs(cumulated - wanted)) + 1, 1, len(cumulated) - 1))


def _deal_rows(rows: int, strata: Array | None, folds: int, draw: np.random.Generator) -> Array:
    numbers = np.empty(rows, dtype=int)
    numbers[_shuffled_by_class(rows, strata, draw)] = np.arange(rows) % folds
    return numbers


def _shuffled_by_class(rows: int, strata: Array | None, draw: np.random.Generator) -> Array:
    """Rows in random order, class after class, so that every n-th of them has each class in its share."""
    order = draw.permutation(rows)
    return order if strata is None else order[np.argsort(strata[order], kind="stable")]


def _deal_groups(units: Array, folds: int, draw: np.random.Generator) -> Array:
    """Groups in random order, each to the fold that has the fewest rows so far."""
    counts = np.bincount(units)
    sizes = np.zeros(folds)
    fold_of = np.empty(len(counts), dtype=int)
    for group in draw.permutation(len(counts)):
        fold_of[group] = int(sizes.argmin())
        sizes[fold_of[group]] += counts[group]
    return fold_of[units]


def _chunks_of_time(units: Array, chunks: int) -> Array:
    """Runs of neighbouring times, about equal in rows, none empty."""
    cumulated = np.cumsum(np.bincount(units))
    ends = np.zeros(chunks + 1, dtype=int)
    for chunk in range(1, chunks + 1):
        nearest = int(np.argmin(np.abs(cumulated - chunk * len(units) / chunks))) + 1
        ends[chunk] = np.clip(nearest, ends[chunk - 1] + 1, len(cumulated) - (chunks - chunk))
    return np.searchsorted(ends, units, side="right") - 1
