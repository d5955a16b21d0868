"""The `anthropic` backend: a model that is asked in Messages answers typed requests (procedure: `llm/asking.py`)."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from gome.agents.backends.anthropic.endpoint import CACHE, MessagesEndpoint
from gome.agents.backends.llm.asking import AskingBackend, BeforeCall
from gome.agents.backends.llm.connection import Manner, key_of
from gome.agents.backends.llm.faults import Patience
from gome.agents.backends.llm.prompting import Rendered
from gome.agents.backends.llm.provider import provider_of
from gome.agents.backends.llm.replies import json_schema
from gome.agents.backends.llm.wire import Completion
from gome.agents.protocol.requests import Request
from gome.agents.redaction import secrets_of
from gome.agents.state.call_budget import Spending
from gome.errors import UsageError
from gome.scenarios.config.prices import tariff_of
from gome.scenarios.config.scenario import AnthropicBackend as Settings

__all__ = ["AnthropicBackend", "open_messages"]


class AnthropicBackend(AskingBackend):
    """Answers typed requests with a model behind a Messages endpoint.

    `endpoint` is shared by backends of one server (see `factory.make_backends`); None opens a new one. `first_wait` is
    the seconds before the first retry. Raises UsageError where the package or the variable of the key is missing.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        endpoint: MessagesEndpoint | None = None,
        environment: Mapping[str, str] = os.environ,
        first_wait: float = 1.0,
        spending: Spending | None = None,
    ) -> None:
        super().__init__(settings, name, settings.model, tariff_of(settings), environment, spending or Spending())
        self._settings = settings
        self._endpoint = endpoint or open_messages(settings, name, environment)
        patience = Patience(settings.timeout, settings.retries, first_wait)
        self._manner = Manner(patience, 60.0 / settings.rate if settings.rate else 0.0)

    @property
    def label(self) -> str:
        """Display name."""
        return f"{self._name} ({self._settings.model} at {self._endpoint.server.shown_url})"

    @property
    def provider(self) -> str:
        """The provider, from the server's URL."""
        return provider_of(self._endpoint.url)

    @property
    def longest_answer(self) -> int | None:
        """`max_tokens` of the settings; None if not set."""
        return self._settings.max_tokens

    @property
    def replies(self) -> str:
        """Form of typed replies in use: as set, until the server refuses the schema."""
        refused = "response_format.json_schema" in self._endpoint.refusals(self._settings.model)
        return "text" if refused else self._settings.structured

    async def complete(self, request: Request[Any], prompt: Rendered, room: int, before_call: BeforeCall) -> Completion:
        """Get one answer of the model. Its length is always limited, as the protocol demands it."""
        settings = self._settings
        schema = json_schema(request, settings.code) if settings.structured == "schema" else None
        parameters: dict[str, Any] = {
            "max_tokens": room,
            "temperature": settings.temperature,
            "reasoning_effort": settings.reasoning_effort,
            "thinking": settings.thinking,
            "response_format": None if schema is None else {"type": "json_schema", "json_schema": schema},
            CACHE: settings.cache or None,
        }
        sent = {name: value for name, value in parameters.items() if value is not None}
        return await self._endpoint.complete(settings.model, prompt, sent, self._manner, before_call)

    async def aclose(self) -> None:
        """Close connections."""
        await self._endpoint.aclose()


def open_messages(settings: Settings, name: str, environment: Mapping[str, str] = os.environ) -> MessagesEndpoint:
    """Create the endpoint that the settings name. Raises UsageError for a missing package or key, or an invalid URL."""
    if find_spec("anthropic") is None:
        raise UsageError(
            f"backend {name!r} ({settings.model}): kind anthropic needs the package anthropic: "
            "pip install 'gome[anthropic]'"
        )
    key = key_of(settings, name, environment)
    named = [settings.api_key_env] if settings.api_key_env else []
    secrets = secrets_of(environment, named)
    return MessagesEndpoint(settings.url, key, settings.api_key_env, settings.concurrency, secrets)
