"""The `anthropic` backend: a model that is asked in Messages answers typed requests (procedure: `llm/asking.py`)."""

from collections.abc import Mapping
from typing import Any

from gome.agents.backends.anthropic.endpoint import CACHE, MessagesEndpoint
from gome.agents.backends.llm.asking import BeforeCall
from gome.agents.backends.llm.prompting import Rendered
from gome.agents.backends.llm.refusals import SCHEMA
from gome.agents.backends.llm.replies import json_schema
from gome.agents.backends.llm.served import ServedBackend
from gome.agents.backends.llm.wire import Completion
from gome.agents.protocol.requests import Request
from gome.scenarios.config.scenario import AnthropicBackend as Settings

__all__ = ["AnthropicBackend"]


class AnthropicBackend(ServedBackend[Settings, MessagesEndpoint]):
    """Answers typed requests with a model behind a Messages endpoint."""

    def _open(self, environment: Mapping[str, str]) -> MessagesEndpoint:
        return MessagesEndpoint.open(self._settings, self._name, environment)

    @property
    def replies(self) -> str:
        """Form of typed replies in use: as set, until the server refuses the schema."""
        refused = SCHEMA in self._endpoint.refusals(self._settings.model)
        return "text" if refused else self._settings.structured

    @property
    def caches_schema(self) -> bool:
        """Whether the prompt is cached at all."""
        return self._settings.cache

    async def complete(self, request: Request[Any], prompt: Rendered, room: int, before_call: BeforeCall) -> Completion:
        """Get one answer of the model. Its length is always limited, as the protocol demands it."""
        settings = self._settings
        wanted, cached = settings.structured == "schema", self.caches_schema
        schema = json_schema(request, settings.code, constant=cached) if wanted else None
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
