"""One OpenAI-compatible server: chat completions or Responses, embeddings, and the windows of its models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from gome.agents.backends.llm.connection import CONNECTING, Connection, Manner
from gome.agents.backends.llm.faults import Fault
from gome.agents.backends.llm.prompting import Rendered
from gome.agents.backends.llm.refusals import SYSTEM
from gome.agents.backends.llm.wire import Completion, Vectors, lines_of, read_body, read_vectors
from gome.agents.backends.openai.context_window import ask_window, fetcher
from gome.agents.backends.openai.responses import StreamedResponse, body_of, read_response
from gome.agents.backends.openai.stream import Streamed
from gome.scenarios.config.providers import OPENAI_URL, is_loopback

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Endpoint"]


class Endpoint(Connection["AsyncOpenAI"]):
    """A server that speaks OpenAI's protocol, with one key."""

    def __init__(
        self, url: str, key: str | None, key_name: str | None, concurrency: int, secrets: frozenset[str]
    ) -> None:
        super().__init__(url, key, key_name, concurrency, secrets)
        self._measuring = anyio.Lock()
        self._windows: dict[str, int | None] = {}

    async def embed(
        self, model: str, texts: Sequence[str], manner: Manner, before_call: Callable[[], None]
    ) -> tuple[Vectors, int | None]:
        """A vector for each text, and the tokens counted by the server, None if unknown. Raises as `complete`."""
        client = await self._connect()
        timeout = manner.patience.timeout

        async def call(_: anyio.CancelScope) -> tuple[Vectors, int | None]:
            raw = client.embeddings.with_raw_response
            answer = await raw.create(model=model, input=list(texts), encoding_format="float", timeout=timeout)
            return read_vectors(answer.http_response.json(), len(texts))

        async def once() -> tuple[Vectors, int | None]:
            async with self._slots:
                await self._pace(manner.interval)
                before_call()
                answer = await self._guarded(call, model, {}, timeout)
            if not isinstance(answer, tuple):
                raise Fault(f"the server refuses what was not sent: {answer}")
            return answer

        return await self._persevere(once, model, manner.patience)

    async def window(self, model: str, timeout: float) -> int | None:
        """Context window of the model in tokens, requested from the server once; None where it does not report it."""
        async with self._measuring:
            if model not in self._windows:
                client = await self._connect()
                import httpx2  # not at the top: `_connect` has imported both in a thread, off the event loop
                import openai

                try:
                    self._windows[model] = await ask_window(fetcher(client, timeout), model, urlsplit(self.url).path)
                except (openai.APIConnectionError, httpx2.RequestError, TimeoutError):
                    return None  # not cached: the request that follows reports the outage, and the next one asks again
        return self._windows[model]

    def _library(self) -> ModuleType:
        import openai

        return openai

    def _make_client(self) -> AsyncOpenAI:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        from gome.agents.backends.bounded_http import client_settings

        key = self._key or "none"
        client = AsyncOpenAI(
            api_key=key,
            base_url=self.url,
            max_retries=0,
            # Set explicitly, so that a header from the environment that is meant for OpenAI is sent to no other server.
            default_headers={"Authorization": f"Bearer {key}"},
            http_client=DefaultAsyncHttpxClient(**client_settings(not is_loopback(self.url))),
        )
        if urlsplit(self.url).hostname != urlsplit(OPENAI_URL).hostname:
            client.organization = client.project = None
        return client

    async def _call(
        self,
        client: AsyncOpenAI,
        model: str,
        prompt: Rendered,
        parameters: dict[str, Any],
        manner: Manner,
        scope: anyio.CancelScope,
    ) -> Completion:
        import httpx2  # not at the top: `_connect` has imported it in a thread

        system, timeout = SYSTEM not in self.refusals(model), manner.patience.timeout
        waits = httpx2.Timeout(timeout, connect=min(timeout, CONNECTING))
        # The parameters go as they are: the library's own types may be older, or newer, than the server.
        if manner.responses:
            body = body_of(model, prompt, parameters, system=system)
            asked = {"model": body.pop("model"), "input": body.pop("input"), "extra_body": body, "timeout": waits}
            calling = client.responses.with_streaming_response.create(**asked)
        else:
            turns = {"system": prompt.system, "user": prompt.user} if system else {"user": prompt.alone[0]}
            messages = [{"role": role, "content": content} for role, content in turns.items()]
            asked = {"model": model, "messages": messages, "extra_body": parameters, "timeout": waits}
            calling = client.chat.completions.with_streaming_response.create(**asked)
        # Only growth of the answer restarts the time-out; keep-alive lines do not.
        streamed = StreamedResponse() if manner.responses else Streamed()
        async with calling as response:
            async for line in lines_of(response.iter_bytes()):
                if streamed.feed(line):
                    scope.deadline = anyio.current_time() + timeout
                if streamed.ended:
                    break
        return read_response(streamed.body(), model) if manner.responses else read_body(streamed.body(), model)
