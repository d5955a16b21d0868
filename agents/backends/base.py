"""The interface of backends, which answer typed requests and embed texts. They keep no context between requests."""

from typing import Any, Protocol, runtime_checkable

from pydantic import Field

from gome.agents.protocol.requests import Request
from gome.agents.protocol.types import Record
from gome.bus.actors.actor import ActivityResult

__all__ = ["Answer", "Backend", "Embedded", "Embedder", "Passed", "Texts", "Usage"]


class Usage(Record):
    """Tokens of one answer as counted by the endpoint, and their cost in USD; None is unknown, not zero.

    `cached` and `written` are the input tokens read from and written to the endpoint's cache. `saved` is by how many
    USD the same tokens would have cost more without a cache.
    """

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    reasoning: int | None = None
    usd: float | None = None
    written: int | None = None
    saved: float | None = None


class Passed(Record):
    """A backend that was asked in vain before the one that answered: its name, why, and what that cost."""

    backend: str
    why: str
    model: str = ""
    meter: dict[str, float] = Field(default_factory=dict)


class Answer(ActivityResult):
    """The untyped reply to a request, with prompt, raw answer and usage.

    `reply` is valid for the request's `reply_type`. If there is no valid reply, `reply` is empty and `failure` is the
    reason, so that the cost is recorded nevertheless. `provider` is who serves the model. `prompt` is the prompt as
    rendered and `raw` the answer as received. `provider`, `prompt` and `raw` are empty where no language model was
    called. `backend` is the name of the one that answered and `passed` are those before it, where a role has several;
    the meter counts all of them. `thoughts` is the reasoning text of a model; `cut` names what did not fit into the
    prompt. `meter` has `calls`, `seconds` and, where known, `tokens` (in and out) and `usd`; else the upper bounds
    `tokens_at_most` and `usd_at_most`, which count against budgets.
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
    backend: str = ""
    passed: tuple[Passed, ...] = ()


class Backend(Protocol):
    """Answers any typed request."""

    @property
    def label(self) -> str:
        """Display name."""

    async def answer(self, request: Request[Any]) -> Answer:
        """Answer a request: `reply` is validated against `request.reply_type()`, or `failure` is set.

        Safe for concurrent calls. Raises Outage where the endpoint cannot be used, and ReplyInvalid where there is no
        reply and no cost to record.
        """

    async def aclose(self) -> None:
        """Close connections."""


class Texts(Record):
    """Request to embed `texts` with `model`. `price` is in US dollars per million tokens, None if not set."""

    model: str
    texts: tuple[str, ...]
    price: float | None = None


class Embedded(ActivityResult):
    """One vector per text, all of the same length; no vectors if `failure` is set."""

    vectors: tuple[tuple[float, ...], ...] = ()
    failure: str = ""


@runtime_checkable
class Embedder(Protocol):
    """Embeds texts."""

    async def embed(self, request: Texts) -> Embedded:
        """Embed the texts. Raises Outage where the endpoint cannot be used."""
