"""The `openai` backend: any OpenAI-compatible endpoint answers typed requests (`asking.py` says how one is put)."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gome.agents.backends.base import Embedded, Texts
from gome.agents.backends.llm.asking import USUAL_WINDOW, AskingBackend, BeforeCall
from gome.agents.backends.llm.faults import Patience, PromptRefusedError
from gome.agents.backends.llm.prompting import Rendered, estimate_tokens
from gome.agents.backends.llm.provider import provider_of
from gome.agents.backends.llm.replies import json_schema
from gome.agents.backends.llm.wire import Completion
from gome.agents.backends.openai.endpoint import Endpoint, Manner
from gome.agents.protocol.requests import Request
from gome.agents.redaction import secrets_of
from gome.agents.state.spending import REFUSED, BudgetSpentError, Spending, amount
from gome.errors import UsageError
from gome.scenarios.config.prices import OPENAI_URL, is_loopback, tariff_of, tariff_of_texts
from gome.scenarios.config.scenario import OpenAIBackend as Settings

__all__ = ["OpenAIBackend", "open_endpoint"]


class OpenAIBackend(AskingBackend):
    """Answers typed requests with a model behind an OpenAI-compatible endpoint.

    `endpoint` is shared by backends of one server (see `factory.make_backends`); None opens one of its own.
    Raises UsageError where the key's variable is not set.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        endpoint: Endpoint | None = None,
        environment: Mapping[str, str] = os.environ,
        first_wait: float = 1.0,
        spending: Spending | None = None,
    ) -> None:
        super().__init__(settings, name, settings.model, tariff_of(settings), environment, spending or Spending())
        self._settings = settings
        self._endpoint = endpoint or open_endpoint(settings, name, environment)
        patience = Patience(settings.timeout, settings.retries, first_wait)
        self._manner = Manner(patience, settings.stream, 60.0 / settings.rate if settings.rate else 0.0)

    @property
    def label(self) -> str:
        """How it is named everywhere a person reads it."""
        return f"{self._name} ({self._settings.model} at {self._endpoint.server.shown_url})"

    @property
    def provider(self) -> str:
        """By the server's URL."""
        return provider_of(self._endpoint.url)

    @property
    def longest_answer(self) -> int | None:
        """As the settings say."""
        return self._settings.max_tokens

    @property
    def replies(self) -> str:
        """How the model takes typed replies, after what its server has refused so far: schema, json or text."""
        forms = {"schema": "response_format.json_schema", "json": "response_format.json_object"}
        refused = self._endpoint.refusals(self._settings.model)
        wanted = ("schema", "json") if self._settings.structured == "schema" else (self._settings.structured,)
        return next((each for each in wanted if each in forms and forms[each] not in refused), "text")

    @property
    def holds_schema(self) -> bool:
        """As set, until the server refuses it."""
        return self.replies == "schema"

    async def window(self) -> int:
        """The model's window in tokens: as set, else as its server says, else as is usual."""
        if self._settings.context is None and self._settings.base_url is not None:
            said = await self._endpoint.window(self._settings.model, self._settings.timeout)
            return USUAL_WINDOW if said is None else said
        return await super().window()

    async def complete(self, request: Request[Any], prompt: Rendered, room: int, before_call: BeforeCall) -> Completion:
        """One answer of the model."""
        settings = self._settings
        # A budget in tokens or money bounds every answer, so that what is held back for it is enough.
        bound = room if self._spending.bounds_tokens else settings.max_tokens
        parameters: dict[str, Any] = {
            "temperature": settings.temperature,
            "max_tokens": bound,
            "reasoning_effort": settings.reasoning_effort,
            "seed": request.seed & 0x7FFF_FFFF if settings.seed else None,
            "response_format": self._response_format(request),
            "stream": True if settings.stream else None,
            "stream_options": {"include_usage": True} if settings.stream else None,
        }
        sent = {name: value for name, value in parameters.items() if value is not None}
        return await self._endpoint.complete(settings.model, prompt, sent, self._manner, before_call)

    async def embed(self, request: Texts) -> Embedded:
        """A vector for each text, metered as answers are. Raises Outage."""
        most = sum(estimate_tokens(text) for text in request.texts)
        tariff = tariff_of_texts(request.model, self._endpoint.url, request.price)
        try:
            with self._spending.hold(float(most), tariff.usd(most, 0, 0)) as hold:
                vectors, tokens = await self._endpoint.embed(request.model, request.texts, self._manner, hold.call)
                usd = tariff.usd(tokens, 0, 0)
                meter = {"calls": float(hold.calls)}
                meter |= {"tokens_at_most": float(most)} if tokens is None else {"tokens": float(tokens)}
                meter |= {} if usd is None else {"usd": usd}
                self._spending.spend("tokens", amount(meter, "tokens"))
                self._spending.spend("usd", amount(meter, "usd"))
        except BudgetSpentError as error:
            return Embedded(failure=str(error), meter={REFUSED + error.unit: 1.0})
        except PromptRefusedError as refusal:
            return Embedded(failure=f"{self.label}: {refusal}")
        return Embedded(vectors=vectors, meter=meter)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._endpoint.aclose()

    def _response_format(self, request: Request[Any]) -> dict[str, Any] | None:
        schema = json_schema(request, self._settings.code)
        match self._settings.structured:
            case "schema" if schema is not None:
                return {"type": "json_schema", "json_schema": schema}
            case "json" if schema is not None:
                return {"type": "json_object"}
            case _:
                return None


def open_endpoint(settings: Settings, name: str, environment: Mapping[str, str] = os.environ) -> Endpoint:
    """The endpoint that those settings name. Raises UsageError for a wrong URL or a key that is not there."""
    url = settings.base_url or OPENAI_URL
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"backend {name!r}: `base_url` is a whole URL such as http://127.0.0.1:8000/v1, not {url!r}")
    key_name = settings.api_key_env or (None if settings.base_url else "OPENAI_API_KEY")
    key = environment.get(key_name, "").strip() if key_name else ""
    if key_name and not key:
        raise UsageError(
            f"backend {name!r} ({settings.model}): the environment variable {key_name} is not set; "
            f"export {key_name}=… with the key of {url}, or give the role another backend"
        )
    if not key and not is_loopback(url):
        raise UsageError(
            f"backend {name!r} ({settings.model}): {url} needs a key; name the environment variable "
            "that holds it with `api_key_env` (only servers on this machine go without)"
        )
    secrets = secrets_of(environment, [key_name] if key_name else [])
    return Endpoint(url, key or None, key_name, settings.concurrency, secrets)
