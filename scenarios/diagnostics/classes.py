"""The classes of a task as a trial treats them: what they cost, whether they are ever decided for, what for instead."""

import numpy as np

from gome.scenarios.diagnostics.judged_rows import Judged, figure, figure_or_none, tally
from gome.scenarios.diagnostics.record import ClassPart, Confusion
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.formulas import Array

__all__ = ["classes_of", "confusions_of", "decided", "name_of_class", "true_class"]

_MOST_CLASSES = 20
_MOST_CONFUSIONS = 8


def decided(prediction: Array) -> Array:
    """The class number that a prediction amounts to; of one probability, from a half on."""
    if prediction.ndim == 1:
        return prediction.astype(int)
    if prediction.shape[1] == 1:
        return (prediction[:, 0] >= 0.5).astype(int)
    return np.asarray(prediction.argmax(axis=1))


def true_class(truth: Array) -> Array | None:
    """The class number of each row; None where there are several targets."""
    if truth.ndim == 2:
        return truth[:, 0].astype(int) if truth.shape[1] == 1 else None
    return truth.astype(int)


def name_of_class(brief: TaskBrief, number: int, *, shown: bool) -> str:
    """A class by its name, or by its place in the task's list, counted from 1."""
    known = shown and 0 <= number < len(brief.classes)
    return brief.classes[number][:40] if known else f"class no. {number + 1}"


def classes_of(rows: Judged, brief: TaskBrief, *, shown: bool) -> tuple[ClassPart, ...]:
    """The true classes, those with most of the loss first; empty where rows have several targets."""
    truth = true_class(rows.truth)
    if truth is None or truth.min() < 0:
        return ()
    slices = max(len(brief.classes), int(truth.max()) + 1)
    sums, said = tally(rows, truth, slices), decided(rows.prediction)
    order = np.lexsort((np.arange(slices), -sums.rows, -sums.share))
    found = []
    for number in order[:_MOST_CLASSES]:
        own = truth == number
        if not own.any():
            continue
        given = _given(rows.prediction[own], int(number))
        found.append(
            ClassPart(
                name=name_of_class(brief, int(number), shown=shown),
                rows=int(own.sum()),
                share_of_rows=figure(float(own.mean()), 3),
                share_of_loss=figure(float(sums.share[number]), 3),
                decided=figure(float((said == number).mean()), 3),
                recall=figure(float((said[own] == number).mean()), 3),
                probability=None if given is None else figure(given, 3),
                change=None if sums.change is None else figure_or_none(sums.change[number], 3),
                change_error=None if sums.change_error is None else figure_or_none(sums.change_error[number], 2),
            )
        )
    return tuple(found)


def _given(prediction: Array, number: int) -> float | None:
    """The mean probability that rows give to a class; None where they give labels."""
    if prediction.ndim == 1:
        return None
    if prediction.shape[1] == 1:
        mean = float(prediction.mean())
        return mean if number == 1 else 1.0 - mean
    return float(prediction[:, number].mean()) if number < prediction.shape[1] else 0.0


def confusions_of(rows: Judged, brief: TaskBrief, *, shown: bool) -> tuple[Confusion, ...]:
    """The most frequent wrong decisions."""
    truth = true_class(rows.truth)
    if truth is None or truth.min() < 0:
        return ()
    said = decided(rows.prediction)
    width = int(max(truth.max(), said.max())) + 1
    pairs, counts = np.unique((truth * width + said)[truth != said], return_counts=True)
    found = []
    for place in np.argsort(-counts, kind="stable")[:_MOST_CONFUSIONS]:
        true, instead = divmod(int(pairs[place]), width)
        found.append(
            Confusion(
                truth=name_of_class(brief, true, shown=shown),
                decided=name_of_class(brief, instead, shown=shown),
                rows=int(counts[place]),
                share=figure(int(counts[place]) / int((truth == true).sum()), 3),
            )
        )
    return tuple(found)
