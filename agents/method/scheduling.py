"""Which traces take the next step where not all may at once. The paper's are taken in turn [C]; the others weigh them.

Values are on a common scale: a trace's best score, shifted and scaled over the traces to mean 0 and spread 1.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from gome.scenarios.config.scenario import Scheduling

__all__ = ["Standing", "in_order", "puct", "shares"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a trace is: steps opened, and its best score, larger for better, None while it has none."""

    steps: int
    best: float | None


def in_order(standings: Mapping[int, Standing], settings: Scheduling, seed: int) -> Sequence[int]:
    """All traces, first who steps first. A trace that has taken no step comes before all others, as it opens.

    `round-robin`: who has taken fewest steps. `softmax`: drawn without replacement by their `shares`. `puct`: the
    largest value and bonus. Ties go to the lower index.
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
    """softmax(value / temperature) over the traces. [I]"""
    weights = {trace: math.exp(value / temperature) for trace, value in _values(standings).items()}
    total = sum(weights.values())
    return {trace: weight / total for trace, weight in weights.items()}


def puct(standings: Mapping[int, Standing], settings: Scheduling) -> dict[int, float]:
    """value + C · share · √N / (1 + n): n steps of the trace, N of all, the share as under `softmax`. [I]"""
    prior, total = shares(standings, settings.temperature), sum(each.steps for each in standings.values())
    return {
        trace: value + settings.exploration * prior[trace] * math.sqrt(total) / (1 + standings[trace].steps)
        for trace, value in _values(standings).items()
    }


def _values(standings: Mapping[int, Standing]) -> dict[int, float]:
    """Bests on their common scale, at most three from the middle; a trace without one stands one below the mean."""
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
