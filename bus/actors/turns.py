"""A log sorted into turns: a message that an actor heard, and what it said to that.

Restoring and replaying are the same fold over turns. In the log other messages may stand between the two, and the next
message to the actor too; in its state they follow each other, as they did when it lived through them.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gome.bus.actors.actor import Actor
from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.bus.routes import Routes

__all__ = ["Turn", "Turns", "is_output"]


def is_output(envelope: Envelope, name: str) -> bool:
    """Whether that actor returned this message from a handler; the records of its activities are no outputs."""
    return envelope.sender == name and envelope.message.kind not in ACTIVITIES


@dataclass(slots=True)
class Turn:
    """A message that an actor heard, and what it said to that (`expected` is how much)."""

    actor: Actor
    heard: Envelope
    expected: int
    said: list[Envelope] = field(default_factory=list)

    @property
    def handled(self) -> bool:
        """Whether the actor decided on it, rather than only noting it."""
        return self.heard.message.kind in self.actor.handles

    @property
    def folded(self) -> list[Envelope]:
        """What is applied, in order. What the actor said to itself was applied when it was said."""
        return self.said if is_output(self.heard, self.actor.name) else [self.heard, *self.said]


class Turns:
    """Sorts the envelopes that it is fed, in log order.

    `answers` says how many outputs each (sender, cause) has in the whole log. What stands after an actor's cursor is
    no turn yet: `resume_after` is where its mailbox goes on, and `activities` are what it had begun there.
    """

    def __init__(
        self, actors: Iterable[Actor], cursors: Mapping[str, int], answers: Mapping[tuple[str, str], int]
    ) -> None:
        self._actors = tuple(actors)
        self._cursors = cursors
        self._answers = answers
        self._open: dict[str, deque[Turn]] = {actor.name: deque() for actor in self._actors}
        self._routes: Routes[Actor] = Routes()
        for actor in self._actors:
            self._routes.add(actor.subscription, actor)
        self._unhandled: set[tuple[str, str]] = set()
        self.resume_after: dict[str, int] = {}
        self.activities: defaultdict[tuple[str, str], list[Envelope]] = defaultdict(list)

    def feed(self, envelope: Envelope) -> list[Turn]:
        """The turns that this message completes, in the order in which their actors took them."""
        completed: list[Turn] = []
        sender, kind = envelope.sender, envelope.message.kind
        is_activity = kind in ACTIVITIES
        if sender in self._open and envelope.cause is not None:
            if not is_activity:
                self._said(sender, envelope, completed)
            elif (sender, envelope.cause) in self._unhandled:
                self.activities[sender, envelope.cause].append(envelope)
        for actor in self._routes.listeners(kind, envelope.trace):
            self._heard(actor, envelope, completed)
        return completed

    def _heard(self, actor: Actor, envelope: Envelope, completed: list[Turn]) -> None:
        name = actor.name
        if envelope.seq > self._cursors.get(name, 0):
            self.resume_after.setdefault(name, envelope.seq - 1)
            self._unhandled.add((name, envelope.id))
            return
        turn = Turn(actor, envelope, self._answers.get((name, envelope.id), 0))
        if turn.expected or self._open[name]:
            self._open[name].append(turn)
        else:
            completed.append(turn)

    def _said(self, name: str, envelope: Envelope, completed: list[Turn]) -> None:
        waiting = self._open[name]
        for turn in waiting:
            if turn.heard.id == envelope.cause:
                turn.said.append(envelope)
                break
        while waiting and len(waiting[0].said) == waiting[0].expected:
            completed.append(waiting.popleft())
