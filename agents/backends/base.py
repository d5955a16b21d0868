"""A reasoning backend: whatever answers a typed request. It keeps no state between requests."""

from typing import Any, Protocol, runtime_checkable

from gome.agents.protocol.requests import Request
from gome.agents.protocol.types import Record
from gome.bus.actors.actor import ActivityResult

__all__ = ["Answer", "Backend", "Embedded", "Embedder", "Texts", "Usage"]


class Usage(Record):
    """Tokens of one answer as the endpoint counted them; None where it does not say (unknown, not zero)."""

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    reasoning: int | None = None
    usd: float | None = None


class Answer(ActivityResult):
    """A reply before it is typed, with how it came about.

    `reply` fits the request's `reply_type`; where no such reply came, it is empty and `failure` says why, so that what
    the asking cost is recorded all the same. `provider` is who serves the model, empty for reasoners of our own.
    `prompt` and `raw` are the prompt as rendered and the answer as received, empty for reasoners without words;
    `thoughts` is what a reasoning model thought aloud, kept apart from the reply; `cut` names what did not fit into the
    prompt. `meter` has `calls`, `seconds` and, where known, `tokens` (in and out) and `usd`; else `tokens_at_most` and
    `usd_at_most`, for budgets.
    """

    reply: dict[str, Any]
    model: str
    provider: str = ""
    failure: str = ""
    usage: Usage | None = None
    prompt: str = ""
    raw: str = ""
    thoughts: str = ""
    cut: tuple[str, ...] = ()
    retries: int = 0


class Backend(Protocol):
    """Answers any typed request."""

    @property
    def label(self) -> str:
        """How it is named everywhere a person reads it."""

    async def answer(self, request: Request[Any]) -> Answer:
        """An answer whose `reply` has been validated against `request.reply_type()`, or one with a `failure`.

        Raises Outage where the endpoint cannot be reached, and ReplyInvalid where nothing was paid for no reply.
        """

    async def aclose(self) -> None:
        """Let go of connections."""


class Texts(Record):
    """Texts to be embedded by that model. `price` is in US dollars a million tokens, where it is set."""

    model: str
    texts: tuple[str, ...]
    price: float | None = None


class Embedded(ActivityResult):
    """A vector for each text, all of one length; none where `failure` says why."""

    vectors: tuple[tuple[float, ...], ...] = ()
    failure: str = ""


@runtime_checkable
class Embedder(Protocol):
    """Embeds texts."""

    async def embed(self, request: Texts) -> Embedded:
        """A vector for each text. Raises Outage."""
