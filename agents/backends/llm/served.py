"""What all backends share that call a server themselves: settings, connection, and the manner of their calls."""

import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from gome.agents.backends.llm.asking import AskingBackend
from gome.agents.backends.llm.connection import Connection, Manner
from gome.agents.backends.llm.faults import Patience
from gome.agents.backends.llm.provider import provider_of
from gome.agents.state.call_budget import Spending
from gome.scenarios.config.prices import tariff_of
from gome.scenarios.config.scenario import AnthropicBackend, OpenAIBackend

__all__ = ["ServedBackend"]

S = TypeVar("S", OpenAIBackend, AnthropicBackend)
E = TypeVar("E", bound=Connection[Any])


class ServedBackend(AskingBackend, Generic[S, E]):
    """Answers typed requests with a model behind a connection. A subclass makes the call and opens the connection.

    `endpoint` is shared by backends of one server (see `factory.make_backends`); None opens a new one. `first_wait` is
    the seconds before the first retry. Raises UsageError where the package or the variable of the key is missing.
    """

    def __init__(
        self,
        settings: S,
        name: str,
        endpoint: E | None = None,
        environment: Mapping[str, str] = os.environ,
        first_wait: float = 1.0,
        spending: Spending | None = None,
    ) -> None:
        super().__init__(settings, name, settings.model, tariff_of(settings), environment, spending or Spending())
        self._settings: S = settings
        self._endpoint: E = endpoint or self._open(environment)
        patience = Patience(settings.timeout, settings.retries, first_wait)
        self._manner = Manner(patience, 60.0 / settings.rate if settings.rate else 0.0, self.speaks_responses)

    @abstractmethod
    def _open(self, environment: Mapping[str, str]) -> E:
        """Open a connection to the server of the settings."""

    @property
    def label(self) -> str:
        """Display name."""
        return f"{self._name} ({self._settings.model} at {self._endpoint.server.shown_url})"

    @property
    def provider(self) -> str:
        """The provider, from the server's URL."""
        return provider_of(self._endpoint.url)

    @property
    def speaks_responses(self) -> bool:
        """Whether the model is asked in OpenAI's Responses."""
        return False

    @property
    def longest_answer(self) -> int | None:
        """`max_tokens` of the settings; None if not set."""
        return self._settings.max_tokens

    async def aclose(self) -> None:
        """Close connections."""
        await self._endpoint.aclose()
