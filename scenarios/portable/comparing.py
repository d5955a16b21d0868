"""Whether two tables of predictions for the same rows say the same."""

import numpy as np
from pandas import DataFrame

__all__ = ["changed_share"]

_SAME = 1e-9
"""Predictions that differ relatively by less than this count as equal."""


def changed_share(one: DataFrame, other: DataFrame, *, labels: bool) -> float:
    """The share of rows of which some prediction differs, in tables of the same order; `labels`: they are classes."""
    changed = np.zeros(len(one), dtype=bool)
    for name in one.columns:
        a, b = one[name], other[name]
        if labels:
            changed |= a.astype(str).to_numpy() != b.astype(str).to_numpy()
        else:
            changed |= ~np.isclose(a.to_numpy(dtype=float), b.to_numpy(dtype=float), rtol=_SAME, atol=0)
    return float(changed.mean()) if len(changed) else 0.0
