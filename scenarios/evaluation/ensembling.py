"""Greedy ensemble selection: which trials, with which weights, predict better together than the best one alone.

Caruana et al. (2004): the candidate whose addition gives the best score is added, again and again, with replacement;
the number of times a candidate was taken is its weight. The first candidate, the best one alone, counts as taken thrice
at the start, which shrinks the others' weights. The selection is made once per split, on the rows of all other splits:

 - the weights that are used are the means over these selections (bagging);
 - the score of the ensemble on a split uses the selection that has not seen the split's rows, so it is honest as to
   the weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from gome.scenarios.evaluation.blending import blend, read_predictions, scale_of
from gome.scenarios.evaluation.scoring import bundles, merge
from gome.scenarios.evaluation.views import View, units_of
from gome.scenarios.evidence import Evaluation
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.portable.averaging import Scale
from gome.scenarios.task.splits import split_weights
from gome.scenarios.task.task import Task

__all__ = ["Ensembled", "Part", "Selected", "ensemble_trials", "select_ensemble"]

_START = 3
"""How often the first candidate counts as taken at the start."""
_ROUNDS = 12
"""How often a candidate is added."""
_LEAST = 0.03
"""Candidates with a smaller weight are left out: each member costs a run whenever new rows are predicted."""
_MOST_ROWS = 3000
"""Rows per part that a selection looks at."""

Score = Callable[[Array, Array], float]
"""The metric, as the higher the better; NaN where it is undefined."""


@dataclass(frozen=True)
class Ensembled:
    """An ensemble of trials: one weight per candidate, its evaluation, and that of the first candidate alone."""

    weights: tuple[float, ...]
    evaluation: Evaluation
    single: Evaluation


class Part(NamedTuple):
    """The rows of one split: their truth, one array of predictions per candidate, and the split's weight."""

    truth: Array
    predictions: Sequence[Array]
    weight: float


class Selected(NamedTuple):
    """One weight per candidate (they sum to 1), and per part the weights that were selected without its rows."""

    weights: Array
    without: tuple[Array, ...]


def ensemble_trials(
    task: Task,
    views: Sequence[View],
    tables: Sequence[str],
    most: int,
    scored: Callable[[View, Array], Evaluation],
) -> Ensembled | None:
    """Select an ensemble of at most `most` trials from their out-of-fold tables (CSV text).

    `views` are those of the splits; `scored` evaluates predictions for a view's withheld rows. A candidate whose table
    lacks rows has weight 0; None where that is the first one, or no other is left. With a single split, its rows are
    halved, and each half is scored with the weights selected on the other.
    """
    brief, metric, at = task.brief, task.metric, np.concatenate([view.withheld for view in views])
    read = [_read(task, at, table) for table in tables]
    known = [each for each in read if each is not None]
    if read[0] is None or len(known) < 2:
        return None
    counts = [len(view.withheld) for view in views]
    rows_of = np.split(np.arange(len(at)), np.cumsum(counts)[:-1])
    groups = rows_of if len(views) > 1 else _halves(task, at)
    if not all(map(len, groups)):
        return None
    shares = split_weights(brief.split, range(len(groups)), list(map(len, groups)))
    parts = [
        Part(task.truth[at[rows]], [each[rows] for each in known], share)
        for rows, share in zip(groups, shares, strict=True)
    ]
    found = select_ensemble(parts, scale_of(brief, metric), partial(_score, metric), most)
    mixed = np.zeros_like(known[0])
    for rows, part, without in zip(groups, parts, found.without, strict=True):
        mixed[rows] = blend(part.predictions, brief, metric, without.tolist())
    weights = np.zeros(len(tables))
    weights[[each is not None for each in read]] = found.weights

    def evaluated(predictions: Array) -> Evaluation:
        runs = [scored(view, predictions[rows]) for view, rows in zip(views, rows_of, strict=True)]
        return merge(runs, brief.split, len(views))

    return Ensembled(tuple(weights.tolist()), evaluated(mixed), evaluated(known[0]))


def _read(task: Task, at: Array, table: str) -> Array | None:
    """A candidate's predictions for the training rows `at`; None for a table that lacks some of them."""
    found = read_predictions(table, task.train[task.brief.id_column].iloc[at], task.brief)
    return found[0] if found is not None and found[1].all() else None


def _halves(task: Task, at: Array) -> list[Array]:
    """The rows in two halves, as positions in `at`; rows of one resampling unit stay together."""
    units = bundles(units_of(task)[at], task.brief.split)
    first = units <= np.median(units)
    return [np.flatnonzero(first), np.flatnonzero(~first)]


def _score(metric: Metric, truth: Array, prediction: Array) -> float:
    value = metric.score(truth, prediction)
    return value if metric.direction == "maximize" else -value


def select_ensemble(parts: Sequence[Part], scale: Scale, score: Score, most: int) -> Selected:
    """Select at most `most` members. `parts` are at least two, with the same candidates in the same order."""
    small = [_converted(part, scale) for part in parts]
    shares = [_greedy([*small[:out], *small[out + 1 :]], scale, score, most) for out in range(len(parts))]
    return Selected(_weights(np.mean(shares, axis=0), most), tuple(_weights(each, most) for each in shares))


def _converted(part: Part, scale: Scale) -> Part:
    """At most `_MOST_ROWS` rows, evenly spaced, with predictions on the scale on which they are averaged."""
    rows = np.unique(np.linspace(0, len(part.truth) - 1, min(len(part.truth), _MOST_ROWS)).astype(int))
    return Part(part.truth[rows], [scale.into(each[rows]) for each in part.predictions], part.weight)


def _greedy(parts: Sequence[Part], scale: Scale, score: Score, most: int) -> Array:
    """How often each candidate was taken, as shares, in the round with the best score. `parts` are converted."""
    taken = np.zeros(len(parts[0].predictions))
    taken[0] = _START
    best, best_score = taken / _START, _mean_score(parts, [part.predictions[0] for part in parts], scale, score)
    sums = [_START * part.predictions[0] for part in parts]
    for size in range(_START + 1, _START + _ROUNDS + 1):
        full = np.count_nonzero(taken) >= most
        found = {}
        for candidate in (np.flatnonzero(taken) if full else np.arange(len(taken))).tolist():
            means = [(total + part.predictions[candidate]) / size for part, total in zip(parts, sums, strict=True)]
            found[candidate] = _mean_score(parts, means, scale, score)
        chosen = max(found, key=lambda candidate: found[candidate])
        taken[chosen] += 1
        sums = [total + part.predictions[chosen] for part, total in zip(parts, sums, strict=True)]
        if found[chosen] > best_score:
            best, best_score = taken / size, found[chosen]
    return best


def _mean_score(parts: Sequence[Part], means: Sequence[Array], scale: Scale, score: Score) -> float:
    """The weighted mean of the parts' scores; parts without a defined score are left out."""
    scored = [(score(part.truth, scale.out(mean)), part.weight) for part, mean in zip(parts, means, strict=True)]
    known = [(value, weight) for value, weight in scored if np.isfinite(value)]
    if not known:
        return -np.inf
    return float(np.average([value for value, _ in known], weights=[weight for _, weight in known]))


def _weights(shares: Array, most: int) -> Array:
    """Shares of at most `most` members, without the very small ones."""
    order = np.argsort(-shares, kind="stable")
    kept = [at for at in order[:most] if shares[at] >= _LEAST]
    weights = np.zeros_like(shares)
    weights[kept] = shares[kept] / shares[kept].sum()
    return weights
