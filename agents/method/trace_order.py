"""Scheduling: which traces step next when not all can at once. Round-robin as in the paper [C], or by their scores.

The value of a trace is its best score, standardised over the traces to mean 0 and standard deviation 1.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from gome.scenarios.config.method import Scheduling

__all__ = ["Standing", "in_order", "puct", "shares"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Progress of a trace: steps opened, and its best score with the sign that larger is better; None if none yet."""

    steps: int
    best: float | None


def in_order(standings: Mapping[int, Standing], settings: Scheduling, seed: int) -> Sequence[int]:
    """All traces in the order in which they may step. Traces without a step come first.

    `round-robin`: fewest steps first. `softmax`: drawn without replacement with the probabilities `shares`. `puct`:
    largest value plus bonus first. Ties go to the lower index. `seed` is used by `softmax` alone.
    """
    fresh = [trace for trace in sorted(standings) if standings[trace].steps == 0]
    begun = {trace: standings[trace] for trace in sorted(standings) if standings[trace].steps > 0}
    match settings.policy:
        case "round-robin":
            rest = sorted(begun, key=lambda trace: (begun[trace].steps, trace))
        case "softmax":
            rest = _drawn(shares(begun, settings.temperature), random.Random(seed))
        case "puct":
            values = puct(begun, settings)
            rest = sorted(begun, key=lambda trace: (-values[trace], trace))
    return [*fresh, *rest]


def shares(standings: Mapping[int, Standing], temperature: float) -> dict[int, float]:
    """Probability of each trace: softmax(value / temperature). [I]"""
    weights = {trace: math.exp(value / temperature) for trace, value in _values(standings).items()}
    total = sum(weights.values())
    return {trace: weight / total for trace, weight in weights.items()}


def puct(standings: Mapping[int, Standing], settings: Scheduling) -> dict[int, float]:
    """value + C · share · √N / (1 + n): n steps of the trace, N of all traces, share as in `shares`. [I]"""
    prior, total = shares(standings, settings.temperature), sum(each.steps for each in standings.values())
    return {
        trace: value + settings.exploration * prior[trace] * math.sqrt(total) / (1 + standings[trace].steps)
        for trace, value in _values(standings).items()
    }


def _values(standings: Mapping[int, Standing]) -> dict[int, float]:
    """Standardised best score of each trace, limited to [−3, 3]; −1 for a trace without a score."""
    known = [each.best for each in standings.values() if each.best is not None]
    middle, spread = (fmean(known), pstdev(known)) if known else (0.0, 0.0)

    def value(best: float | None) -> float:
        if best is None:
            return -1.0
        return max(-3.0, min(3.0, (best - middle) / spread)) if spread > 0 else 0.0

    return {trace: value(each.best) for trace, each in standings.items()}


def _drawn(weights: dict[int, float], rng: random.Random) -> list[int]:
    left, order = dict(weights), []
    while left:
        order.append(rng.choices(list(left), weights=list(left.values()))[0])
        left.pop(order[-1])
    return order
