"""A metric: the median of absolute errors. A task names it with `metric: median-ae`."""

import numpy as np

from gome.scenarios.metrics.formulas import Array, absolute_loss
from gome.scenarios.metrics.registry import Metric


def median_ae(truth: Array, prediction: Array) -> float:
    """Median absolute error; both arrays have shape (rows, targets)."""
    return float(np.median(np.abs(truth - prediction)))


MEDIAN_AE = Metric(
    "median-ae",
    "median absolute error",
    "minimize",
    "value",
    ("regression",),
    median_ae,
    absolute_loss,
    centre="median",
)
