"""Settings of the backends that a scenario may name: how each is reached, its limits and its prices."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from gome import plugins
from gome.scenarios.config.fields import Model, Seconds, VariableName
from gome.scenarios.config.providers import PROVIDERS, with_defaults

__all__ = [
    "KINDS",
    "AnthropicBackend",
    "AutoGenBackend",
    "AutoGenComponent",
    "Backend",
    "ExpertBackend",
    "LanguageModel",
    "OpenAIBackend",
    "PluginBackend",
    "Prices",
    "ReplayBackend",
    "ServedModel",
    "model_of_kind",
]


class ExpertBackend(Model):
    """The built-in rule-based backend: works offline, not a language model."""

    kind: Literal["expert"]
    """Selects this type of backend."""
    skill: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Probability that each of its judgements is its best; otherwise it chooses at random. 1: always its best."""
    knowledge: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of its catalogue that the expert of each trace knows; it can take over the rest from the other traces."""
    knowledge_seed: int = 0
    """Seed by which it is drawn which trace knows what."""


class Prices(Model):
    """Prices of a model's tokens, in US dollars per million."""

    input: Annotated[float, Field(ge=0)]
    """US dollars per million input tokens."""
    output: Annotated[float, Field(ge=0)]
    """US dollars per million output tokens."""
    cached: Annotated[float, Field(ge=0)] | None = None
    """US dollars per million input tokens read from the server's cache. Default: the price of other input."""


class LanguageModel(Model):
    """Settings shared by all backends that call a language model."""

    api_key_env: VariableName | None = None
    """Name of the environment variable that holds the API key, never the key itself. Default: the provider's."""
    timeout: Seconds = 300.0
    """Limit on one call: seconds, or text such as 5min."""
    retries: Annotated[int, Field(ge=0)] = 5
    """How often a call is retried after a fault of the endpoint."""
    code: Literal["fenced", "json"] = "fenced"
    """How the model returns scripts: in a fenced code block, or as a JSON string."""
    context: Annotated[int, Field(ge=2048)] | None = None
    """The model's context window in tokens; prompts are cut to fit it. Default: ask the server."""
    asks: Annotated[int, Field(gt=0)] = 3
    """How often a question is asked in total before invalid replies are given up."""
    prices: Prices | None = None
    """Prices of the model's tokens. Default: the bundled list of published prices."""
    concurrency: Annotated[int, Field(gt=0)] = 8
    """Maximum number of calls at the same time."""

    @property
    def url(self) -> str:
        """The server's URL; empty if unknown."""
        return ""


def _url_without_password(url: str) -> str:
    """Reject a URL with a user name, a password or a query, which may be a key: the log would keep it.

    The message does not repeat the URL.
    """
    if "?" in url or "#" in url:
        raise ValueError("a URL with a query would be stored in the log, keys in it too; use `api_key_env` for the key")
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ValueError("a URL with a user name or password would be stored in the log; use `api_key_env` for the key")
    return url


Tier = Literal["auto", "default", "flex"]


class ServedModel(LanguageModel):
    """Settings shared by the backends that call a server themselves."""

    kind: str
    """Selects this type of backend."""
    timeout: Seconds = 900.0
    """Limit on the time since the last byte of an answer, or on a call that is not streamed: seconds, or as 15min."""
    model: str
    """Name of the model, as the server knows it."""
    base_url: Annotated[str, AfterValidator(_url_without_password)] = ""
    """URL of the API. Default: that of the kind."""
    temperature: float | None = None
    """Sampling temperature. Default: the server's."""
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    """Limit on the tokens of one answer. Default: the server's, or what a budget in tokens or dollars leaves."""
    rate: Annotated[int, Field(gt=0)] | None = None
    """Maximum number of calls started per minute. Default: no limit."""

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, given: Any) -> Any:
        return with_defaults(given) if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _addressed(self) -> "ServedModel":
        if not self.base_url:
            raise ValueError(f"{self.kind} needs `base_url`, for example https://NAME.openai.azure.com/openai/v1")
        return self

    @property
    def url(self) -> str:
        """The server's URL."""
        return self.base_url


class OpenAIBackend(ServedModel):
    """A model behind any OpenAI-compatible endpoint."""

    kind: Literal["openai", "azure", "gemini", "xai", "deepseek", "openrouter", "vllm", "ollama", "llama.cpp"]
    """Selects this type of backend: `openai`, or a kind of server with defaults of its own (docs/models.md)."""
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    """Reasoning effort sent with each call. Default: the server's."""
    structured: Literal["schema", "json", "text"] = "schema"
    """How typed replies are requested: by JSON schema, as a JSON object, or as plain text."""
    seed: bool = False
    """Whether each request's seed is sent to the server, in chat completions."""
    stream: bool = True
    """Whether answers are streamed; `timeout` then counts from the last byte of the answer."""
    api: Literal["auto", "responses", "chat"] = "auto"
    """The protocol: Responses or chat completions; `auto`: Responses for OpenAI's own server alone."""
    service_tier: Tier | dict[Literal["diagnoser", "proposer", "executor"], Tier] | None = None
    """OpenAI's service tier, of all calls or by role; `flex` is slow, at half the price. Default: the project's."""

    def tier_of(self, role: str) -> str | None:
        """The service tier of a role's calls; None if it is not set."""
        if isinstance(self.service_tier, dict):
            return next((tier for name, tier in self.service_tier.items() if name == role), None)
        return self.service_tier


class AnthropicBackend(ServedModel):
    """A model of Anthropic, or of a server that speaks its Messages protocol. Answers are streamed."""

    kind: Literal["anthropic"]
    """Selects this type of backend."""
    reasoning_effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    """Effort of the whole answer, sent with each call. Default: the server's."""
    thinking: Literal["adaptive", "disabled"] | Annotated[int, Field(ge=1024)] | None = None
    """Whether the model thinks first: as it sees fit, not, or with a budget in tokens. Default: the server's."""
    structured: Literal["schema", "text"] = "schema"
    """How typed replies are requested: by JSON schema, or as plain text."""
    cache: bool = True
    """Whether the part that all prompts of a run share is cached by the server."""


def model_of_kind(kind: str) -> type[OpenAIBackend] | type[AnthropicBackend]:
    """The type of settings of a kind of server."""
    return OpenAIBackend if PROVIDERS[kind].speaks_openai else AnthropicBackend


AUTOGEN_URLS = {
    "OpenAIChatCompletionClient": "https://api.openai.com/v1",
    "AzureOpenAIChatCompletionClient": None,
    "AnthropicChatCompletionClient": "https://api.anthropic.com",
    "OllamaChatCompletionClient": "http://localhost:11434",
}
"""The AutoGen model clients that a scenario may name → default server URL; None where it has none."""

_SECRET_KEY = re.compile(r"key|token(?!s)|secret|password|credential|authorization", re.IGNORECASE)


def _keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys_of(inner)


def _without_secrets(config: dict[str, Any]) -> dict[str, Any]:
    """Reject a configuration that contains a secret. The message does not repeat the value."""
    secret = next((key for key in _keys_of(config) if _SECRET_KEY.search(key)), None)
    if secret is not None:
        raise ValueError(f"{secret!r} would be stored in the log; name the key's environment variable as `api_key_env`")
    for key in ("base_url", "azure_endpoint", "host"):
        _url_without_password(str(config.get(key, "")))
    return config


class AutoGenComponent(Model):
    """A model client in AutoGen's component format."""

    provider: Literal[
        "OpenAIChatCompletionClient",
        "AzureOpenAIChatCompletionClient",
        "AnthropicChatCompletionClient",
        "OllamaChatCompletionClient",
    ]
    """Class of the model client."""
    config: Annotated[dict[str, Any], AfterValidator(_without_secrets)]
    """The client's own configuration, without a key."""


class AutoGenBackend(LanguageModel):
    """A model client of AutoGen; each request uses a new `AssistantAgent`."""

    kind: Literal["autogen"]
    """Selects this type of backend."""
    component: AutoGenComponent
    """The model client."""

    @property
    def model(self) -> str:
        """The model's name in the component's configuration, else the provider."""
        return str(self.component.config.get("model", self.component.provider))

    @property
    def url(self) -> str:
        """The server's URL; empty if unknown."""
        config = self.component.config
        given = config.get("base_url") or config.get("azure_endpoint") or config.get("host")
        return str(given) if given else AUTOGEN_URLS[self.component.provider] or ""


class ReplayBackend(Model):
    """Answers requests with the answers recorded in another run's log."""

    kind: Literal["replay"]
    """Selects this type of backend."""
    run: str
    """Folder of the recorded run."""


class PluginBackend(Model):
    """A backend of another package, by the name of its entry point in `gome.backends` (docs/plugins.md)."""

    kind: str
    """Name of the entry point."""
    settings: Annotated[dict[str, Any], AfterValidator(_without_secrets)] = Field(default_factory=dict)
    """Settings that the plug-in itself checks. No key may be among them."""


_OTHER_KINDS = ("expert", "autogen", "replay")
KINDS = (*_OTHER_KINDS[:1], *PROVIDERS, *_OTHER_KINDS[1:])
"""All kinds of backends beside those of plug-ins."""


def _kind(settings: Any) -> str | None:
    """The tag of a backend: its kind, or `plugin` if another package has an entry point of that name."""
    kind = settings.get("kind") if isinstance(settings, dict) else getattr(settings, "kind", None)
    if not isinstance(kind, str) or kind in _OTHER_KINDS:
        return kind
    if kind in PROVIDERS:
        return "openai" if PROVIDERS[kind].speaks_openai else "anthropic"
    return "plugin" if kind in plugins.names("gome.backends") else kind


Backend = Annotated[
    Annotated[ExpertBackend, Tag("expert")]
    | Annotated[OpenAIBackend, Tag("openai")]
    | Annotated[AnthropicBackend, Tag("anthropic")]
    | Annotated[AutoGenBackend, Tag("autogen")]
    | Annotated[ReplayBackend, Tag("replay")]
    | Annotated[PluginBackend, Tag("plugin")],
    Discriminator(
        _kind,
        custom_error_type="backend_kind",
        custom_error_message="{words}",
        custom_error_context={
            "words": f"is not one of {', '.join(KINDS)}; any other client can be declared as a component of AutoGen "
            "(kind: autogen), and any OpenAI-compatible server by its base_url (kind: openai)",
            "kinds": list(KINDS),
        },
    ),
]
