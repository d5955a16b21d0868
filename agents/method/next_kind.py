"""Which kind of step is next, by the rule of `bandit.py`: what each kind gains per cost. Pure functions. [O]

A kind's gain is that of its accepted trials, in standard errors (at most 3 each; others gain 0). Its cost is in what
limits the run: the minutes of its steps, calls included, or, where only trials do, one a step. Priors from the settings
count like some steps that were made before the run.
"""

import math
from collections.abc import Mapping, Sequence

from gome.agents.method.bandit import LEAST_COST, upper_bound
from gome.agents.protocol.kind_record import KindRecord
from gome.agents.protocol.types import StepKind
from gome.scenarios.config.method import KindSettings

__all__ = ["MOST_ERRORS", "rewarded", "suggested", "values"]

MOST_ERRORS = 3.0
"""A single trial counts for at most this many standard errors."""


def rewarded(gain: float, error: float | None, *, accepted: bool) -> float:
    """What a trial is worth, in standard errors; a gain without a standard error counts as one."""
    if not accepted or gain <= 0:
        return 0.0
    return min(MOST_ERRORS, gain / error) if error else 1.0


def values(records: Sequence[KindRecord], kinds: Sequence[StepKind], settings: KindSettings) -> dict[StepKind, float]:
    """The value of each of `kinds`, given what all steps of the run have come to."""
    known: Mapping[StepKind, KindRecord] = {each.kind: each for each in records}
    steps = sum(each.steps for each in records)
    cost = math.fsum(each.cost for each in records) / steps if steps else 1.0
    cost = max(cost, LEAST_COST)
    found: dict[StepKind, float] = {}
    for kind in kinds:
        own = known.get(kind, KindRecord(kind=kind))
        made = settings.weight + own.steps
        gain = (settings.weight * settings.gains.get(kind, 0.0) + own.gain) / made
        price = (settings.weight * settings.costs.get(kind, 1.0) * cost + own.cost) / made
        found[kind] = upper_bound(gain, price, made, steps, settings.exploration)
    return found


def suggested(records: Sequence[KindRecord], kinds: Sequence[StepKind], settings: KindSettings) -> StepKind | None:
    """The kind of the largest value, the first of equal ones; None where there is nothing to choose."""
    if not settings.suggest or len(kinds) < 2:
        return None
    found = values(records, kinds, settings)
    return max(kinds, key=lambda kind: found[kind])
