"""A move: one change of a plan that can be proposed as a hypothesis, with its preconditions and expected gain.

The modules of this folder define the moves. A move may apply to several subjects (columns); the subject is part of the
hypothesis's parameter, as in `cross(hr, workingday)`, so that a hypothesis from the log or from another trace can be
applied from its key alone.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.situation import Scene
from gome.agents.protocol.types import Component

__all__ = ["Choice", "Move", "Play", "Subject", "change", "extend", "parse_parameter"]

Subject = tuple[str, ...]
_PARAMETER = re.compile(r"([a-z0-9_]+)(?:\((.*)\))?", re.DOTALL)


@dataclass(frozen=True)
class Choice:
    """One way to apply a move: its subject, the expected gain as a share of the current loss, and the reason."""

    subject: Subject
    gain: float
    reason: str


@dataclass(frozen=True)
class Move:
    """One kind of change.

    `statement` may use {subject}. `choices` holds the preconditions: it yields nothing where the move does not apply.
    `edit` returns the plan unchanged where there is nothing to change. `safety` is from 1 (bold) to 10 (safe). A move
    `at_root` may be part of a trace's first solution; a `late` one gets less weight until the ensemble stage.
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
        """The parameter of the hypothesis that applies this move to `subject`."""
        return f"{self.name}({', '.join(subject)})" if subject else self.name

    def says(self, subject: Subject) -> str:
        """The statement of the hypothesis."""
        return self.statement.format(subject=", ".join(subject))


@dataclass(frozen=True)
class Play:
    """A move applied to a subject, the resulting plan, and the estimated run time of its script in seconds."""

    move: Move
    choice: Choice
    plan: Plan
    seconds: float

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of the play's hypothesis."""
        return (self.move.component, self.move.parameter(self.choice.subject), self.move.direction)

    @property
    def names(self) -> tuple[str, ...]:
        """The words by which a user may mean it: its key, and what it says."""
        return (*self.key, self.move.says(self.choice.subject))


def parse_parameter(parameter: str) -> tuple[str, Subject]:
    """Split a hypothesis's parameter into name and subject; if it has another form, all of it is the name."""
    found = _PARAMETER.fullmatch(parameter.strip())
    if found is None:
        return parameter, ()
    subject = found.group(2)
    return found.group(1), tuple(subject.split(", ")) if subject else ()


def change(**values: Any) -> Callable[[Plan, Subject], Plan]:
    """An edit that sets fields and ignores the subject."""
    return lambda plan, _: plan.model_copy(update=values)


def extend(field: str) -> Callable[[Plan, Subject], Plan]:
    """An edit that adds the subject's names to a tuple field of the plan."""

    def edit(plan: Plan, subject: Subject) -> Plan:
        present: tuple[str, ...] = getattr(plan, field)
        return plan.model_copy(update={field: (*present, *(name for name in subject if name not in present))})

    return edit
