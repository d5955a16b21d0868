"""Create the backends of a scenario. The dependencies of a backend are imported only when one is created."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gome import plugins
from gome.agents.backends.base import Answer, Backend, Embedder
from gome.agents.protocol.requests import Request
from gome.agents.state.call_budget import REFUSED, BudgetSpentError, Spending
from gome.errors import UsageError
from gome.scenarios.config.scenario import AnthropicBackend as AnthropicSettings
from gome.scenarios.config.scenario import AutoGenBackend as AutoGenSettings
from gome.scenarios.config.scenario import Backend as Settings
from gome.scenarios.config.scenario import ExpertBackend as ExpertSettings
from gome.scenarios.config.scenario import MemoryKeeperSettings, ServedModel
from gome.scenarios.config.scenario import OpenAIBackend as OpenAISettings
from gome.scenarios.config.scenario import PluginBackend as PluginSettings
from gome.scenarios.config.scenario import ReplayBackend as ReplaySettings

__all__ = ["make_backend", "make_backends", "make_embedder"]


def make_backend(name: str, settings: Settings) -> Backend:
    """Create one backend. Raises UsageError where it cannot work, for example because its key is missing."""
    return make_backends({name: settings})[name]


def make_backends(settings: Mapping[str, Settings], spending: Spending | None = None) -> dict[str, Backend]:
    """Create all backends, by name. Those with the same server and key share connections and the concurrency limit.

    `spending` limits what all of them together may spend; None: no limit. Raises as `make_backend`.
    """
    shared = spending or Spending()
    made = _make_served({name: each for name, each in settings.items() if isinstance(each, ServedModel)}, shared)
    for name, each in settings.items():
        match each:
            case ExpertSettings():
                made[name] = _make_expert(each, shared)
            case AutoGenSettings():
                made[name] = _make_autogen(each, name, shared)
            case ReplaySettings():
                made[name] = _make_replay(each, name)
            case PluginSettings():
                made[name] = plugins.load("gome.backends", each.kind)(each, name)
            case _:
                pass
    return made


def make_embedder(settings: MemoryKeeperSettings, backends: Mapping[str, Backend], beside: Path) -> Embedder | None:
    """Create the Memory-Keeper's embedder; None if it hashes words. `beside` is the scenario's folder.

    Raises UsageError where the backend cannot embed, or packages or the model are missing.
    """
    if settings.embedding == "local" and settings.model is not None:
        from gome.agents.backends.local_embeddings import SentenceEmbedder

        return SentenceEmbedder(settings.model, beside)
    if settings.embedding == "hashing" or settings.backend is None:
        return None
    backend = backends[settings.backend]
    if not isinstance(backend, Embedder):
        raise UsageError(f"roles.memory_keeper.backend: {backend.label} cannot embed; name a backend of kind openai")
    return backend


class _Counted:
    """Wraps a free backend so that its answers count as calls against the budget."""

    def __init__(self, backend: Backend, spending: Spending) -> None:
        self._backend = backend
        self._spending = spending

    @property
    def label(self) -> str:
        return self._backend.label

    async def answer(self, request: Request[Any]) -> Answer:
        try:
            with self._spending.hold() as hold:
                hold.call()
                return await self._backend.answer(request)
        except BudgetSpentError as error:
            return Answer(reply={}, failure=str(error), model=self.label, meter={REFUSED + error.unit: 1.0})

    async def aclose(self) -> None:
        await self._backend.aclose()


def _make_expert(settings: ExpertSettings, spending: Spending) -> Backend:
    from gome.agents.backends.expert import ExpertBackend
    from gome.agents.backends.expert.judgement import Knowledge

    expert = ExpertBackend(settings.skill, Knowledge(settings.knowledge, settings.knowledge_seed))
    return expert if spending.budget.calls is None else _Counted(expert, spending)


def _make_autogen(settings: AutoGenSettings, name: str, spending: Spending) -> Backend:
    from gome.agents.backends.autogen import AutoGenBackend

    return AutoGenBackend(settings, name, spending=spending)


def _make_replay(settings: ReplaySettings, name: str) -> Backend:
    from gome.agents.backends.recorded import RecordedBackend

    return RecordedBackend(settings, name)


def _make_served(settings: Mapping[str, ServedModel], spending: Spending) -> dict[str, Backend]:
    endpoints: dict[tuple[str, str, str | None], Any] = {}
    made: dict[str, Backend] = {}
    # Sorted, so that the backend with the lowest concurrency opens the endpoint: its limit holds for all that share it.
    for name, each in sorted(settings.items(), key=lambda item: item[1].concurrency):
        server = (type(each).__name__, each.url, each.api_key_env)
        if isinstance(each, AnthropicSettings):
            from gome.agents.backends.anthropic.backend import AnthropicBackend
            from gome.agents.backends.anthropic.endpoint import MessagesEndpoint

            endpoints[server] = endpoints.get(server) or MessagesEndpoint.open(each, name)
            made[name] = AnthropicBackend(each, name, endpoints[server], spending=spending)
        elif isinstance(each, OpenAISettings):
            from gome.agents.backends.openai.backend import OpenAIBackend
            from gome.agents.backends.openai.endpoint import Endpoint

            endpoints[server] = endpoints.get(server) or Endpoint.open(each, name)
            made[name] = OpenAIBackend(each, name, endpoints[server], spending=spending)
    return made
