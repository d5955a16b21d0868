"""Spending on models: no call is made that could exceed the budget.

Before a call, the most it can use (tokens of the prompt and of the longest answer, and their price) is reserved; with
the amount spent and the reservations of calls in flight, it must fit into the budget. After the call, the actual usage
replaces the reservation. The state lives in the process; on resume it starts with the amounts recorded in the log.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from gome.scenarios.config.scenario import Budget

__all__ = ["REFUSED", "UNITS", "BudgetSpentError", "Hold", "Spending", "Unit", "amount"]

Unit = Literal["usd", "tokens", "calls"]
UNITS: tuple[Unit, ...] = ("usd", "tokens", "calls")
REFUSED = "refused_"
"""Prefix of a meter entry that names the unit whose limit prevented a call."""


class BudgetSpentError(Exception):
    """A call was not made, since it could exceed the budget in `unit`."""

    def __init__(self, unit: Unit, words: str) -> None:
        super().__init__(words)
        self.unit = unit


def amount(meter: Mapping[str, float], unit: Unit) -> float:
    """Amount of a meter that counts against a budget; the upper bound where the endpoint does not report usage."""
    return meter.get(unit, meter.get(f"{unit}_at_most", 0.0))


@dataclass(slots=True)
class Hold:
    """Reservation of one request while it is in flight. `calls` counts the calls made for it so far."""

    spending: "Spending"
    calls: int = 0

    def call(self) -> None:
        """Count a call that is about to be made. Raises BudgetSpentError where no call is left."""
        self.spending.check("calls", 1.0)
        self.spending.spend("calls", 1.0)
        self.calls += 1


@dataclass(slots=True)
class Spending:
    """Amounts spent and reserved in each unit, against a budget. Not thread-safe: for use in one event loop."""

    budget: Budget = field(default_factory=Budget)
    spent: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)

    @property
    def bounds_tokens(self) -> bool:
        """Whether the length of answers must be bounded, so that their cost is bounded."""
        return self.budget.tokens is not None or self.budget.usd is not None

    def spend(self, unit: Unit, used: float) -> None:
        """Add an amount that was used."""
        self.spent[unit] = self.spent.get(unit, 0.0) + used

    def check(self, unit: Unit, wanted: float) -> None:
        """Raise BudgetSpentError where `wanted` more does not fit beside what is spent and reserved."""
        limit = {"usd": self.budget.usd, "tokens": self.budget.tokens, "calls": self.budget.calls}[unit]
        spent, held = self.spent.get(unit, 0.0), self.held.get(unit, 0.0)
        if limit is not None and spent + held + wanted > limit * (1 + 1e-9):
            raise BudgetSpentError(
                unit,
                f"call not made, since it could exceed budget.{unit}: of {limit:g}, {spent:g} are spent, calls in "
                f"flight may use {held:g}, and this call {wanted:g}",
            )

    @contextmanager
    def hold(self, tokens: float = 0.0, usd: float | None = None) -> Iterator[Hold]:
        """Reserve that much while the context is open; the caller reports the actual usage with `spend`.

        Raises BudgetSpentError where it does not fit.
        """
        most: dict[Unit, float] = {"tokens": tokens, "usd": usd or 0.0}
        self.check("calls", 1.0)
        for unit, wanted in most.items():
            self.check(unit, wanted)
        for unit, wanted in most.items():
            self.held[unit] = self.held.get(unit, 0.0) + wanted
        try:
            yield Hold(self)
        finally:
            for unit, wanted in most.items():
                self.held[unit] -= wanted
