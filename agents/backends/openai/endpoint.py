"""One OpenAI-compatible server: its connections, its concurrency limit, and the parameters its models refuse.

If a 400 names a parameter that we sent, the parameter is left out from then on. `llm/faults.py` handles other errors. A
server that is known to be down is called without retries until it answers again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from gome.agents.backends.llm.faults import Fault, Patience, Refusal, Server, persevere
from gome.agents.backends.llm.prompting import Rendered
from gome.agents.backends.llm.wire import BodyError, Completion, Vectors, read_body, read_vectors, refused
from gome.agents.backends.openai.context_window import ask_window, fetcher
from gome.agents.backends.openai.stream import Streamed
from gome.agents.redaction import redact
from gome.scenarios.config.providers import OPENAI_URL, is_loopback

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

__all__ = ["Endpoint", "Manner"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manner:
    """How calls are made: retries and timeout, streamed or not, and the minimum seconds between starts of calls."""

    patience: Patience
    stream: bool = False
    interval: float = 0.0


class Endpoint:
    """A server with one key. Backends with the same server and key share one endpoint and its concurrency limit.

    `key` is None for a server that needs none; `key_name` is the environment variable of the key, for error messages.
    """

    def __init__(
        self, url: str, key: str | None, key_name: str | None, concurrency: int, secrets: frozenset[str]
    ) -> None:
        self.url = url
        self.server = Server(redact(url, secrets), key_name, is_loopback(url), secrets)
        self._key = key
        self._slots = anyio.Semaphore(concurrency)
        self._connecting = anyio.Lock()
        self._measuring = anyio.Lock()
        self._client: AsyncOpenAI | None = None
        self._refused: dict[str, set[str]] = {}
        self._windows: dict[str, int | None] = {}
        self._down = False
        self._next_start = 0.0

    async def complete(
        self,
        model: str,
        prompt: Rendered,
        parameters: Mapping[str, Any],
        manner: Manner,
        before_call: Callable[[], None],
    ) -> Completion:
        """Get one answer of the model; `before_call` is called before each try.

        Raises PromptRefusedError, Outage, and whatever `before_call` raises.
        """
        client = await self._connect()

        async def once() -> Completion:
            while True:
                sent = self._accepted(model, dict(parameters))
                async with self._slots:
                    await self._pace(manner.interval)
                    before_call()
                    answer = await self._call(client, model, prompt, sent, manner)
                if isinstance(answer, Completion):
                    return answer
                self._refused.setdefault(model, set()).add(_form(answer, sent))

        return await self._persevere(once, model, manner.patience)

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
            if isinstance(answer, str):
                raise Fault(f"the server refuses the parameter {answer}, which was not sent")
            return answer

        return await self._persevere(once, model, manner.patience)

    async def _persevere(self, once: Callable[[], Awaitable[T]], model: str, patience: Patience) -> T:
        """Call with retries, and remember whether the server is down."""
        try:
            result = await persevere(once, patience, down=self._down)
        except Fault as fault:
            self._down = True
            raise self.server.outage(fault, model) from None
        self._down = False
        return result

    async def window(self, model: str, timeout: float) -> int | None:
        """Context window of the model in tokens, requested from the server once; None where it does not report it."""
        async with self._measuring:
            if model not in self._windows:
                client = await self._connect()
                import httpx2  # not at the top: `_connect` has imported both in a thread, off the event loop
                import openai

                try:
                    self._windows[model] = await ask_window(fetcher(client, timeout), model, urlsplit(self.url).path)
                except (openai.APIConnectionError, httpx2.TransportError, TimeoutError):
                    return None  # not cached: the request that follows reports the outage, and the next one asks again
        return self._windows[model]

    def refusals(self, model: str) -> frozenset[str]:
        """Parameters, or forms of them such as `response_format.json_schema`, that the server refuses for the model."""
        return frozenset(self._refused.get(model, ()))

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _pace(self, interval: float) -> None:
        """Wait until `interval` seconds after the start of the previous call."""
        now = anyio.current_time()
        start = max(now, self._next_start)
        self._next_start = start + interval
        await anyio.sleep(start - now)

    async def _connect(self) -> AsyncOpenAI:
        """The client, created once and in a thread, because importing it and reading certificates take a while."""
        async with self._connecting:
            if self._client is None:
                self._client = await anyio.to_thread.run_sync(self._make_client)
        return self._client

    def _make_client(self) -> AsyncOpenAI:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        key = self._key or "none"
        client = AsyncOpenAI(
            api_key=key,
            base_url=self.url,
            max_retries=0,
            # Set explicitly, so that a header from the environment that is meant for OpenAI is sent to no other server.
            default_headers={"Authorization": f"Bearer {key}"},
            http_client=DefaultAsyncHttpxClient(trust_env=not is_loopback(self.url)),
        )
        if urlsplit(self.url).hostname != urlsplit(OPENAI_URL).hostname:
            client.organization = client.project = None
        return client

    def _accepted(self, model: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters without those that the model refuses; some are replaced by another name or form."""
        refused_forms = self._refused.get(model, set())
        if "max_tokens" in refused_forms and "max_tokens" in parameters:
            parameters["max_completion_tokens"] = parameters["max_tokens"]
        if "response_format.json_schema" in refused_forms and "response_format" in parameters:
            parameters["response_format"] = {"type": "json_object"}
        return {name: value for name, value in parameters.items() if _form(name, parameters) not in refused_forms}

    async def _call(
        self, client: AsyncOpenAI, model: str, prompt: Rendered, parameters: dict[str, Any], manner: Manner
    ) -> Completion | str:
        """Make one call: return a completion, or the name of a parameter that the server refuses."""
        timeout = manner.patience.timeout
        asked: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            "timeout": timeout,
            "extra_body": parameters,
        }

        async def call(scope: anyio.CancelScope) -> Completion:
            if manner.stream:
                return read_body(await self._stream(client, asked, scope, timeout), model)
            answer = await client.chat.completions.with_raw_response.create(**asked)
            return read_body(answer.http_response.json(), model)

        return await self._guarded(call, model, parameters, timeout)

    async def _guarded(
        self,
        call: Callable[[anyio.CancelScope], Awaitable[T]],
        model: str,
        parameters: dict[str, Any],
        timeout: float,
    ) -> T | str:
        """Result of the call, or the name of a parameter that the server refuses; converts the client's exceptions."""
        import httpx2
        import openai

        try:
            with anyio.fail_after(timeout) as scope:
                return await call(scope)
        except (TimeoutError, openai.APITimeoutError):
            raise Fault(f"no answer within {timeout:g} s") from None
        except (openai.APIConnectionError, httpx2.TransportError) as error:  # the latter while a stream is read
            raise Fault(f"the connection failed ({type(error.__cause__ or error).__name__})") from None
        except openai.APIStatusError as error:
            refusal = error
        except (ValueError, RecursionError, openai.APIError) as error:
            words = str(error) if isinstance(error, BodyError) else "it is not JSON"
            raise Fault(f"the response body is invalid: {words}") from None
        # Outside the `except`, so that the endpoint's error text, which may hold secrets, is not chained to ours.
        return self._judge(refusal, model, parameters)

    async def _stream(
        self, client: AsyncOpenAI, asked: dict[str, Any], scope: anyio.CancelScope, timeout: float
    ) -> dict[str, Any]:
        """Body of a streamed answer. Only growth of the answer restarts the timeout; keep-alive lines do not."""
        streamed = Streamed()
        async with client.chat.completions.with_streaming_response.create(**asked) as response:
            async for line in response.iter_lines():
                if streamed.feed(line):
                    scope.deadline = anyio.current_time() + timeout
                if streamed.ended:
                    break
        return streamed.body()

    def _judge(self, error: APIStatusError, model: str, parameters: dict[str, Any]) -> str:
        """Interpret a status other than 200: return the name of a refused parameter, or raise."""
        words = str(error.message)
        name = refused(parameters, error.param, self.server.words(words)) if error.status_code in {400, 422} else None
        if name is not None:
            return name
        refusal = Refusal(error.status_code, error.code or error.type, words, error.response.headers)
        raise self.server.judge(refusal, model)


def _form(name: str, parameters: Mapping[str, Any]) -> str:
    """Name of the refused form of a parameter: a server may refuse JSON Schema but accept plain JSON mode."""
    return f"{name}.{parameters[name]['type']}" if name == "response_format" else name
