"""Find the size of a model's context window by asking its server, as the protocol has no field for it.

vLLM, OpenRouter and newer llama.cpp report it in their list of models, older llama.cpp in `/props`, Ollama in `/api/ps`
for a loaded model. Ollama silently truncates longer prompts, so a model that is not loaded yet is loaded first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Fetch", "ask_window", "fetcher"]

Fetch = Callable[[str, Mapping[str, Any] | None], Awaitable[Any]]
"""GET a path below the server's root, or POST a body to it; returns the decoded JSON, None where there is none."""

_PAGE = 15.0
"""Timeout in seconds of a GET, which servers answer at once."""
_NAMES = ("max_model_len", "context_length", "context_window", "max_context_length")
"""Names of the context window in servers' lists of models."""


def fetcher(client: AsyncOpenAI, timeout: float) -> Fetch:
    """Make a `Fetch` for the client's server. `timeout` (seconds) limits a POST; a GET takes at most `_PAGE`."""
    import httpx2
    import openai

    server = urlsplit(str(client.base_url))
    root = f"{server.scheme}://{server.netloc}"

    async def fetch(path: str, body: Mapping[str, Any] | None) -> Any:
        with anyio.fail_after(timeout if body is not None else min(timeout, _PAGE)):
            try:
                if body is None:
                    page = await client.get(root + path, cast_to=httpx2.Response)
                else:
                    page = await client.post(root + path, cast_to=httpx2.Response, body=dict(body))
                return page.json()
            except (openai.APIStatusError, ValueError, RecursionError):
                return None  # other kinds of servers have no such page

    return fetch


async def ask_window(fetch: Fetch, model: str, api: str) -> int | None:
    """Context window of the model in tokens, None where the server does not report it. `api` is the path of `/v1`."""
    listed = _listed(await fetch(f"{api.rstrip('/')}/models", None), model)
    if listed is not None:
        return listed
    props = _inner(await fetch("/props", None), "default_generation_settings")
    if (size := _size(props, "n_ctx")) is not None:
        return size
    loaded = await fetch("/api/ps", None)
    if not isinstance(loaded, dict):
        return None
    if _loaded(loaded, model) is None:
        await fetch("/api/generate", {"model": model, "stream": False})  # without a prompt it only loads
        loaded = await fetch("/api/ps", None)
    return _loaded(loaded, model)


def _listed(body: Any, model: str) -> int | None:
    """The window in a list of models: that of the model, or of the only one listed."""
    models = [each for each in _inner(body, "data") or () if isinstance(each, dict)]
    named = [each for each in models if each.get("id") == model] or (models if len(models) == 1 else [])
    for each in named:
        sizes = [_size(each, name) for name in _NAMES]
        sizes += [_size(each.get("meta"), "n_ctx"), _size(each.get("top_provider"), "context_length")]
        known = [size for size in sizes if size is not None]
        if known:
            return min(known)
    return None


def _loaded(body: Any, model: str) -> int | None:
    """The window of a loaded model as reported by Ollama; `qwen3` means `qwen3:latest`."""
    names = {model, f"{model}:latest"}
    for each in _inner(body, "models") or ():
        if isinstance(each, dict) and names & {each.get("name"), each.get("model")}:
            return _size(each, "context_length")
    return None


def _inner(body: Any, name: str) -> Any:
    return body.get(name) if isinstance(body, dict) else None


def _size(body: Any, name: str) -> int | None:
    value = _inner(body, name)
    return value if isinstance(value, int) and value > 0 else None
