"""Convert class probabilities to the predictions that a metric expects."""

import numpy as np

from gome.scenarios.metrics.formulas import Array

__all__ = ["last_class", "most_probable", "nearest_mean", "probabilities"]


def last_class(chances: Array, _seen: Array) -> Array:
    """The probability of the last class."""
    return np.asarray(chances[:, -1])


def probabilities(chances: Array, _seen: Array) -> Array:
    """All probabilities, clipped away from zero and normalised per row."""
    held = np.clip(chances, 1e-4, None)
    return np.asarray(held / held.sum(axis=1, keepdims=True))


def most_probable(chances: Array, _seen: Array) -> Array:
    """The class with the highest probability."""
    return np.asarray(chances.argmax(axis=1))


def nearest_mean(chances: Array, seen: Array) -> Array:
    """For ordered classes: rank rows by expected class, and cut so that classes are as frequent as in training."""
    expected = chances @ np.arange(chances.shape[1])
    shares = np.cumsum(np.bincount(seen, minlength=chances.shape[1])) / len(seen)
    if np.ptp(expected) == 0:
        return np.full(len(chances), int(np.bincount(seen).argmax()))
    ranks = expected.argsort(kind="stable").argsort(kind="stable") / len(expected)
    return np.asarray(np.searchsorted(shares, ranks, side="right").clip(0, chances.shape[1] - 1))
