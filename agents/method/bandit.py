"""What is worth to be tried next: upper confidence bounds of a gain per cost. Pure functions. [O]

    value = (mean gain + exploration · √(ln(1 + all steps) / (weight + steps))) / mean cost

It is the rule UCB1 (Auer et al., 2002) for a reward per cost, without a draw. Priors count like some steps (`weight`)
that were made before the run.
"""

import math
from collections.abc import Sequence

from gome.agents.protocol.backend_choice import BackendRecord
from gome.scenarios.config.scenario import Choose

__all__ = ["LEAST_COST", "ranked", "upper_bound"]

LEAST_COST = 1e-9
"""Below it a mean cost counts as this much."""


def upper_bound(gain: float, cost: float, made: float, steps: int, exploration: float) -> float:
    """The value of an option by its mean gain and cost; `made` are its own steps with its prior, `steps` all steps."""
    return (gain + exploration * math.sqrt(math.log1p(steps) / made)) / cost


def ranked(records: Sequence[BackendRecord], settings: Choose) -> tuple[BackendRecord, ...]:
    """The records with their values: first those that have no step at all, then the largest value first.

    Equal ones stay in the given order. A step that is under way counts as one without a gain, so that steps which begin
    together do not all ask the same backend. Costs are relative to those of the average step.
    """
    ended = sum(each.steps for each in records)
    average = math.fsum(each.usd for each in records) / ended if ended else 0.0
    priced = settings.by == "gain-per-usd" and average > LEAST_COST
    steps = ended + sum(each.underway for each in records)

    def valued(record: BackendRecord) -> BackendRecord:
        made = settings.weight + record.steps + record.underway
        gain = (settings.weight * settings.gain + record.gain) / made
        cost = (settings.weight + record.usd / average) / (settings.weight + record.steps) if priced else 1.0
        return record.model_copy(update={"value": upper_bound(gain, cost, made, steps, settings.exploration)})

    return tuple(sorted(map(valued, records), key=lambda each: (each.steps + each.underway > 0, -each.value)))
