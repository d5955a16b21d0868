"""One server that speaks Messages: what is sent to it, and what is made of its answer."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

import anyio

from gome.agents.backends.anthropic.stream import StreamedMessage
from gome.agents.backends.llm.connection import CONNECTING, Connection, Manner
from gome.agents.backends.llm.prompting import Rendered
from gome.agents.backends.llm.refusals import SYSTEM
from gome.agents.backends.llm.wire import Completion, lines_of
from gome.errors import UsageError
from gome.scenarios.config.providers import is_loopback
from gome.scenarios.config.scenario import ServedModel

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

__all__ = ["CACHE", "MessagesEndpoint"]

CACHE = "cache"
"""Name of the parameter, of our own, by which a call asks for the shared part of its prompt to be cached."""


class MessagesEndpoint(Connection["AsyncAnthropic"]):
    """A server that speaks Messages, with one key."""

    @classmethod
    def open(cls, settings: ServedModel, name: str, environment: Mapping[str, str] = os.environ) -> Self:
        """Create the connection of the backend `name`. Raises UsageError also where the package is missing."""
        if find_spec("anthropic") is None:
            raise UsageError(
                f"backend {name!r} ({settings.model}): kind anthropic needs the package anthropic: "
                "pip install 'gome[anthropic]'"
            )
        return super().open(settings, name, environment)

    def _library(self) -> ModuleType:
        import anthropic

        return anthropic

    def _make_client(self) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

        from gome.agents.backends.bounded_http import client_settings

        # The library warns of models that will be switched off one day; the server says so when they are.
        warnings.filterwarnings("ignore", message="The model '.*' is deprecated", category=DeprecationWarning)
        return AsyncAnthropic(
            api_key=self._key or "none",  # given, so that no other credential is looked for in the environment
            base_url=self.url.rstrip("/").removesuffix("/v1"),  # the library adds it
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(**client_settings(not is_loopback(self.url))),
        )

    def _accepted(self, model: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """As for all; a schema that is refused leaves no other form, since the protocol has no JSON mode."""
        accepted = super()._accepted(model, parameters)
        return {name: each for name, each in accepted.items() if each != {"type": "json_object"}}

    async def _call(
        self,
        client: AsyncAnthropic,
        model: str,
        prompt: Rendered,
        parameters: dict[str, Any],
        manner: Manner,
        scope: anyio.CancelScope,
    ) -> Completion:
        import httpx2  # not at the top: `_connect` has imported it in a thread

        timeout = manner.patience.timeout
        waits = httpx2.Timeout(timeout, connect=min(timeout, CONNECTING))
        content = content_of(prompt, cached=bool(parameters.get(CACHE)), system=SYSTEM not in self.refusals(model))
        asked = {"model": model, **content, **body_of(parameters)}
        message = StreamedMessage(model)
        async with client.messages.with_streaming_response.create(stream=True, timeout=waits, **asked) as response:
            async for line in lines_of(response.iter_bytes()):
                if message.feed(line):
                    scope.deadline = anyio.current_time() + timeout
                if message.ended:
                    break
        return message.completion()


def content_of(prompt: Rendered, *, cached: bool, system: bool) -> dict[str, Any]:
    """The prompt as system and messages; `cached` marks the end of the part that all prompts of the run share.

    `system`: the system text is sent as such, else before the question.
    """
    first = {"system": [{"type": "text", "text": prompt.system}]} if system else {}
    text, common = (prompt.user, prompt.shared) if system else prompt.alone
    shared, rest = text[:common], text[common:]
    parts: list[dict[str, Any]] = [{"type": "text", "text": text} for text in (shared, rest) if text.strip()]
    if cached and shared:
        parts[0]["cache_control"] = {"type": "ephemeral"}
    return {**first, "messages": [{"role": "user", "content": parts}]}


def body_of(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters under the names of the protocol."""
    body: dict[str, Any] = {name: parameters[name] for name in ("max_tokens", "temperature") if name in parameters}
    thinking = parameters.get("thinking")
    if isinstance(thinking, int):
        body["thinking"] = {"type": "enabled", "budget_tokens": thinking}
    elif thinking is not None:
        body["thinking"] = {"type": thinking}
    form = parameters.get("response_format", {})
    output: dict[str, Any] = {}
    if "reasoning_effort" in parameters:
        output["effort"] = parameters["reasoning_effort"]
    if form.get("type") == "json_schema":
        output["format"] = {"type": "json_schema", "schema": form["json_schema"]["schema"]}
    if output:
        body["output_config"] = output
    # Sent as they are: the library's own types may be older than the server.
    return {"max_tokens": body.pop("max_tokens"), "extra_body": body}
