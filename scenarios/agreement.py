"""How far predictions follow labels beyond chance, where each dealing of the labels was as likely as any other.

Canaries and twins deal labels here. The test is exact: the agreement of two matrices over rows, one of which was dealt
at random, has a known mean and variance (Hoeffding's combinatorial central limit theorem). A row of a matrix is a
prediction or a label as `as_columns` writes them.
"""

import math
from dataclasses import dataclass

import numpy as np
from pandas import DataFrame

from scenarios.evidence import TaskBrief
from scenarios.formulas import Array

__all__ = ["Agreement", "agreement", "as_columns", "deal_labels"]


@dataclass(frozen=True)
class Agreement:
    """What the agreement is beyond its mean over all dealings, and its variance over them."""

    excess: float
    variance: float

    @property
    def deviations(self) -> float:
        """The excess in standard deviations; 0 where no dealing differs from another."""
        return self.excess / math.sqrt(self.variance) if self.variance > 0.0 else 0.0


def agreement(left: Array, right: Array) -> Agreement:
    """The agreement of two matrices, rows × columns: the sum of their products, row by row."""
    left, right = left - left.mean(axis=0), right - right.mean(axis=0)
    rows = len(left)
    if rows < 2:
        return Agreement(0.0, 0.0)
    # The squares of all products of a row with a row: trace of LᵀL · RᵀR, without the matrix of rows × rows.
    squares = float(np.sum((left.T @ left) * (right.T @ right)))
    return Agreement(float(np.sum(left * right)), squares / (rows - 1))


def as_columns(values: Array, brief: TaskBrief) -> Array:
    """Labels or predictions, in `formulas`' shapes, as rows × columns: values as they are, classes one column each."""
    if brief.task_type == "regression" or values.ndim == 2:
        return np.asarray(values, dtype=float).reshape(len(values), -1)
    return np.asarray(values[:, None] == np.arange(len(brief.classes)), dtype=float)


def deal_labels(train: DataFrame, rows: Array, brief: TaskBrief, draw: np.random.Generator) -> DataFrame:
    """The table with the labels of the rows at these positions dealt anew among them."""
    givers, train = draw.permutation(rows), train.copy()
    for name in brief.targets:
        labels = train[name].to_numpy(copy=True)
        labels[rows] = labels[givers]
        train[name] = labels
    return train
