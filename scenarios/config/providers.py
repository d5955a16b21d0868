"""The kinds of servers of models.

A kind is a set of defaults, which a scenario's own settings override. Nothing here asks a server.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

__all__ = ["OPENAI_URL", "PROVIDERS", "Provider", "belongs", "is_loopback", "is_own_key", "with_defaults"]

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of server. `url` is its address, empty where each user has another; `key` the variable of its key.

    `models` matches the names by which the provider serves its own models, `hosts` further hosts that are its own.
    `defaults` are settings that differ from those of `kind: openai`, because the server needs them. `speaks_openai`: it
    is asked in OpenAI's protocol.
    """

    url: str
    key: str | None = None
    models: str = r"(?!)"
    hosts: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    speaks_openai: bool = True


_ONE_AT_A_TIME = {"concurrency": 1}  # further calls would wait in the server, while their time-out runs

PROVIDERS: dict[str, Provider] = {
    "openai": Provider(OPENAI_URL, "OPENAI_API_KEY", r"gpt-(?!oss)|chatgpt-|codex-|o[1-9](-|$)"),
    "azure": Provider(
        "", "AZURE_OPENAI_API_KEY", hosts=("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com")
    ),
    "anthropic": Provider("https://api.anthropic.com", "ANTHROPIC_API_KEY", r"claude-", speaks_openai=False),
    "gemini": Provider("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", r"gemini-"),
    "xai": Provider("https://api.x.ai/v1", "XAI_API_KEY", r"grok-", defaults={"api": "responses"}),
    "deepseek": Provider(  # knows JSON mode, no schema
        "https://api.deepseek.com", "DEEPSEEK_API_KEY", r"deepseek-", defaults={"structured": "json"}
    ),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "vllm": Provider("http://127.0.0.1:8000/v1"),
    "ollama": Provider("http://127.0.0.1:11434/v1", defaults=_ONE_AT_A_TIME),
    "llama.cpp": Provider("http://127.0.0.1:9931/v1", defaults=_ONE_AT_A_TIME),
}
"""The kinds of servers. docs/models.md has the same table."""


def is_loopback(url: str) -> bool:
    """Whether the URL points to this machine."""
    host = _place(url)[1]
    try:
        return host == "localhost" or ip_address(host).is_loopback  # not by its first digits: 127.0.0.1.example.com
    except ValueError:
        return False


def is_own_key(url: str, variable: str) -> bool:
    """Whether the variable is that of the provider whose address the URL is, so that its key goes to its own host.

    False where each user has another address, as with Azure: anyone may have one there.
    """
    return any(
        each.key == variable and url.startswith("https://") and _place(url) == _place(each.url)
        for each in PROVIDERS.values()
        if each.url
    )


def with_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a backend over the defaults of its kind; unchanged if the kind is unknown.

    The variable of the provider's key is a default for the provider's own address alone.
    """
    kind = given.get("kind")
    provider = PROVIDERS.get(kind) if isinstance(kind, str) else None
    if provider is None:
        return dict(given)
    said = {
        name: value for name, value in given.items() if value is not None or name not in ("base_url", "api_key_env")
    }
    filled = {**provider.defaults, "base_url": provider.url, **said}
    url = filled["base_url"]
    if provider.key is not None and isinstance(url, str) and belongs(url, provider):
        filled.setdefault("api_key_env", provider.key)
    return filled


def belongs(url: str, provider: Provider) -> bool:
    """Whether the URL is on a host of the provider, reached as its own address is."""
    scheme, host, port = _place(url)
    if provider.url and (scheme, host, port) == _place(provider.url):
        return True
    return scheme == "https" and port is None and any(host.endswith(f".{each}") for each in provider.hosts)


def _place(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL; empty where it is malformed."""
    try:
        parts = urlsplit(url)
        port = None if parts.port == {"http": 80, "https": 443}.get(parts.scheme) else parts.port
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", port
