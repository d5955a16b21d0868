"""Twin views for the cross-examination: two samples that differ in labels that the first split must not use.

Predictions for the validation rows of the first split may depend on the labels of its `train` rows alone. In the twin
the labels of its `valid` and `unused` rows are dealt anew among these rows; everything else stays, and so do all
statistics of the labels as a whole (their mean, spread, range, the classes' shares), which no script is blamed for.
The first split it is because scripts draw from one generator over their splits: later ones may honestly change.

Ids are dealt anew too, where nothing beside the tables can hang on them: the training rows', so that no id tells
anything of its row, and the test rows', differently in each view, so that answers kept by id do not go with the rows.
"""

import numpy as np
from pandas import DataFrame, Series

from scenarios.evidence import TaskBrief
from scenarios.formulas import Array
from scenarios.tables import canonical

__all__ = ["deal_ids", "deal_labels", "first_split_rows"]


def deal_labels(train: DataFrame, folds: DataFrame, brief: TaskBrief, draw: np.random.Generator) -> DataFrame:
    """The rows with the labels of the first split's `valid` and `unused` rows dealt anew among them."""
    rows = first_split_rows(train, folds, brief, "valid", "unused")
    givers, train = draw.permutation(rows), train.copy()
    for name in brief.targets:
        labels = train[name].to_numpy(copy=True)
        labels[rows] = labels[givers]
        train[name] = labels
    return train


def first_split_rows(train: DataFrame, folds: DataFrame, brief: TaskBrief, *roles: str) -> Array:
    """Positions in `train` of the rows that have one of these roles in the first split, in the order of `folds`."""
    part = folds[(folds["split"] == folds["split"].min()) & folds["role"].isin(roles)]
    position = Series(np.arange(len(train)), index=canonical(train[brief.id_column]).to_numpy())
    return position[canonical(part[brief.id_column]).to_numpy()].to_numpy()


def deal_ids(table: DataFrame, brief: TaskBrief, draw: np.random.Generator) -> DataFrame:
    """The table with its ids dealt anew among its rows."""
    return table.assign(**{brief.id_column: draw.permutation(table[brief.id_column].to_numpy())})
