"""A move: one change of a plan that can be proposed as a hypothesis, with its preconditions and what it may bring.

The catalogue is in the `moves_*` modules, one for each component. A move may be played on several subjects (columns,
families); the subject stands in the hypothesis's parameter, `cross(hr, workingday)`, so that a hypothesis out of the
log or out of another trace's memory can be played again from its key alone.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.scene import Scene
from gome.agents.protocol.types import Component

__all__ = ["Choice", "Move", "Play", "Subject", "always", "change", "extend", "parse_parameter"]

Subject = tuple[str, ...]
_PARAMETER = re.compile(r"([a-z0-9_]+)(?:\((.*)\))?", re.DOTALL)


@dataclass(frozen=True)
class Choice:
    """One way of playing a move here: on what, which share of the present loss it may save, and why."""

    subject: Subject
    gain: float
    reason: str


@dataclass(frozen=True)
class Move:
    """One kind of change.

    `statement` may use {subject}. `choices` holds the preconditions: it yields nothing where the move does not fit.
    `edit` returns the plan as it is where there is nothing to change. `safety` is from 1 (bold) to 10 (safe). A move
    `at_root` may be part of a trace's first solution; a `late` one waits until there is something to put together.
    """

    component: Component
    name: str
    direction: str
    challenge: str
    statement: str
    choices: Callable[[Scene], Iterable[Choice]]
    edit: Callable[[Plan, Subject], Plan]
    safety: int = 6
    at_root: bool = False
    late: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """(component, name, direction), without a subject."""
        return (self.component, self.name, self.direction)

    def parameter(self, subject: Subject) -> str:
        """The parameter of a hypothesis that plays this move on `subject`."""
        return f"{self.name}({', '.join(subject)})" if subject else self.name

    def says(self, subject: Subject) -> str:
        """The hypothesis in words."""
        return self.statement.format(subject=", ".join(subject))


@dataclass(frozen=True)
class Play:
    """A move on a subject, the plan that comes out, and its estimated cost in seconds."""

    move: Move
    choice: Choice
    plan: Plan
    seconds: float

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of its hypothesis."""
        return (self.move.component, self.move.parameter(self.choice.subject), self.move.direction)


def parse_parameter(parameter: str) -> tuple[str, Subject]:
    """Name and subject of a hypothesis's parameter; the whole text is the name where it has another form."""
    found = _PARAMETER.fullmatch(parameter.strip())
    if found is None:
        return parameter, ()
    subject = found.group(2)
    return found.group(1), tuple(subject.split(", ")) if subject else ()


def change(**values: Any) -> Callable[[Plan, Subject], Plan]:
    """An edit that sets fields, whatever the subject."""
    return lambda plan, _: plan.model_copy(update=values)


def extend(field: str) -> Callable[[Plan, Subject], Plan]:
    """An edit that adds the subject's names to a list of the plan."""

    def edit(plan: Plan, subject: Subject) -> Plan:
        present: tuple[str, ...] = getattr(plan, field)
        return plan.model_copy(update={field: (*present, *(name for name in subject if name not in present))})

    return edit


def always(gain: float, reason: str) -> Callable[[Scene], Iterable[Choice]]:
    """Choices of a move without a subject that fits everywhere."""
    return lambda _: (Choice((), gain, reason),)
