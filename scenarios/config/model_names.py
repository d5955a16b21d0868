"""Who serves a model, found from its name alone: `gpt-5`, `ollama:qwen3`, `http://127.0.0.1:8000/v1#qwen3`.

Nothing here asks a server. A name that does not say who serves the model is refused, and never sent to anybody.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from gome.errors import UsageError
from gome.scenarios.config.backends import AnthropicBackend, OpenAIBackend, ServedModel, model_of_kind
from gome.scenarios.config.prices import listed_window, tariff_of
from gome.scenarios.config.providers import PROVIDERS, belongs, is_loopback
from gome.scenarios.reading.problems import closest

__all__ = ["as_backend", "describe_model", "find_model"]

_QUESTION = re.compile(r"/(chat/completions|responses|messages)$")
"""The end of an address at which single questions are asked."""
_KNOWN = ("gpt-5", "claude-sonnet-5", "gemini-2.5-pro", "grok-4", "deepseek-flash")
"""Examples of providers' own names, for suggestions."""


def find_model(text: str) -> dict[str, Any]:
    """The settings of the backend that a model's name means.

    A name is one of a provider's own (`gpt-5`), KIND:NAME (`ollama:qwen3`) or URL#NAME.

    Returns:
        `kind`, `model`, and `base_url` where it is not the kind's.

    Raises:
        UsageError: the name does not say who serves the model; the message lists what does.
    """
    text = text.strip()
    if "://" in text:
        return _at_url(text)
    kind, colon, name = text.partition(":")
    if colon and kind in PROVIDERS:
        return _of_kind(kind, name)
    own = _served_by(text)
    if own is None:
        raise UsageError(_unknown(text))
    return {"kind": own, "model": text}


def as_backend(found: dict[str, Any]) -> OpenAIBackend | AnthropicBackend:
    """The settings that `find_model` found, with the defaults of their kind. Raises UsageError for invalid ones."""
    try:
        return model_of_kind(found["kind"]).model_validate(found)
    except ValidationError as error:
        raise UsageError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None


def describe_model(backend: ServedModel) -> str:
    """One line about a model: its server, the variable of its key, its price and its window, as far as known."""
    price = tariff_of(backend).per_million
    cost = f"{price[0]:g} USD in and {price[1]:g} USD out per million tokens" if price else "price unknown"
    window = listed_window(backend.model, backend.url)
    size = f"window {window} tokens" if window else "window asked of the server"
    key = f"key {backend.api_key_env}" if backend.api_key_env else "no key"
    return f"model {backend.model}: {backend.kind} at {backend.url}, {key}, {cost}, {size}"


def _served_by(name: str) -> str | None:
    """The kind of the provider that serves its own model under that name."""
    if not re.fullmatch(r"[\w.-]+", name):  # a colon or slash marks a copy of the model elsewhere
        return None
    return next((kind for kind, provider in PROVIDERS.items() if re.match(provider.models, name)), None)


def _of_kind(kind: str, name: str) -> dict[str, Any]:
    if not name:
        raise UsageError(f"{kind}: the model's name is missing; write {kind}:NAME")
    if not PROVIDERS[kind].url:
        raise UsageError(
            f"{kind}:{name}: each user of {kind} has another address; "
            f"write it with the name of the deployment, as https://NAME.openai.azure.com/openai/v1#{name}"
        )
    return {"kind": kind, "model": name}


def _at_url(text: str) -> dict[str, Any]:
    url, _, name = text.partition("#")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - raises where the port is no number
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        raise UsageError(f"{_shown(url)} is not the URL of a server, such as http://127.0.0.1:8000/v1#MODEL")
    if not name:
        raise UsageError(f"{_shown(url)}: which model? Write it behind the URL, as {_shown(url)}#MODEL")
    kind = next((kind for kind, each in PROVIDERS.items() if not is_loopback(url) and belongs(url, each)), "openai")
    own, base = PROVIDERS[kind].url, _QUESTION.sub("", url.replace(parts.netloc, parts.netloc.lower(), 1).rstrip("/"))
    if kind != "azure" and base.endswith("/anthropic"):  # where DeepSeek and others speak Messages
        key = PROVIDERS[kind].key
        return {"kind": "anthropic", "model": name, "base_url": base} | ({"api_key_env": key} if own and key else {})
    if base.count("/") > 2:
        pass  # it has a path
    elif own and belongs(base, PROVIDERS[kind]):
        base = own
    else:
        base += "/openai/v1" if kind == "azure" else "/v1"
    return {"kind": kind, "model": name} | ({} if base == own else {"base_url": base})


def _nearest(text: str) -> str | None:
    """What may have been meant by a name that does not say who serves the model."""
    if "#" in text:
        return f"http://{text}"
    if _served_by(text.lower()):
        return text.lower()
    if re.fullmatch(r"[\w.-]+/[\w.:-]+", text):
        return f"openrouter:{text}"
    if re.fullmatch(r"[\w.-]+:\d[\d.]*b[\w.-]*", text):  # with a size, as Ollama's tags have it
        return f"ollama:{text}"
    return None if {"/", ":"} & set(text) else closest(text, _KNOWN)


def _unknown(text: str) -> str:
    own = "gpt-…, o3, claude-…, gemini-…, grok-…, deepseek-…"
    near = _nearest(text)
    return (
        f"{text!r} does not say who serves the model"
        + (f" (did you mean {near}?)" if near else "")
        + f": write a provider's own name ({own}), "
        f"KIND:{text or 'NAME'} with KIND one of {', '.join(PROVIDERS)}, "
        f"or the server's address, as http://127.0.0.1:8000/v1#{text or 'NAME'}"
    )


def _shown(url: str) -> str:
    """The URL without a user's name and password, for messages."""
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"
