"""The run's budget: what is used and what is left of it. State of the Director."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gome.agents.protocol.final_selection import Finalist
from gome.agents.protocol.types import Left
from gome.agents.state.call_budget import REFUSED, UNITS, amount
from gome.scenarios.config.method import FinishSettings
from gome.scenarios.config.scenario import Budget

__all__ = ["FittedFinish", "Ledger", "fit_finish"]

Place = tuple[int, int]
"""A step of a trace."""
_MANY = 1_000_000
"""More steps than anyone requests at once: stands for no limit."""


@dataclass(slots=True)
class Ledger:
    """Trials opened, live seconds, and metered usage (calls, tokens, USD), against a budget.

    `closed`: no further step may be opened, whatever is left. `refused`: the units whose limit prevented a call
    (`call_budget.py`). `under_way` is the usage so far of each running step, `dearest` the largest usage of a finished
    step. A step is opened only while another one as expensive as `dearest` fits beside the running ones, so that few
    steps are cut short by a refused call.
    """

    budget: Budget = field(default_factory=Budget)
    trials: int = 0
    time: float = 0.0
    closed: bool = False
    spent: dict[str, float] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    under_way: dict[Place, dict[str, float]] = field(default_factory=dict)
    dearest: dict[str, float] = field(default_factory=dict)

    def opened(self, place: Place) -> None:
        """Record that a step has started."""
        self.trials += 1
        self.under_way[place] = {}

    def spend(self, meter: Mapping[str, float], place: Place | None = None) -> None:
        """Add the usage of one activity; `place` is the step it belongs to."""
        step = self.under_way.get(place) if place else None
        for unit in UNITS:
            used = amount(meter, unit)
            self.spent[unit] = self.spent.get(unit, 0.0) + used
            if step is not None:
                step[unit] = step.get(unit, 0.0) + used
        self.refused |= {unit for unit in UNITS if REFUSED + unit in meter}

    def ended(self, place: Place) -> None:
        """Record that a step has its diagnosis."""
        for unit, used in self.under_way.pop(place, {}).items():
            self.dearest[unit] = max(used, self.dearest.get(unit, 0.0))

    def rebudget(self, budget: Budget) -> None:
        """Replace the budget and open the ledger again."""
        self.budget = budget
        self.closed = False
        self.refused = set()

    def _limits(self) -> dict[str, float]:
        """The limits in USD, tokens and calls that are set."""
        limits = {"usd": self.budget.usd, "tokens": self.budget.tokens, "calls": self.budget.calls}
        return {unit: limit for unit, limit in limits.items() if limit is not None}

    def _shares(self, ahead: int, timed: bool) -> dict[str, float]:
        """Used share of each limit that is set, with `ahead` more trials counted as used."""
        budget = self.budget
        shares: dict[str, float] = {}
        if budget.trials:
            shares["trials"] = (self.trials + ahead) / budget.trials
        if budget.time and timed:
            shares["time"] = self.time / (budget.time * (1 - budget.finish))
        for unit, limit in self._limits().items():
            shares[unit] = 1.0 if unit in self.refused else self.spent.get(unit, 0.0) / limit
        return shares

    def used(self, ahead: int = 0, *, timed: bool = True) -> float:
        """The largest used share of any limit, in [0, 1]; 0 without a limit."""
        return min(1.0, max(self._shares(ahead, timed).values(), default=0.0))

    def left(self, ahead: int, traces: int, *, timed: bool = True) -> Left:
        """What is left for trials, with `ahead` more counted as used. Time (minutes) excludes the finish's share."""
        budget = self.budget
        spent = {unit: limit - self.spent.get(unit, 0.0) for unit, limit in self._limits().items()}
        minutes = (budget.time * (1 - budget.finish) - self.time) / 60 if budget.time and timed else None
        return Left(
            trials=None if budget.trials is None else max(0, budget.trials - self.trials - ahead),
            traces=traces,
            minutes=None if minutes is None else round(max(0.0, minutes), 1),
            **{unit: max(0.0, amount) for unit, amount in spent.items()},
        )

    def trials_left(self, *, timed: bool = True) -> float | None:
        """How many more trials the budget is likely to allow, at the pace so far; None where that is not known."""
        if self.budget.trials and not self.trials:
            return self.budget.trials
        used = max(self._shares(0, timed).values(), default=0.0)
        return self.trials * max(0.0, 1 - used) / used if used > 0 and self.trials else None

    def steps_allowed(self, wanted: int, *, timed: bool = True) -> int:
        """How many of the `wanted` steps may be opened now."""
        if self.closed or any(share >= 1 for share in self._shares(0, timed).values()):
            return 0
        room = [wanted, *(self._steps_within(unit, limit) for unit, limit in self._limits().items())]
        if self.budget.trials is not None:
            room.append(self.budget.trials - self.trials)
        return min(room)

    def _steps_within(self, unit: str, limit: float) -> int:
        """How many more steps, each as expensive as `dearest`, fit beside the running ones."""
        dearest = self.dearest.get(unit, 0.0)
        if dearest <= 0:
            return _MANY
        still_due = sum(max(0.0, dearest - used.get(unit, 0.0)) for used in self.under_way.values())
        return max(0, int((limit - self.spent.get(unit, 0.0) - still_due) / dearest))

    @property
    def time_left(self) -> float | None:
        """Live seconds until the budget's time is over, finish included; None without a time limit."""
        return None if self.budget.time is None else self.budget.time - self.time

    def why(self) -> str:
        """Why no further step is opened, as shown to users."""
        shares = self._shares(0, timed=True)
        short = [unit for unit, limit in self._limits().items() if not self._steps_within(unit, limit)]
        spent = [unit for unit, share in shares.items() if share >= 1 or unit in short]
        if spent:
            return f"the budget of {' and '.join(spent)} is used"
        return "the time for trials is over" if self.closed else "no trace can go on"


class FittedFinish(NamedTuple):
    """Numbers of candidates, of seeds per candidate, and of an ensemble's members.

    `compares`: the mean of the splits' models is compared with a refit.
    """

    candidates: int
    seeds: int
    compares: bool
    members: int = 1


def fit_finish(
    settings: FinishSettings,
    finalists: Sequence[Finalist],
    left: float | None,
    slots: int,
    splits: int,
    members: int = 1,
    again: int = 0,
) -> FittedFinish:
    """The finish as configured, or reduced to fit `left` seconds.

    First the comparison is given up, then members where they are run again, then candidates, then seeds. Two candidates
    are kept as long as seeds can be reduced, since a choice needs two. [I] `again` is how often each member is run for
    the submission: not at all for a mean that is there, once for a refit, on all `splits` for a mean that also learns
    from a hold-out that was set apart. A comparison takes one run per split, and may lead to the other way.
    """
    candidates, seeds = min(settings.candidates, len(finalists)), settings.seeds
    if left is None or not finalists:
        return FittedFinish(candidates, seeds, settings.ship == "auto" and bool(finalists), members)
    longest = max(finalist.seconds for finalist in finalists)

    def fits(*more: int) -> bool:
        phases = (candidates * seeds, members * again, *more)
        return sum(-(-runs // slots) for runs in phases) * longest <= left

    most = splits if settings.apart else 1
    compares = settings.ship == "auto" and fits(splits, members * (most - again))
    while again and members > 1 and not fits():
        members -= 1
    while candidates > 2 and not fits():
        candidates -= 1
    while seeds > 1 and not fits():
        seeds -= 1
    if candidates > 1 and not fits():
        candidates = 1
    return FittedFinish(candidates, seeds, compares, members)
