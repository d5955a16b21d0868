"""One server of models: its connections, its concurrency limit, and what its models refuse; whatever it speaks.

If an error names a parameter that we sent, or a form of the request, it is left out from then on. `faults.py` handles
other errors. A server that is known to be down is called without retries until it answers again.

The client libraries of OpenAI and Anthropic are built alike: the same errors under the same names.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, Protocol, Self, TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from gome.agents.backends.base import Usage
from gome.agents.backends.llm.faults import Fault, Patience, Refusal, SchemaRefusedError, Server, persevere
from gome.agents.backends.llm.prompting import Rendered
from gome.agents.backends.llm.refusals import SCHEMA, SYSTEM, error_code, error_words, failed_generation, refused
from gome.agents.backends.llm.wire import BodyError, Completion, ErrorBody
from gome.agents.redaction import redact, secrets_of
from gome.errors import UsageError
from gome.scenarios.config.providers import is_loopback
from gome.scenarios.config.scenario import ServedModel

__all__ = ["CONNECTING", "Connection", "Manner", "check_key", "key_of"]

T = TypeVar("T")

CONNECTING = 30.0
"""Seconds to connect at most: a server that is not there is noticed long before an answer would be late."""


class _Closing(Protocol):
    async def close(self) -> None: ...


C = TypeVar("C", bound=_Closing)


@dataclass(frozen=True, slots=True)
class Manner:
    """How calls are made: retries and timeout, the minimum seconds between starts of calls, in which protocol."""

    patience: Patience
    interval: float = 0.0
    responses: bool = False


class Connection(ABC, Generic[C]):
    """A server with one key. Backends with the same server and key share one connection and its concurrency limit.

    `key` is None for a server that needs none; `key_name` is the environment variable of the key, for error messages.
    A subclass makes the client and the call.
    """

    def __init__(
        self, url: str, key: str | None, key_name: str | None, concurrency: int, secrets: frozenset[str]
    ) -> None:
        self.url = url
        self.server = Server(redact(url, secrets), key_name, is_loopback(url), secrets)
        self._key = key
        self._slots = anyio.Semaphore(concurrency)
        self._connecting = anyio.Lock()
        self._client: C | None = None
        self._refused: dict[str, set[str]] = {}
        self._down = False
        self._next_start = 0.0

    @classmethod
    def open(cls, settings: ServedModel, name: str, environment: Mapping[str, str] = os.environ) -> Self:
        """Create the connection of the backend `name`. Raises UsageError for an invalid URL or a missing key."""
        key = key_of(settings, name, environment)
        secrets = secrets_of(environment, [settings.api_key_env] if settings.api_key_env else [])
        return cls(settings.url, key, settings.api_key_env, settings.concurrency, secrets)

    @abstractmethod
    def _make_client(self) -> C:
        """Create the client of the library, without retries of its own. Called in a thread."""

    @abstractmethod
    def _library(self) -> ModuleType:
        """The client library, which the client has imported."""

    @abstractmethod
    async def _call(
        self,
        client: C,
        model: str,
        prompt: Rendered,
        parameters: dict[str, Any],
        manner: Manner,
        scope: anyio.CancelScope,
    ) -> Completion:
        """Make one call. `scope` is the cancel scope whose deadline is moved while a streamed answer grows."""

    async def complete(
        self,
        model: str,
        prompt: Rendered,
        parameters: Mapping[str, Any],
        manner: Manner,
        before_call: Callable[[], None],
    ) -> Completion:
        """Get one answer of the model; `before_call` is called before each try.

        Raises PromptRefusedError, SchemaRefusedError, Outage, and whatever `before_call` raises.
        """
        client = await self._connect()

        async def once() -> Completion:
            while True:
                sent = self._accepted(model, dict(parameters))

                async def call(scope: anyio.CancelScope, sent: dict[str, Any] = sent) -> Completion:
                    return await self._call(client, model, prompt, sent, manner, scope)

                async with self._slots:
                    await self._pace(manner.interval)
                    before_call()
                    system = SYSTEM not in self.refusals(model)
                    answer = await self._guarded(call, model, sent, manner.patience.timeout, system=system)
                if isinstance(answer, Completion):
                    return answer
                form = _form(answer, sent)
                self._refused.setdefault(model, set()).add(form)
                if form == SCHEMA and not prompt.says_form:
                    raise SchemaRefusedError

        return await self._persevere(once, model, manner.patience)

    def refusals(self, model: str) -> frozenset[str]:
        """What the server refuses for the model: parameters, or forms such as `response_format.json_schema`."""
        return frozenset(self._refused.get(model, ()))

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _accepted(self, model: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters without those that the model refuses; some are replaced by another name or form."""
        refused_forms = self.refusals(model)
        if "max_tokens" in refused_forms and "max_tokens" in parameters:
            parameters["max_completion_tokens"] = parameters["max_tokens"]
        if SCHEMA in refused_forms and "response_format" in parameters:
            parameters["response_format"] = {"type": "json_object"}
        return {name: value for name, value in parameters.items() if _form(name, parameters) not in refused_forms}

    async def _connect(self) -> C:
        """The client, created once and in a thread, because importing it and reading certificates take a while."""
        async with self._connecting:
            if self._client is None:
                self._client = await anyio.to_thread.run_sync(self._make_client)
        return self._client

    async def _persevere(self, once: Callable[[], Awaitable[T]], model: str, patience: Patience) -> T:
        """Call with retries, and remember whether the server is down."""
        try:
            result = await persevere(once, patience, down=self._down)
        except Fault as fault:
            self._down = True
            raise self.server.outage(fault, model) from None
        self._down = False
        return result

    async def _pace(self, interval: float) -> None:
        """Wait until `interval` seconds after the start of the previous call."""
        now = anyio.current_time()
        start = max(now, self._next_start)
        self._next_start = start + interval
        await anyio.sleep(start - now)

    async def _guarded(
        self,
        call: Callable[[anyio.CancelScope], Awaitable[T]],
        model: str,
        parameters: dict[str, Any],
        timeout: float,
        *,
        system: bool = False,
    ) -> T | Completion | str:
        """Result of the call, or the name of a part of the request that the server refuses; converts exceptions.

        `system`: the request has a message of that role.
        """
        import httpx2

        library = self._library()
        code: Any = None
        param: Any = None
        try:
            with anyio.fail_after(timeout) as scope:
                return await call(scope)
        except (TimeoutError, library.APITimeoutError):
            raise Fault(f"no answer within {timeout:g} s") from None
        except (library.APIConnectionError, httpx2.RequestError) as error:  # the latter while a stream is read
            cause = error.__cause__ or error
            if isinstance(cause, httpx2.DecodingError):
                raise Fault(f"the answer cannot be read: {self.server.words(str(cause))}") from None
            raise Fault(f"the connection failed ({type(cause).__name__})") from None
        except library.APIStatusError as error:
            status, body, headers = error.status_code, error.body, error.response.headers
            code = getattr(error, "code", None) or getattr(error, "type", None)
            words, param = error_words(body) or str(error.message), getattr(error, "param", None)
        except ErrorBody as error:
            status, body, headers, words = error.status, error.body, {}, error_words(error.body)
        except (ValueError, RecursionError, library.APIError) as error:
            words = str(error) if isinstance(error, BodyError) else "it is not JSON"
            raise Fault(f"the response body is invalid: {words}") from None
        # Outside the `except`, so that the endpoint's error text, which may hold secrets, is not chained to ours.
        code = code if isinstance(code, str) else error_code(body)
        written = failed_generation(code, body)
        if written is not None:
            return Completion(written, None if written.strip() else f"the endpoint says: {words}", model, Usage())
        name = refused(status, parameters, param if isinstance(param, str) else None, words, system=system)
        if name is not None:
            return name
        raise self.server.judge(Refusal(status, code, words, headers), model)


def _form(name: str, parameters: Mapping[str, Any]) -> str:
    """Name of the refused form of a parameter: a server may refuse JSON Schema but accept plain JSON mode."""
    return f"{name}.{parameters[name]['type']}" if name == "response_format" else name


def key_of(settings: ServedModel, name: str, environment: Mapping[str, str]) -> str | None:
    """The key for the server of the backend `name`; None for a server on this machine that needs none.

    Raises UsageError for an invalid URL or a missing key.
    """
    url, key_name = settings.url, settings.api_key_env
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"backend {name!r}: `base_url` must be a URL such as http://127.0.0.1:8000/v1, not {url!r}")
    key = environment.get(key_name, "").strip() if key_name else ""
    if key_name and not key:
        raise UsageError(
            f"backend {name!r} ({settings.model}): the environment variable {key_name} is not set; "
            f"export {key_name}=… with the key for {url}, or assign another backend to the role"
        )
    check_key(key, str(key_name), name)
    if not key and not is_loopback(url):
        raise UsageError(
            f"backend {name!r} ({settings.model}): {url} needs a key; name the environment variable "
            f"that holds it: backends.{name}.api_key_env=VARIABLE in the scenario or by --set "
            "(only servers on this machine work without a key)"
        )
    return key or None


def check_key(key: str, variable: str, backend: str) -> None:
    """Raise UsageError for a key that no request can carry; the message does not repeat it."""
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise UsageError(
            f"backend {backend!r}: the value of {variable} has a space, a line break or a letter that no key has; "
            f"copy the key again and export {variable}=…"
        )
