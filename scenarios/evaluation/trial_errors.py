"""Compute the diagnostics of a trial from its task and predictions."""

from collections.abc import Sequence

import numpy as np

from gome.scenarios.diagnostics.judged_rows import Case
from gome.scenarios.diagnostics.measure import diagnose
from gome.scenarios.diagnostics.record import Diagnostics
from gome.scenarios.diagnostics.sliced_table import SlicedTable
from gome.scenarios.evaluation.blending import read_predictions
from gome.scenarios.evaluation.out_of_fold import OutOfFold
from gome.scenarios.evaluation.views import split_of
from gome.scenarios.task.side_files import Joined
from gome.scenarios.task.task import Task

__all__ = ["diagnose_trial", "sliced_features"]


def sliced_features(task: Task, beside: Sequence[Joined], order: Sequence[str]) -> SlicedTable:
    """All training rows without id and targets, joined with tables of one row per key; `order` as in `SlicedTable`."""
    own = task.typed_train.drop(columns=[task.brief.id_column, *task.brief.targets])
    joins = [joined.train for joined in beside if joined.unique]
    added = {str(name): each[name] for each in joins for name in each if name not in own}
    return SlicedTable(own.assign(**added), order)


def diagnose_trial(
    task: Task, features: SlicedTable, oof: OutOfFold, best: str | None, rows: int
) -> Diagnostics | None:
    """The diagnostics of out-of-fold predictions.

    `best` is the out-of-fold table (CSV text) of the solution to compare with, None for none. At most `rows` rows are
    shown. Returns None where no row has a finite loss.
    """
    if not oof.views:
        return None
    at, held = np.concatenate([view.withheld for view in oof.views]), np.concatenate(oof.predictions)
    order = np.argsort(at, kind="stable")
    at, held = at[order], held[order]
    ids = task.train[task.brief.id_column].iloc[at]
    found = None if best is None else read_predictions(best, ids, task.brief)
    case = Case(
        features=features,
        at=at,
        trained={split_of(view.name) or 0: (view.withheld, view.train) for view in oof.views},
        truth=task.truth[at],
        prediction=held,
        brief=task.brief,
        metric=task.metric,
        best=None if found is None else found[0],
        known=None if found is None else found[1],
        shown=rows,
    )
    return diagnose(case)
