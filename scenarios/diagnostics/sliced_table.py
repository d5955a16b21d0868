"""A task's features, sliced once per run, so that all trials are compared on the same slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from pandas import DataFrame

from gome.scenarios.diagnostics.slicing import Slicing, slicings
from gome.scenarios.metrics.formulas import Array

__all__ = ["SlicedTable"]

_MOST_ROWS = 200_000
_MOST_CELLS = 6_000_000
_MOST_COLUMNS = 200
_FEWEST_COLUMNS = 12
_FEW_NUMBERS = 200
"""Integer columns with more distinct values than this are treated as amounts, not categories."""

_RECURS, _MOST_RECUR = 3, 0.8
"""An integer is a category where at least 80 % of its column's values occur more than three times."""


@dataclass(frozen=True)
class SlicedTable:
    """All training rows of a task, features only. `order` names columns, the most informative first.

    Of more than 200,000 rows a fixed random sample is sliced; of a long table only the first columns are.
    """

    table: DataFrame
    order: Sequence[str] = ()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the sliced columns."""
        rows = min(len(self.table), _MOST_ROWS)
        most = min(_MOST_COLUMNS, max(_FEWEST_COLUMNS, _MOST_CELLS // max(1, rows)))
        names = [str(name) for name in self.table.columns]
        return tuple(dict.fromkeys(name for name in (*self.order, *names) if name in names))[:most]

    @cached_property
    def places(self) -> Array:
        """For each row of the table its position among the sliced rows, −1 for a row that is not sliced."""
        places = np.full(len(self.table), -1)
        places[self._rows] = np.arange(len(self._rows))
        return places

    @cached_property
    def _rows(self) -> Array:
        if len(self.table) <= _MOST_ROWS:
            return np.arange(len(self.table))
        return np.sort(np.random.default_rng(0).permutation(len(self.table))[:_MOST_ROWS])

    @cached_property
    def slices(self) -> tuple[tuple[str, Slicing], ...]:
        """Pairs (column name, slicing) of the sliced rows."""
        some = self.table[list(self.columns)].iloc[self._rows]
        return tuple(
            (name, slicing._replace(codes=slicing.codes.astype(np.int16)))
            for name in self.columns
            for slicing in slicings(some[name])
        )

    @cached_property
    def categories(self) -> dict[str, Array]:
        """Integer codes of each categorical column, over all rows; −1 for missing values.

        A text column counts as categorical where its values recur, an integer column where it has few values, nearly
        all of which recur: that a size or an amount has not been seen before means nothing.
        """
        found = {}
        for name in self.columns:
            column = self.table[name]
            if pd.api.types.is_float_dtype(column) and not _whole(column.to_numpy(dtype=float)):
                continue
            codes, distinct = pd.factorize(column)
            numeric = pd.api.types.is_numeric_dtype(column)
            most = _FEW_NUMBERS if numeric else len(column) / 2
            if not 2 <= len(distinct) <= min(most, len(column) / 2):
                continue
            if numeric and np.mean(np.bincount(codes[codes >= 0]) > _RECURS) < _MOST_RECUR:
                continue
            found[name] = codes.astype(np.int32)
        return found


def _whole(values: Array) -> bool:
    """Whether all finite values are integers; integer columns with missing values are read as floats."""
    present = values[np.isfinite(values)]
    return bool((present == np.floor(present)).all())
