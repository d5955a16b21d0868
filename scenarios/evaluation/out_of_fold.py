"""Out-of-fold tables of a task: read them, compare two of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gome.scenarios.evaluation.blending import blend, read_predictions
from gome.scenarios.evaluation.scoring import merge
from gome.scenarios.evaluation.views import View
from gome.scenarios.evidence import Evaluation
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.task import Task

__all__ = ["OutOfFold", "Pair", "pair_scores", "read_oof"]


@dataclass(frozen=True)
class OutOfFold:
    """Predictions for the training rows that `views` withheld, one array per view, in the order of `view.withheld`."""

    views: tuple[View, ...]
    predictions: tuple[Array, ...]


@dataclass(frozen=True)
class Pair:
    """Evaluations of two solutions, and of the mean of their predictions, on the splits that both were run on.

    `weights` are those of the best weighted mean, not below 0, and `weighted` is its evaluation, of each split with
    weights that were chosen without its rows; None where none could be chosen.
    """

    own: Evaluation
    other: Evaluation
    mean: Evaluation
    weights: tuple[float, ...] | None = None
    weighted: Evaluation | None = None


def read_oof(task: Task, views: Sequence[View], table: str) -> OutOfFold:
    """Read an out-of-fold table (CSV text). Views of which it lacks a row are left out, and all if it is no table."""
    at = np.concatenate([view.withheld for view in views])
    found = read_predictions(table, task.train[task.brief.id_column].iloc[at], task.brief)
    if found is None:
        return OutOfFold((), ())
    ends = np.cumsum([len(view.withheld) for view in views])[:-1]
    values, known = np.split(found[0], ends), np.split(found[1], ends)
    whole = [place for place, mask in enumerate(known) if len(mask) and mask.all()]
    return OutOfFold(tuple(views[place] for place in whole), tuple(values[place] for place in whole))


def pair_scores(
    task: Task, own: OutOfFold, other: OutOfFold, planned: int, scored: Callable[[View, Array], Evaluation]
) -> Pair | None:
    """Compare two solutions. `scored` evaluates predictions for a view's withheld rows, of `planned` views in all.

    None where they have no split in common, or where a score is undefined.
    """
    theirs = {view.name: values for view, values in zip(other.views, other.predictions, strict=True)}
    both = [
        (view, values, theirs[view.name])
        for view, values in zip(own.views, own.predictions, strict=True)
        if view.name in theirs
    ]
    if not both:
        return None

    def evaluated(predictions: Sequence[Array]) -> Evaluation:
        runs = [scored(view, values) for (view, _, _), values in zip(both, predictions, strict=True)]
        return merge(runs, task.brief.split, planned)

    means = [blend((first, second), task.brief, task.metric) for _, first, second in both]
    found = Pair(
        evaluated([first for _, first, _ in both]), evaluated([second for _, _, second in both]), evaluated(means)
    )
    return found if all(each.score is not None for each in (found.own, found.other, found.mean)) else None
