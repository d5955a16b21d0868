"""Random programs: actors whose decisions depend only on a seed and the log, with a counter of side effects.

A token is handled by the relay of its trace, which applies it, performs up to two side effects at once, and sends
tokens for other traces or, at the end of a branch, a leaf. Every token has at least one answer, so the end of a program
is known. The keeper handles leaves without sending anything, and notes tokens.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Literal

import anyio
from pydantic import BaseModel

from gome.bus.actors.actor import ActivityResult, Actor, Context
from gome.bus.events import ACTIVITIES, LIFECYCLE
from gome.bus.message import Draft, Envelope, Message, Vocabulary

TRACES = 3


class Token(Message):
    kind: Literal["token"] = "token"
    value: int
    depth: int


class Leaf(Message):
    kind: Literal["leaf"] = "leaf"
    value: int


VOCABULARY = Vocabulary.of((*LIFECYCLE, Token, Leaf))


class Question(BaseModel):
    value: int
    place: int


class Number(ActivityResult):
    value: int


def draw(*key: object) -> int:
    """A pseudo-random number that depends on the key only."""
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=4).digest(), "big")


class World:
    """The target of side effects. It survives crashes and counts the calls by request."""

    def __init__(self, tick: Callable[[], Awaitable[None]]) -> None:
        self.calls: Counter[tuple[str, str, int]] = Counter()
        self.tick = tick

    async def answer(self, actor: str, message: str, place: int) -> Number:
        await self.tick()
        self.calls[actor, message, place] += 1
        await self.tick()
        return Number(value=draw(actor, message, place) % 1000)


class Relay(Actor):
    handles = frozenset({"token"})

    def __init__(self, seed: int, trace: int, world: World) -> None:
        super().__init__(f"relay-{trace}", trace)
        self.seed = seed
        self.world = world
        self.state = 0
        self.folded: list[str] = []

    def apply(self, envelope: Envelope) -> None:
        self.state = draw(self.state, envelope.id)
        self.folded.append(envelope.id)

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        message = envelope.message
        assert isinstance(message, Token)
        found: dict[int, int] = {}

        async def ask(place: int) -> None:
            question = Question(value=message.value, place=place)
            number = await context.perform(
                "ask", question, Number, lambda: self.world.answer(self.name, envelope.id, place)
            )
            found[place] = number.value

        async with anyio.create_task_group() as group:
            for place in range(draw(self.seed, message.value, "asks") % 3):
                group.start_soon(ask, place)
        value = draw(self.state, sorted(found.items()), message.value)
        if message.depth == 0:
            return [Draft(Leaf(value=value), self.trace)]
        children = 1 + draw(self.seed, message.value, "children") % 2
        return [
            Draft(Token(value=draw(value, child), depth=message.depth - 1), draw(value, child) % TRACES, message.depth)
            for child in range(children)
        ]


class Keeper(Actor):
    handles = frozenset({"leaf"})
    notes = frozenset({"token"})

    def __init__(self) -> None:
        super().__init__("keeper")
        self.folded: list[str] = []

    def apply(self, envelope: Envelope) -> None:
        self.folded.append(envelope.id)

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        return []


def cast(seed: int, world: World) -> list[Relay | Keeper]:
    """A new set of actors of the program."""
    return [*(Relay(seed, trace, world) for trace in range(TRACES)), Keeper()]


class AllDone:
    """True at the message after which every token has been answered. Must be fed the log from its start."""

    def __init__(self) -> None:
        self.pending: set[str] = set()

    def __call__(self, envelope: Envelope) -> bool:
        if envelope.kind in ACTIVITIES:
            return False
        if envelope.kind == "token":
            self.pending.add(envelope.id)
        if envelope.cause is not None:
            self.pending.discard(envelope.cause)
        return not self.pending


def roots(seed: int) -> list[Draft]:
    return [Draft(Token(value=draw(seed, place), depth=1 + seed % 3), place % TRACES, 0) for place in range(2)]
