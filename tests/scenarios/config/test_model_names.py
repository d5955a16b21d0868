"""A model's name alone: who serves it, with which key, at which price; and whom a call reaches then."""

import socket
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from gome.agents.backends.factory import make_backend
from gome.errors import Outage, UsageError
from gome.scenarios.config.backends import OpenAIBackend, model_of_kind
from gome.scenarios.config.model_names import as_backend, describe_model, find_model
from gome.scenarios.config.prices import listed_window
from gome.scenarios.config.providers import PROVIDERS, is_loopback, is_own_key
from tests.agents.helpers import requests_made as made

NAMES = {
    "gpt-5": ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", (1.25, 10), 400_000),
    "gpt-5.1-codex": ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", (1.25, 10), 400_000),
    "o3": ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", (2, 8), 200_000),
    "o4-mini": ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", (1.1, 4.4), 200_000),
    "claude-opus-4-5": ("anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", (5, 25), 200_000),
    "gemini-2.5-flash": (
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        (0.3, 2.5),
        1_048_576,
    ),
    "deepseek-chat": ("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", (0.27, 1.1), 64_000),
    "deepseek-v9-not-listed": ("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", None, None),
    "grok-4": ("xai", "https://api.x.ai/v1", "XAI_API_KEY", (3, 15), 256_000),
    "ollama:qwen3:8b": ("ollama", "http://127.0.0.1:11434/v1", None, None, None),
    "vllm:Qwen/Qwen3-32B": ("vllm", "http://127.0.0.1:8000/v1", None, None, None),
    "llama.cpp:any": ("llama.cpp", "http://127.0.0.1:9931/v1", None, None, None),
    "openrouter:anthropic/claude-opus-4.5": (
        "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        (5, 25),
        200_000,
    ),
    "http://127.0.0.1:8000/v1#qwen3": ("openai", "http://127.0.0.1:8000/v1", None, None, None),
    "http://localhost:11434#qwen3:8b": ("openai", "http://localhost:11434/v1", None, None, None),
    "https://api.deepseek.com#deepseek-chat": (
        "deepseek",
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        (0.27, 1.1),
        64_000,
    ),
    "https://api.deepseek.com/v1#deepseek-chat": (
        "deepseek",
        "https://api.deepseek.com/v1",
        "DEEPSEEK_API_KEY",
        (0.27, 1.1),
        64_000,
    ),
    "deepseek-flash": ("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", (0.3, 1.2), 1_000_000),
    "claude-haiku-4-5-20251001": ("anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", (1, 5), 200_000),
    "xai:grok-4-fast-reasoning": ("xai", "https://api.x.ai/v1", "XAI_API_KEY", (0.2, 0.5), 2_000_000),
    "openrouter:z-ai/glm-4.6": ("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", (0.6, 2.2), None),
    "https://API.OpenAI.com:443/v1/chat/completions#o3-pro": (
        "openai",
        "https://api.openai.com:443/v1",
        "OPENAI_API_KEY",
        (20, 80),
        200_000,
    ),
    "https://api.anthropic.com/v1/messages#claude-sonnet-4-5": (
        "anthropic",
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
        (3, 15),
        200_000,
    ),
    "https://api.deepseek.com/anthropic#deepseek-v4-pro": (
        "anthropic",
        "https://api.deepseek.com/anthropic",
        "DEEPSEEK_API_KEY",
        (1.32, 3.96),
        1_000_000,
    ),
    "http://192.168.1.5:11434/v1/#qwen3": ("openai", "http://192.168.1.5:11434/v1", None, None, None),
    "http://api.openai.com/v1#gpt-5": ("openai", "http://api.openai.com/v1", None, None, None),
    "https://me.openai.azure.com#gpt-5": (
        "azure",
        "https://me.openai.azure.com/openai/v1",
        "AZURE_OPENAI_API_KEY",
        (1.25, 10),
        400_000,
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_says_server_key_price_and_window(name: str) -> None:
    backend = as_backend(find_model(name))
    kind, url, key, price, window = NAMES[name]
    assert (backend.kind, backend.url, backend.api_key_env) == (kind, url, key)
    assert listed_window(backend.model, backend.url) == window
    told = describe_model(backend)
    assert (f"{price[0]:g} USD in and {price[1]:g} USD out" if price else "price unknown") in told
    assert (f"key {key}" if key else "no key") in told


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gpt5", r"did you mean gpt-5\?.*KIND:gpt5 with KIND one of openai, .*http://127.0.0.1:8000/v1#gpt5"),
        ("gpt-oss-120b", "does not say who serves"),
        ("deepseek-r1:8b", r"did you mean ollama:deepseek-r1:8b\?.*KIND:deepseek-r1:8b"),
        ("GPT-5.1-Codex", r"did you mean gpt-5\.1-codex\?"),
        ("anthropic/claude-opus-4.5", r"did you mean openrouter:anthropic/claude-opus-4\.5\?"),
        ("localhost:8000/v1#qwen3", r"did you mean http://localhost:8000/v1#qwen3\?"),
        ("us.anthropic.claude-opus-4-5-v1:0", "serves the model: write"),
        ("bedrock:claude", "serves the model: write"),
        ("mistral-large-latest", "serves the model: write"),
        ("meta-llama/Llama-4", "KIND:meta-llama/Llama-4"),
        ("", "does not say who serves"),
        ("ollama:", "write ollama:NAME"),
        ("azure:gpt-5", r"https://NAME\.openai\.azure\.com/openai/v1#gpt-5"),
        ("http://127.0.0.1:8000/v1", r"which model\? Write it .* http://127\.0\.0\.1:8000/v1#MODEL"),
        ("http://host:none/v1#m", "is not the URL of a server"),
        ("ftp://127.0.0.1/v1#m", "is not the URL of a server"),
    ],
)
def test_a_name_that_says_too_little_is_refused_with_what_to_write(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        find_model(name)


def test_a_password_in_a_url_is_not_repeated() -> None:
    for name in ("https://me:sk-canary@host/v1", "https://me:sk-canary@host:x/v1#m"):
        with pytest.raises(UsageError) as refused:
            find_model(name)
        assert "canary" not in str(refused.value)
    with pytest.raises(UsageError, match="name or password") as refused:
        as_backend(find_model("https://me:sk-canary@host/v1#m"))
    assert "canary" not in str(refused.value)


class Canary(Exception):
    """Raised in place of every look-up of a host."""


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that anything has tried to reach; none is."""
    hosts: list[str] = []

    def refuse(host: Any, *_: Any, **__: Any) -> Any:
        hosts.append(host.decode() if isinstance(host, bytes) else str(host))
        raise socket.gaierror(socket.EAI_NONAME, "no such host")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return hosts


@pytest.mark.parametrize("name", [name for name, found in NAMES.items() if found[2]])
def test_without_its_key_nobody_is_reached(name: str, looked_up: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    backend = as_backend(find_model(name))
    for provider in PROVIDERS.values():
        if provider.key:
            monkeypatch.setenv(provider.key, "sk-of-another")
    monkeypatch.delenv(str(backend.api_key_env))
    with pytest.raises(UsageError, match=f"{backend.api_key_env} is not set"):
        make_backend("model", backend)
    assert looked_up == []


@pytest.mark.parametrize("name", [name for name, found in NAMES.items() if found[2]])
def test_only_the_host_that_was_meant_is_reached(
    name: str, looked_up: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = as_backend(find_model(name)).model_copy(update={"retries": 0, "timeout": 5.0})
    monkeypatch.setenv(str(backend.api_key_env), "sk-canary")

    async def ask() -> None:
        made_backend = make_backend("model", backend)
        with pytest.raises(Outage):
            await made_backend.answer(made.survey_task())
        await made_backend.aclose()

    anyio.run(ask)
    assert set(looked_up) == {urlsplit(backend.url).hostname}


@pytest.mark.parametrize(
    ("url", "variable", "own"),
    [
        ("https://api.x.ai/v1", "XAI_API_KEY", True),
        ("https://api.x.ai/v1", "OPENAI_API_KEY", False),
        ("http://api.x.ai/v1", "XAI_API_KEY", False),
        ("https://api.x.ai:8443/v1", "XAI_API_KEY", False),
        ("https://api.x.ai.example/v1", "XAI_API_KEY", False),
        ("https://me.openai.azure.com/openai/v1", "AZURE_OPENAI_API_KEY", False),
    ],
)
def test_a_key_is_a_providers_own_at_its_address_alone(url: str, variable: str, own: bool) -> None:
    assert is_own_key(url, variable) is own


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://localhost/v1", True),
        ("http://127.0.0.1.models.example/v1", False),
        ("http://localhost.example/v1", False),
        ("http://127.evil/v1", False),
        ("nonsense", False),
    ],
)
def test_which_addresses_are_this_machine(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_the_key_of_a_kind_is_no_default_elsewhere() -> None:
    elsewhere = OpenAIBackend(kind="xai", model="m", base_url="https://models.example/v1")
    assert (elsewhere.api_key_env, elsewhere.api) == (None, "responses")
    assert OpenAIBackend(kind="xai", model="m", api="chat").api == "chat"


def test_every_kind_can_be_named() -> None:
    for kind, provider in PROVIDERS.items():
        backend = model_of_kind(kind).model_validate(
            {"kind": kind, "model": "m", "base_url": provider.url or "https://a/v1"}
        )
        assert backend.kind == kind


DEFAULTS = {
    "openai": ("schema", "auto", 8),
    "azure": ("schema", "auto", 8),
    "gemini": ("schema", "auto", 8),
    "xai": ("schema", "responses", 8),
    "deepseek": ("json", "auto", 8),
    "openrouter": ("schema", "auto", 8),
    "vllm": ("schema", "auto", 8),
    "ollama": ("schema", "auto", 1),
    "llama.cpp": ("schema", "auto", 1),
}


def test_a_kind_has_the_defaults_that_its_server_needs_and_a_scenarios_own_override_them() -> None:
    found = {}
    for kind in DEFAULTS:
        backend = OpenAIBackend.model_validate(
            {"kind": kind, "model": "m", "base_url": PROVIDERS[kind].url or "https://a/v1"}
        )
        found[kind] = (backend.structured, backend.api, backend.concurrency)
        assert (backend.stream, backend.timeout) == (True, 900)
    assert found == DEFAULTS
    assert DEFAULTS.keys() == {kind for kind, provider in PROVIDERS.items() if provider.speaks_openai}
    own = OpenAIBackend.model_validate(
        {"kind": "ollama", "model": "m", "concurrency": 4, "base_url": "http://127.0.0.1:1/v1"}
    )
    assert (own.concurrency, own.url) == (4, "http://127.0.0.1:1/v1")


def clock_at(hour: int) -> type[datetime]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 11, 29, hour, 45, tzinfo=tz)

    return Clock


def test_a_price_does_not_depend_on_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for hour in range(0, 24, 3):
        monkeypatch.setattr("gome.scenarios.config.prices.datetime", clock_at(hour))
        found.add(describe_model(as_backend(find_model("deepseek-v4-pro"))))
    assert len(found) == 1, found
