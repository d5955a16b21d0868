"""Which backend a role asks in one step, where the scenario lets it be chosen."""

from collections.abc import Collection

from gome.agents.protocol.types import Record
from gome.scenarios.config.fields import Chooser

__all__ = ["BackendChoice", "BackendRecord", "Choices", "chosen_for"]


class BackendRecord(Record):
    """What the steps of a run have come to in which one backend answered for a role.

    `steps` have ended with a comparison or with nothing, `underway` have not ended. `gain` is the sum of their gains in
    standard errors and `usd` that of what all their calls cost. `value` is what it is worth to ask this backend next.
    """

    backend: str
    steps: int = 0
    underway: int = 0
    gain: float = 0.0
    usd: float = 0.0
    value: float = 0.0


class BackendChoice(Record):
    """The backends of a role in the order in which a step asks them, with their records: the first is the choice."""

    role: Chooser
    records: tuple[BackendRecord, ...]

    def order(self, names: Collection[str]) -> tuple[str, ...]:
        """The chosen order of the role's backends `names`.

        The roles may have been assigned anew since the choice: a backend that a role no longer has is left out.
        """
        return tuple(each.backend for each in self.records if each.backend in names) or tuple(names)


Choices = tuple[BackendChoice, ...]
"""The choices of one step; none where the scenario leaves nothing to choose."""


def chosen_for(role: Chooser, choices: Choices) -> BackendChoice | None:
    """The choice of a role; None where its backend is fixed."""
    return next((each for each in choices if each.role == role), None)
