"""A backend: passes requests on to the rule-based expert and counts them. `backends: {mine: {kind: forwarding}}`."""

from typing import Any

from gome.agents.backends.base import Answer, Backend
from gome.agents.backends.expert import ExpertBackend
from gome.agents.protocol.requests import Request
from gome.scenarios.config.backends import PluginBackend


class Forwarding:
    """Answers as the expert does; `asked` counts the requests by kind."""

    def __init__(self, name: str, inner: Backend) -> None:
        self.asked: dict[str, int] = {}
        self._name = name
        self._inner = inner

    @property
    def label(self) -> str:
        """How screens and logs name it."""
        return f"{self._name} (forwards to {self._inner.label})"

    async def answer(self, request: Request[Any]) -> Answer:
        """The expert's answer."""
        kind = type(request).__name__
        self.asked[kind] = self.asked.get(kind, 0) + 1
        return await self._inner.answer(request)

    async def aclose(self) -> None:
        """Close the inner backend."""
        await self._inner.aclose()


def forwarding(settings: PluginBackend, name: str) -> Backend:
    """The entry point: from a scenario's settings to the backend."""
    return Forwarding(name, ExpertBackend(float(settings.settings.get("skill", 1.0))))
