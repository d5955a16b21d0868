"""Small actors and messages for the tests of the bus; real implementations, no mocks."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from pydantic import BaseModel

from gome.bus.actors.actor import ActivityResult, Actor, Context
from gome.bus.events import LIFECYCLE
from gome.bus.message import Draft, Envelope, Message, Vocabulary


class Asked(Message):
    kind: Literal["asked"] = "asked"
    number: int
    text: str = ""


class Answered(Message):
    kind: Literal["answered"] = "answered"
    number: int


class Ended(Message):
    kind: Literal["ended"] = "ended"


class Loose(Message):
    """Has values that JSON cannot distinguish."""

    kind: Literal["loose"] = "loose"
    value: object


VOCABULARY = Vocabulary.of((*LIFECYCLE, Asked, Answered, Ended, Loose))


class Request(BaseModel):
    number: int
    text: str = ""


class Reply(ActivityResult):
    value: int


class Answerer(Actor):
    """Answers each request with the sum of all requests so far, by a side effect."""

    handles = frozenset({"asked"})

    def __init__(
        self, name: str, trace: int | None = None, call: Callable[[int], Awaitable[int]] | None = None
    ) -> None:
        super().__init__(name, trace)
        self.folded: list[str] = []
        self.sum = 0
        self.call = call

    def apply(self, envelope: Envelope) -> None:
        self.folded.append(envelope.id)
        if isinstance(envelope.message, Asked):
            self.sum += envelope.message.number

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        assert isinstance(envelope.message, Asked)
        value = self.sum
        if self.call is not None:
            call, number = self.call, envelope.message.number

            async def ask() -> Reply:
                return Reply(value=await call(number), meter={"calls": 1})

            value += (await context.perform("ask", Request(number=number), Reply, ask, label="world")).value
        return [Draft(Answered(number=value), envelope.trace, envelope.step)]


def ask(number: int, trace: int | None = None, step: int | None = None, text: str = "") -> Draft:
    return Draft(Asked(number=number, text=text), trace, step)
