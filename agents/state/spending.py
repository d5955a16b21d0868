"""The purse: what calls to models may still use. Nothing is asked that could exceed the budget.

Before a question is put, the most that it can use (tokens of the prompt and of the longest answer, and their price) is
held back; with what is spent and what calls in flight hold, it must fit. Once answered, what it did use is spent
instead. The purse lives in the process: at a start it is filled from what the log says was spent.
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
"""Begins the entry of a meter that says for want of which unit a call was not made."""


class BudgetSpentError(Exception):
    """A call was not made, since it could exceed the budget in `unit`."""

    def __init__(self, unit: Unit, words: str) -> None:
        super().__init__(words)
        self.unit = unit


def amount(meter: Mapping[str, float], unit: Unit) -> float:
    """What a meter counts against a budget: where an endpoint does not say what was used, the most it can have been."""
    return meter.get(unit, meter.get(f"{unit}_at_most", 0.0))


@dataclass(slots=True)
class Hold:
    """What one question holds back while it is asked. `calls` are those made for it so far."""

    spending: "Spending"
    calls: int = 0

    def call(self) -> None:
        """Count a call that is about to be made. Raises BudgetSpentError where there may be none."""
        self.spending.check("calls", 1.0)
        self.spending.spend("calls", 1.0)
        self.calls += 1


@dataclass(slots=True)
class Spending:
    """What is spent and held in each unit, against a budget. For one event loop."""

    budget: Budget = field(default_factory=Budget)
    spent: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)

    @property
    def bounds_tokens(self) -> bool:
        """Whether answers must be bounded in length, so that what they cost is."""
        return self.budget.tokens is not None or self.budget.usd is not None

    def spend(self, unit: Unit, used: float) -> None:
        """Add what was used."""
        self.spent[unit] = self.spent.get(unit, 0.0) + used

    def check(self, unit: Unit, wanted: float) -> None:
        """Raise BudgetSpentError where so much more does not fit."""
        limit = {"usd": self.budget.usd, "tokens": self.budget.tokens, "calls": self.budget.calls}[unit]
        spent, held = self.spent.get(unit, 0.0), self.held.get(unit, 0.0)
        if limit is not None and spent + held + wanted > limit * (1 + 1e-9):
            raise BudgetSpentError(
                unit,
                f"not asked, since it could exceed budget.{unit}: of {limit:g}, {spent:g} are spent, calls in flight "
                f"may use {held:g}, and this one {wanted:g}",
            )

    @contextmanager
    def hold(self, tokens: float = 0.0, usd: float | None = None) -> Iterator[Hold]:
        """Hold back that much while a question is asked; whoever asks then tells by `spend` what it did use.

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
