"""Average several predictions on the scale that suits the metric, and write them as a table."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series

__all__ = ["Scale", "ScaleName", "predictions_frame", "scale_named", "weighted_mean"]

Array = NDArray[Any]
ScaleName = Literal["plain", "log", "ranks", "votes", "grades"]
_FIRST = 1e-9
"""How much less a vote weighs than the one before it, relative to it: among tied classes, the first vote decides."""


class Scale(NamedTuple):
    """Where predictions are averaged: `into` converts them, and `out` converts their mean back."""

    into: Callable[[Array], Array]
    out: Callable[[Array], Array]


def scale_named(name: ScaleName, classes: int = 0) -> Scale:
    """The scale of that name: plain numbers, log(1 + x), relative ranks, votes for classes, or grades (rounded)."""
    match name:
        case "log":
            return Scale(np.log1p, np.expm1)
        case "ranks":
            return Scale(_ranks, _unchanged)
        case "votes":
            return Scale(partial(_votes, classes), _most_votes)
        case "grades":
            return Scale(_unchanged, _nearest_class)
        case _:
            return Scale(_unchanged, _unchanged)


def weighted_mean(predictions: Sequence[Array], scale: Scale, weights: Sequence[float] | None = None) -> Array:
    """The mean of predictions of the same shape, by default with equal weights. The mean of one is that one."""
    if len(predictions) == 1:
        return predictions[0]
    shares = np.ones(len(predictions)) if weights is None else np.asarray(weights, dtype=float)
    if scale.out is _most_votes:
        shares = shares * (1 - _FIRST * np.arange(len(shares)))
    mean = np.average(np.stack([scale.into(each) for each in predictions]), axis=0, weights=shares)
    return np.asarray(scale.out(mean))


def predictions_frame(
    ids: Series, predictions: Array, id_column: str, columns: Sequence[str], labels: Sequence[str] = ()
) -> DataFrame:
    """A submission with these columns, as text; `labels` are the classes where predictions are class numbers."""
    table = DataFrame({id_column: ids.to_numpy()})
    named = [name for name in columns if name != id_column]
    if labels:
        table[named[0]] = [labels[number] for number in predictions]
    else:
        for place, name in enumerate(named):
            table[name] = [repr(float(value)) for value in predictions[:, place]]
    return table[list(columns)]


def _unchanged(values: Array) -> Array:
    return values


def _ranks(values: Array) -> Array:
    return DataFrame(values).rank(pct=True).to_numpy()


def _nearest_class(mean: Array) -> Array:
    return np.asarray(np.floor(mean + 0.5), dtype=int)


def _votes(classes: int, labels: Array) -> Array:
    return np.asarray(labels[..., None] == np.arange(classes), dtype=float)


def _most_votes(votes: Array) -> Array:
    return np.asarray(votes.argmax(axis=-1))
