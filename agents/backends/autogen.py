"""The `autogen` backend: a model client declared as an AutoGen component and called through an `AssistantAgent`.

Each request gets a new agent, so that no context is carried from one request to the next.

AutoGen returns a text, thoughts and two token counts. The finish reason, cached tokens and reasoning tokens are
unknown, so a truncated answer is noticed only because it does not parse.
"""

from __future__ import annotations

import difflib
import importlib
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anyio

from gome.agents.backends.base import Usage
from gome.agents.backends.llm.asking import AskingBackend, BeforeCall
from gome.agents.backends.llm.connection import check_key
from gome.agents.backends.llm.faults import Fault, Patience, Refusal, Server, persevere
from gome.agents.backends.llm.prompting import Rendered
from gome.agents.backends.llm.provider import provider_of
from gome.agents.backends.llm.refusals import SYSTEM, error_words, failed_generation, refused
from gome.agents.backends.llm.wire import Completion
from gome.agents.protocol.requests import Request
from gome.agents.redaction import redact
from gome.agents.state.call_budget import Spending
from gome.errors import UsageError
from gome.scenarios.config.prices import tariff_of
from gome.scenarios.config.providers import is_loopback
from gome.scenarios.config.scenario import AutoGenBackend as Settings

if TYPE_CHECKING:
    from autogen_core.models import ChatCompletionClient

__all__ = ["AutoGenBackend"]

_MODULES = {
    "OpenAIChatCompletionClient": ("autogen_ext.models.openai", "openai"),
    "AzureOpenAIChatCompletionClient": ("autogen_ext.models.openai", "openai"),
    "AnthropicChatCompletionClient": ("autogen_ext.models.anthropic", "anthropic"),
    "OllamaChatCompletionClient": ("autogen_ext.models.ollama", "ollama"),
}
"""Module of each allowed client, and the extra of autogen-ext that installs its dependencies."""


class AutoGenBackend(AskingBackend):
    """Answers typed requests with an AutoGen model client.

    Raises UsageError where packages or the key are missing, or the component's config has a key unknown to its client.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        environment: Mapping[str, str] = os.environ,
        first_wait: float = 1.0,
        spending: Spending | None = None,
    ) -> None:
        super().__init__(settings, name, settings.model, tariff_of(settings), environment, spending or Spending())
        self._component = settings.component
        self._url = settings.url
        shown = redact(self._url or settings.component.provider, self._secrets)
        self._server = Server(shown, settings.api_key_env, is_loopback(self._url), self._secrets)
        self._patience = Patience(settings.timeout, settings.retries, first_wait)
        self._slots = anyio.Semaphore(settings.concurrency)
        self._down = False
        self._has_system = True
        self._client = self._load(environment)

    @property
    def label(self) -> str:
        """Display name."""
        return f"{self._name} ({self._model} at {self._server.shown_url}, by AutoGen)"

    @property
    def provider(self) -> str:
        """The provider, from the server's URL."""
        return provider_of(self._url)

    @property
    def longest_answer(self) -> int | None:
        """The component's `max_tokens`; None if not set."""
        given = self._component.config.get("max_tokens")
        return given if isinstance(given, int) and given > 0 else None

    async def complete(self, request: Request[Any], prompt: Rendered, room: int, before_call: BeforeCall) -> Completion:
        """Get one answer of the model."""

        async def once() -> Completion:
            while True:
                async with self._slots:
                    before_call()
                    answer = await self._call(prompt, system=self._has_system)
                if answer is not None:
                    return answer
                self._has_system = False

        try:
            completion = await persevere(once, self._patience, down=self._down)
        except Fault as fault:
            self._down = True
            raise self._server.outage(fault, self._model) from None
        self._down = False
        return completion

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._client.close()

    async def _call(self, prompt: Rendered, *, system: bool) -> Completion | None:
        """Make one call; None if the model has no system role. `system`: the system text is sent as such."""
        from autogen_agentchat.agents import AssistantAgent

        agent = AssistantAgent("reasoner", self._client, system_message=prompt.system if system else None)
        try:
            with anyio.fail_after(self._patience.timeout):
                result = await agent.run(task=prompt.user if system else prompt.alone[0])
        except TimeoutError:
            raise Fault(f"no answer within {self._patience.timeout:g} s") from None
        except Exception as error:  # noqa: BLE001 - each client raises its own; `_judge` sorts them, none is swallowed
            failure = error
        else:
            return self._completion(result.messages)
        # Outside the `except`, so that the error's text, which may hold secrets, is not chained to ours.
        return self._judge(failure, system=system)

    def _completion(self, messages: Sequence[Any]) -> Completion:
        """Convert the messages of the agent's run. AutoGen reports a missing token count as 0."""
        last = messages[-1]
        text = last.content if isinstance(last.content, str) else ""
        thoughts = "\n\n".join(each.content for each in messages if each.type == "ThoughtEvent")
        counted = last.models_usage
        known = counted is not None and counted.prompt_tokens > 0
        usage = Usage(input=counted.prompt_tokens, output=counted.completion_tokens) if known else Usage()
        return Completion(text, None, self._model, usage, thoughts)

    def _judge(self, error: Exception, *, system: bool) -> Completion | None:
        """What a client's exception means: a text that the server could not read, None for a refused system role, or
        an error of ours. One without a status means a broken connection or an invalid body.
        """
        status, body = getattr(error, "status_code", None), getattr(error, "body", None)
        words = error_words(body) or str(getattr(error, "message", None) or error)
        if not isinstance(status, int):
            kind = type(error).__name__
            raise Fault(f"the call failed ({kind}: {self._server.words(words)})", answered="Connect" not in kind)
        code = getattr(error, "code", None) or getattr(error, "type", None)
        written = failed_generation(code, body)
        if written is not None:
            return Completion(written, None if written.strip() else f"the endpoint says: {words}", self._model, Usage())
        if refused(status, {}, None, words, system=system) == SYSTEM:
            return None
        headers = getattr(getattr(error, "response", None), "headers", {})
        raise self._server.judge(Refusal(status, code, words, headers), self._model)

    def _load(self, environment: Mapping[str, str]) -> ChatCompletionClient:
        """Make the client. Its own retries are switched off, because ours are metered."""
        # The client warns where the server reports another model name than the scenario, as most servers do.
        warnings.filterwarnings("ignore", message="Resolved model mismatch")
        provider = self._component.provider
        module, extra = _MODULES[provider]
        where = f"backend {self._name!r}"
        try:
            client_type = getattr(importlib.import_module(module), provider)
        except ImportError as error:
            raise UsageError(
                f"{where}: {provider} needs packages that are not installed ({error.name}): "
                f"pip install 'autogen-agentchat' 'autogen-ext[{extra}]'"
            ) from error
        known = client_type.component_config_schema.model_fields
        config = self._component.config
        for key in config:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
                raise UsageError(f"{where}: {provider} has no setting {key!r}; {hint}")
        own: dict[str, Any] = {"max_retries": 0} if "max_retries" in known else {}
        if "api_key" in known:
            own["api_key"] = self._key(environment)
        try:
            client: ChatCompletionClient = client_type._from_config(
                client_type.component_config_schema.model_validate(config | own)
            )
        except (ValueError, TypeError, KeyError) as error:
            raise UsageError(f"{where}: {provider} cannot be created: {redact(str(error), self._secrets)}") from None
        return client

    def _key(self, environment: Mapping[str, str]) -> str:
        """The key; a placeholder for a local server without one, so that the client finds and sends no other key."""
        name = self._server.key_name
        key = environment.get(name, "").strip() if name else ""
        check_key(key, str(name), self._name)
        if not key and (name or not self._server.is_local):
            asked = (
                f"the environment variable {name} is not set"
                if name
                else "name the environment variable that holds the key as `api_key_env`"
            )
            raise UsageError(f"backend {self._name!r} ({self._model}): {asked}")
        return key or "none"
