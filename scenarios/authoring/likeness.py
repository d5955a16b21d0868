"""Adversarial validation: can a model tell the rows of a test from those of training?

Where it can, scores on random training rows flatter; the columns by which it can are named.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.profiling.shifts import find_shifts
from gome.scenarios.task.typed_table import TypedTable

__all__ = ["likeness"]

_MOST_ROWS = 4000
_MOST_COLUMNS = 60
_FEWEST_ROWS = 50
_FOLDS = 3
_ALIKE = 0.6
"""An area under the ROC curve below this is within what chance does."""


def likeness(train: DataFrame | TypedTable, test: DataFrame | TypedTable, apart: Sequence[str]) -> Iterator[str]:
    """Yield one sentence on how well the test's rows can be told from training rows.

    Args:
        train: The training rows as numbers and text.
        test: The rows to predict, likewise.
        apart: The id and the targets, which are not used.
    """
    names = [str(name) for name in train.columns if name not in apart and name in test][:_MOST_COLUMNS]
    if not names or min(len(train), len(test)) < _FEWEST_ROWS:
        return
    area = _area(_some(train, names), _some(test, names))
    if area < _ALIKE:
        yield f"a model tells test rows from training rows with an AUC of {area:.2f} (0.5: not at all): they are alike"
        return
    shifted = [shift.feature for shift in find_shifts([(name, train[name], test[name]) for name in names])]
    by = f", by {', '.join(map(repr, shifted[:3]))}" if shifted else ""
    yield (
        f"a model tells test rows from training rows with an AUC of {area:.2f} (0.5: not at all){by}: scores on "
        "held-out training rows may not hold for the test; --split time:COLUMN or group:COLUMN may be closer to it"
    )


def _some(table: DataFrame | TypedTable, names: Sequence[str]) -> DataFrame:
    """These columns, of a random sample of the rows where there are many."""
    rows = np.arange(len(table))
    if len(rows) > _MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).permutation(len(rows))[:_MOST_ROWS])
    some = table[list(names)].take(rows)
    return DataFrame({name: some[name] for name in names})


def _area(train: DataFrame, test: DataFrame) -> float:
    """The cross-validated area under the ROC curve of boosted trees; ties and chance give 0.5."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # takes a second to import
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    both = pd.concat([train, test], ignore_index=True)
    features = np.column_stack([_coded(both[name]) for name in both.columns])
    is_test = np.repeat([0, 1], [len(train), len(test)])
    model = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8, early_stopping=False, random_state=0)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    told = cross_val_predict(model, features, is_test, cv=folds, method="predict_proba")[:, 1]
    ranks = pd.Series(told).rank().to_numpy()
    ones = len(test)
    return float((ranks[is_test == 1].sum() - ones * (ones + 1) / 2) / (ones * len(train)))


def _coded(column: Series) -> Array:
    """A column as numbers: texts by their frequency, which needs no common order of categories.

    Gaps are a number below all others: as gaps, the trees fail where a fold has nothing else in the column.
    """
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=float)
        known = np.isfinite(values)
        least = values[known].min() if known.any() else 0.0
        return np.where(known, values, least - max(1.0, abs(least)))
    return column.map(column.value_counts()).fillna(0).to_numpy(dtype=float)
