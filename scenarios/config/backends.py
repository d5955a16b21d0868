"""The backends that a scenario may name: who reasons, how they are reached, what they cost."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from gome.scenarios.config.fields import Model, Seconds, VariableName

__all__ = [
    "AutoGenBackend",
    "AutoGenComponent",
    "Backend",
    "ExpertBackend",
    "LanguageModel",
    "OpenAIBackend",
    "Prices",
    "ReplayBackend",
]


class ExpertBackend(Model):
    """The offline reasoner: rule-based, not a language model. `skill` below 1 degrades its judgement on purpose."""

    kind: Literal["expert"]
    skill: Annotated[float, Field(ge=0, le=1)] = 1.0


class Prices(Model):
    """US dollars a million tokens. `cached` None: cached input costs as much as other input."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]
    cached: Annotated[float, Field(ge=0)] | None = None


class LanguageModel(Model):
    """What every backend that asks a language model has.

    `context` is the model's window in tokens, None to ask the server: prompts are cut to what it leaves after the
    answer. `code` is how scripts are asked for. `asks` is how often a question is put in all before a reply that does
    not fit is given up; `retries` are for faults of the endpoint. The key is named by its environment variable and
    never written down.
    """

    api_key_env: VariableName | None = None
    timeout: Seconds = 300.0
    retries: Annotated[int, Field(ge=0)] = 5
    code: Literal["fenced", "json"] = "fenced"
    context: Annotated[int, Field(ge=2048)] | None = None
    asks: Annotated[int, Field(gt=0)] = 3
    prices: Prices | None = None
    concurrency: Annotated[int, Field(gt=0)] = 8


def _url_without_password(url: str) -> str:
    """Refuses a name or password in a URL, which would stand in the log, in words that do not repeat it."""
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ValueError("a URL with a name or password in it is kept in the log; name the key with `api_key_env`")
    return url


class OpenAIBackend(LanguageModel):
    """Any OpenAI-compatible endpoint.

    `structured` is how typed replies are asked for. `seed` passes each request's seed on. With `stream` the answer is
    taken as it comes, and `timeout` is the longest silence. `rate` is how many calls may begin in a minute.
    """

    kind: Literal["openai"]
    model: str
    base_url: Annotated[str, AfterValidator(_url_without_password)] | None = None
    temperature: float | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    structured: Literal["schema", "json", "text"] = "schema"
    seed: bool = False
    stream: bool = False
    rate: Annotated[int, Field(gt=0)] | None = None


AUTOGEN_URLS = {
    "OpenAIChatCompletionClient": "https://api.openai.com/v1",
    "AzureOpenAIChatCompletionClient": None,
    "AnthropicChatCompletionClient": "https://api.anthropic.com",
    "OllamaChatCompletionClient": "http://localhost:11434",
}
"""The AutoGen model clients that a scenario may name, each with its server where the component does not say."""

_SECRET_KEY = re.compile(r"key|token(?!s)|secret|password|credential|authorization", re.IGNORECASE)


def _keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys_of(inner)


def _without_secrets(config: dict[str, Any]) -> dict[str, Any]:
    """Refuses what would hold a key, in words that do not repeat it."""
    secret = next((key for key in _keys_of(config) if _SECRET_KEY.search(key)), None)
    if secret is not None:
        raise ValueError(f"{secret!r} would stand in the log; name the variable that holds the key with `api_key_env`")
    for key in ("base_url", "azure_endpoint", "host"):
        _url_without_password(str(config.get(key, "")))
    return config


class AutoGenComponent(Model):
    """A model client as AutoGen declares components; `config` is its own, without a key."""

    provider: Literal[
        "OpenAIChatCompletionClient",
        "AzureOpenAIChatCompletionClient",
        "AnthropicChatCompletionClient",
        "OllamaChatCompletionClient",
    ]
    config: Annotated[dict[str, Any], AfterValidator(_without_secrets)]


class AutoGenBackend(LanguageModel):
    """A model client of AutoGen, asked by a fresh `AssistantAgent` each time."""

    kind: Literal["autogen"]
    component: AutoGenComponent

    @property
    def model(self) -> str:
        """The model's name, as the component has it."""
        return str(self.component.config.get("model", self.component.provider))

    @property
    def url(self) -> str | None:
        """The server, None where it is not known."""
        config = self.component.config
        given = config.get("base_url") or config.get("azure_endpoint") or config.get("host")
        return str(given) if given else AUTOGEN_URLS[self.component.provider]


class ReplayBackend(Model):
    """The answers that stand in another run's log. `run` is that run's folder."""

    kind: Literal["replay"]
    run: str


Backend = Annotated[ExpertBackend | OpenAIBackend | AutoGenBackend | ReplayBackend, Field(discriminator="kind")]
