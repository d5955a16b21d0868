"""Group a log into turns: a message that an actor received, with the messages it sent in response.

Restoring and replaying both apply turns in order. In the log, other messages (also the actor's next input) may be
between an input and its outputs. The actor applied the outputs directly after the input, and so must a restore.
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
    """Whether the actor of that name returned this message from a handler. Activity records are not outputs."""
    return envelope.sender == name and envelope.message.kind not in ACTIVITIES


@dataclass(slots=True)
class Turn:
    """A message that an actor received (`heard`) and the messages it sent in response (`said`, `expected` in all)."""

    actor: Actor
    heard: Envelope
    expected: int
    said: list[Envelope] = field(default_factory=list)

    @property
    def handled(self) -> bool:
        """Whether the actor's handler was called, rather than `apply` alone."""
        return self.heard.message.kind in self.actor.handles

    @property
    def folded(self) -> list[Envelope]:
        """The messages to apply, in order. A message that the actor sent to itself was applied when it was sent."""
        return self.said if is_output(self.heard, self.actor.name) else [self.heard, *self.said]


class Turns:
    """Groups envelopes into turns. Feed it the whole log in order.

    `answers` is the number of outputs of each (sender, cause) in the whole log. Messages after an actor's cursor form
    no turn yet: `resume_after` is the sequence number after which its mailbox continues, by actor, and `activities`
    holds the activity records of unhandled messages, by (actor, message id).
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
        """The turns that this message completes, for each actor in the order in which it took them."""
        completed: list[Turn] = []
        sender, kind = envelope.sender, envelope.message.kind
        is_activity = kind in ACTIVITIES
        if sender in self._open and envelope.cause is not None:
            if not is_activity:
                self._add_output(sender, envelope, completed)
            elif (sender, envelope.cause) in self._unhandled:
                self.activities[sender, envelope.cause].append(envelope)
        for actor in self._routes.listeners(kind, envelope.trace):
            self._add_input(actor, envelope, completed)
        return completed

    def _add_input(self, actor: Actor, envelope: Envelope, completed: list[Turn]) -> None:
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

    def _add_output(self, name: str, envelope: Envelope, completed: list[Turn]) -> None:
        waiting = self._open[name]
        for turn in waiting:
            if turn.heard.id == envelope.cause:
                turn.said.append(envelope)
                break
        while waiting and len(waiting[0].said) == waiting[0].expected:
            completed.append(waiting.popleft())
