"""Twin views for the cross-examination: two samples that differ in labels that the first split must not use.

Predictions for the validation rows of the first split may depend on the labels of its `train` rows alone. In the twin
the labels of its `valid` and `unused` rows are dealt anew among these rows; everything else stays, and so do all
statistics of the labels as a whole (their mean, spread, range, the classes' shares), which no script is blamed for.
The first split it is because scripts draw from one generator over their splits: later ones may honestly change.

Ids are dealt anew too, where nothing beside the tables can hang on them: the training rows', so that no id tells
anything of its row, and the test rows', differently in each view, so that answers kept by id do not go with the rows.
"""

import numpy as np
from pandas import DataFrame

from scenarios.agreement import deal_labels
from scenarios.evidence import TaskBrief
from scenarios.formulas import Array
from scenarios.tables import positions

__all__ = ["deal_foreign_labels", "deal_ids", "first_split_rows"]


def deal_foreign_labels(train: DataFrame, folds: DataFrame, brief: TaskBrief, draw: np.random.Generator) -> DataFrame:
    """The rows with the labels of the first split's `valid` and `unused` rows dealt anew among them."""
    return deal_labels(train, first_split_rows(train, folds, brief, "valid", "unused"), brief, draw)


def first_split_rows(train: DataFrame, folds: DataFrame, brief: TaskBrief, *roles: str) -> Array:
    """Positions in `train` of the rows that have one of these roles in the first split, in the order of `folds`."""
    part = folds[(folds["split"] == folds["split"].min()) & folds["role"].isin(roles)]
    return positions(part[brief.id_column], train[brief.id_column])


def deal_ids(table: DataFrame, brief: TaskBrief, draw: np.random.Generator) -> DataFrame:
    """The table with its ids dealt anew among its rows."""
    return table.assign(**{brief.id_column: draw.permutation(table[brief.id_column].to_numpy())})
