"""Out-of-fold tables of a task: read them, compare two of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gome.scenarios.diagnostics.classes import decided, true_class
from gome.scenarios.evaluation.blending import blend, read_predictions
from gome.scenarios.evaluation.scoring import merge
from gome.scenarios.evaluation.views import View
from gome.scenarios.evidence import Complement, Evaluation
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
    weights that were chosen without its rows; None where none could be chosen. `complement` is None for several
    targets that are classes.
    """

    own: Evaluation
    other: Evaluation
    mean: Evaluation
    complement: Complement | None = None
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
    firsts, seconds = [first for _, first, _ in both], [second for _, _, second in both]
    truth = np.concatenate([task.truth[view.withheld] for view, _, _ in both])
    complement = _complement(task, truth, np.concatenate(firsts), np.concatenate(seconds))
    found = Pair(evaluated(firsts), evaluated(seconds), evaluated(means), complement)
    return found if all(each.score is not None for each in (found.own, found.other, found.mean)) else None


def _complement(task: Task, truth: Array, own: Array, other: Array) -> Complement | None:
    """How two solutions' predictions for the same rows complement each other."""
    if task.brief.task_type != "regression":
        classes = true_class(truth)
        if classes is None:
            return None
        ours, theirs = decided(own), decided(other)
        right, rights = ours == classes, theirs == classes
        return Complement(own=_share(right & ~rights), other=_share(rights & ~right), differ=_share(ours != theirs))
    losses, beside = (np.asarray(task.metric.row_loss(truth, each), dtype=float) for each in (own, other))
    scale = np.log1p if task.metric.log_scale else np.asarray
    with np.errstate(all="ignore"):
        errors = [(scale(each) - scale(truth)).ravel() for each in (own, other)]
        found = float(np.corrcoef(errors)[0, 1])
    correlation = round(found, 3) if np.isfinite(found) else None
    return Complement(own=_share(losses < beside), other=_share(beside < losses), correlation=correlation)


def _share(mask: Array) -> float:
    return round(float(mask.mean()), 4)
