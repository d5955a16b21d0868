"""Errors by class: loss and recall of each true class, and the costliest confusions between classes."""

import numpy as np

from gome.scenarios.diagnostics.judged_rows import Judged, figure, figure_or_none, tally
from gome.scenarios.diagnostics.record import ClassPart, Confusion
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.formulas import Array

__all__ = ["classes_of", "confusions_of", "decided", "name_of_class", "true_class"]

_MOST_CLASSES = 20
_MOST_CONFUSIONS = 8


def decided(prediction: Array) -> Array:
    """The predicted class number of each row; for a single probability, class 1 from 0.5 on."""
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
    """Name of a class, or its position in the task's list (from 1) where `shown` is False."""
    known = shown and 0 <= number < len(brief.classes)
    return brief.classes[number][:40] if known else f"class no. {number + 1}"


def classes_of(rows: Judged, brief: TaskBrief, *, shown: bool) -> tuple[ClassPart, ...]:
    """Figures of at most 20 true classes: grades in their order, other classes by falling share of the loss.

    Empty where rows have several targets.
    """
    truth = true_class(rows.truth)
    if truth is None or truth.min() < 0:
        return ()
    slices = max(len(brief.classes), int(truth.max()) + 1)
    sums, said = tally(rows, truth, slices), decided(rows.prediction)
    order = np.lexsort((np.arange(slices), -sums.rows, -sums.share))[:_MOST_CLASSES]
    bias = sums.bias if rows.scale == "grade" else None
    found = []
    for number in order if bias is None else np.sort(order):
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
                bias=None if bias is None else figure_or_none(bias[number], 3),
                change=None if sums.change is None else figure_or_none(sums.change[number], 3),
                change_error=None if sums.change_error is None else figure_or_none(sums.change_error[number], 2),
            )
        )
    return tuple(found)


def _given(prediction: Array, number: int) -> float | None:
    """Mean predicted probability of a class; None where labels are predicted."""
    if prediction.ndim == 1:
        return None
    if prediction.shape[1] == 1:
        mean = float(prediction.mean())
        return mean if number == 1 else 1.0 - mean
    return float(prediction[:, number].mean()) if number < prediction.shape[1] else 0.0


def confusions_of(rows: Judged, brief: TaskBrief, *, shown: bool) -> tuple[Confusion, ...]:
    """At most eight pairs of true and predicted class: the costliest of grades, else the most frequent."""
    truth = true_class(rows.truth)
    if truth is None or truth.min() < 0:
        return ()
    said = decided(rows.prediction)
    width = int(max(truth.max(), said.max())) + 1
    wrong = truth != said
    pairs, of_row, counts = np.unique((truth * width + said)[wrong], return_inverse=True, return_counts=True)
    shares = np.bincount(of_row, rows.share[wrong], len(pairs))
    graded = rows.scale == "grade"
    found = []
    for place in np.argsort(-shares if graded else -counts, kind="stable")[:_MOST_CONFUSIONS]:
        true, instead = divmod(int(pairs[place]), width)
        found.append(
            Confusion(
                truth=name_of_class(brief, true, shown=shown),
                decided=name_of_class(brief, instead, shown=shown),
                rows=int(counts[place]),
                share=figure(int(counts[place]) / int((truth == true).sum()), 3),
                share_of_loss=figure(float(shares[place]), 3) if graded else None,
            )
        )
    return tuple(found)
