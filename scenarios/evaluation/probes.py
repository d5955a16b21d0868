"""Probes: views that show which columns a solution depends on and how it overfits, and the analysis of their results.

    probe    trained on the first split's training rows; its test rows are some of the split's validation rows, the
             same rows again per column with that column's values permuted, and some of the training rows
    half     trained on half of the first split's training rows; its test rows include the split's validation rows

A script cannot distinguish them from other views. They are not possible if ids carry information about their rows,
since ids must be reassigned, or if the task is not split.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gome.scenarios.diagnostics.record import Probes, Sensitivity
from gome.scenarios.evaluation.probe_names import HALF, PROBE
from gome.scenarios.evaluation.views import View, ViewName, ids_are_names
from gome.scenarios.evidence import Profile
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.task import Task
from gome.scenarios.task.text_column import TextColumn

__all__ = ["HALF", "PROBE", "can_be_probed", "make_probe", "read_probe"]

_ROWS = 400
_COLUMNS = 20
_PROBE = 5  # purpose in the seed; `splits` uses 1 and 2, `views` 3, `scoring` 4


def can_be_probed(task: Task) -> bool:
    """Whether a task has probe views."""
    return task.brief.split.kind != "own" and ids_are_names(task)


def make_probe(task: Task, name: ViewName, seed: int, profile: Profile, whole: View) -> View:
    """Make the view PROBE or HALF from `whole`, the view of the split that is run first."""
    draw = np.random.default_rng([seed, _PROBE, *name.encode(), int(task.digest[:16], 16)])
    if name == HALF:
        kept = np.sort(draw.permutation(len(whole.train))[: max(1, len(whole.train) // 2)])
        return replace(whole, name=name, train=whole.train[kept], names_of_train=whole.names_of_train.take(kept))
    some, trained = (np.sort(draw.permutation(rows)[:_ROWS]) for rows in (whole.withheld, whole.train))
    columns = probed_columns(task, profile)
    withheld = np.concatenate([some] * (1 + len(columns)) + [trained])
    sources = {column: draw.permutation(some) for column in columns}
    exchanged = tuple(
        (column, place * len(some), source) for place, (column, source) in enumerate(sources.items(), start=1)
    )
    ids = draw.permutation([str(number) for number in range(len(whole.train) + len(withheld))])
    return View(
        name,
        whole.train,
        withheld,
        np.arange(0),
        draw.permutation(len(withheld)),
        TextColumn.of(ids[: len(whole.train)]),
        TextColumn.of(ids[len(whole.train) :]),
        exchanged,
    )


def probed_columns(task: Task, profile: Profile) -> list[str]:
    """The columns to permute, at most twenty: those with the highest relevance first."""
    features = [column for column in profile.columns if column.role == "feature" and column.name in task.test]
    ranked = sorted(features, key=lambda column: -(column.relevance or 0.0))
    return [column.name for column in ranked[:_COLUMNS]]


def read_probe(task: Task, view: View, predictions: Array) -> Probes:
    """Compute the figures of a probe from its predictions, which are in the order of its withheld rows."""
    rows = view.exchanged[0][1] if view.exchanged else min(_ROWS, len(view.withheld))
    truth, metric = task.truth[view.withheld], task.metric

    def score(begin: int, end: int | None) -> float | None:
        with np.errstate(all="ignore"):
            value = metric.score(truth[begin:end], predictions[begin:end])
        return float(value) if math.isfinite(value) else None

    base = metric.row_loss(truth[:rows], predictions[:rows])
    found = []
    for column, begin, _ in view.exchanged:
        more = metric.row_loss(truth[begin : begin + rows], predictions[begin : begin + rows]) - base
        found.append((column, more))
    return Probes(
        sampled=score(0, rows),
        training=score(rows * (1 + len(view.exchanged)), None),
        sensitivities=_sensitivities(found, float(np.mean(base))),
    )


def _sensitivities(found: Sequence[tuple[str, Array]], mean_loss: float) -> tuple[Sensitivity, ...]:
    """Relative increases of the loss, largest first; columns with an infinite loss are omitted."""
    if not math.isfinite(mean_loss) or mean_loss <= 0:
        return ()
    measured = [
        Sensitivity(
            feature=column,
            loss=round(float(np.mean(more)) / mean_loss, 4),
            error=round(float(np.std(more)) / math.sqrt(len(more)) / mean_loss, 4),
        )
        for column, more in found
        if len(more) and np.isfinite(more).all()
    ]
    return tuple(sorted(measured, key=lambda each: -each.loss))
