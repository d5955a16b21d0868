"""The `openai` backend: any OpenAI-compatible endpoint answers typed requests (procedure: `llm/asking.py`)."""

from collections.abc import Mapping
from typing import Any

from gome.agents.backends.base import Embedded, Texts
from gome.agents.backends.llm.asking import BeforeCall
from gome.agents.backends.llm.faults import PromptRefusedError
from gome.agents.backends.llm.prompting import Rendered, estimate_tokens
from gome.agents.backends.llm.refusals import SCHEMA
from gome.agents.backends.llm.replies import json_schema
from gome.agents.backends.llm.served import ServedBackend
from gome.agents.backends.llm.wire import Completion
from gome.agents.backends.openai.endpoint import Endpoint
from gome.agents.protocol.requests import Request
from gome.agents.state.call_budget import REFUSED, BudgetSpentError, amount
from gome.scenarios.config.prices import tariff_of_texts
from gome.scenarios.config.providers import OPENAI_URL
from gome.scenarios.config.scenario import OpenAIBackend as Settings

__all__ = ["OpenAIBackend"]


class OpenAIBackend(ServedBackend[Settings, Endpoint]):
    """Answers typed requests with a model behind an OpenAI-compatible endpoint."""

    def _open(self, environment: Mapping[str, str]) -> Endpoint:
        return Endpoint.open(self._settings, self._name, environment)

    @property
    def speaks_responses(self) -> bool:
        """Whether the model is asked in Responses, not in chat completions."""
        settings = self._settings
        return settings.api == "responses" or (settings.api == "auto" and settings.url == OPENAI_URL)

    @property
    def replies(self) -> str:
        """Form of typed replies in use (schema, json or text), given what the server has refused so far."""
        forms = {"schema": SCHEMA, "json": "response_format.json_object"}
        refused = self._endpoint.refusals(self._settings.model)
        wanted = ("schema", "json") if self._settings.structured == "schema" else (self._settings.structured,)
        return next((each for each in wanted if each in forms and forms[each] not in refused), "text")

    @property
    def caches_schema(self) -> bool:
        """So do OpenAI's own servers, also those at Azure, and who speaks Responses."""
        settings = self._settings
        return self.speaks_responses or settings.kind == "azure" or settings.url == OPENAI_URL

    async def reported(self) -> int | None:
        """The context window that the server reports; OpenAI's own reports none and is not asked."""
        if self._settings.url == OPENAI_URL:
            return None
        return await self._endpoint.window(self._settings.model, self._settings.timeout)

    async def complete(self, request: Request[Any], prompt: Rendered, room: int, before_call: BeforeCall) -> Completion:
        """Get one answer of the model."""
        settings = self._settings
        # With a budget in tokens or USD every answer is bounded, so that its reservation is an upper bound.
        bound = room if self._spending.bounds_tokens else settings.max_tokens
        ours = self.speaks_responses or settings.url == OPENAI_URL  # what other servers may not know
        parameters: dict[str, Any] = {
            "temperature": settings.temperature,
            "max_tokens": bound,
            "reasoning_effort": settings.reasoning_effort,
            "seed": request.seed & 0x7FFF_FFFF if settings.seed and not self.speaks_responses else None,
            "response_format": self._response_format(request),
            "stream": True if settings.stream else None,
            "stream_options": {"include_usage": True} if settings.stream and not self.speaks_responses else None,
            "reasoning_summary": "auto" if self.speaks_responses else None,
            "prompt_cache_key": prompt.cache_key if ours else None,
            "service_tier": settings.tier_of(request.role),
        }
        sent = {name: value for name, value in parameters.items() if value is not None}
        return await self._endpoint.complete(settings.model, prompt, sent, self._manner, before_call)

    async def embed(self, request: Texts) -> Embedded:
        """Embed the texts, metered like answers. Raises Outage."""
        most = sum(estimate_tokens(text) for text in request.texts)
        tariff = tariff_of_texts(request.model, self._endpoint.url, request.price)
        try:
            with self._spending.hold(float(most), tariff.usd(most, 0, 0)) as hold:
                vectors, tokens = await self._endpoint.embed(request.model, request.texts, self._manner, hold.call)
                usd = tariff.usd(tokens, 0, 0)
                meter = {"calls": float(hold.calls)}
                meter |= {"tokens_at_most": float(most)} if tokens is None else {"tokens": float(tokens)}
                meter |= {} if usd is None else {"usd": usd}
                self._spending.spend("tokens", amount(meter, "tokens"))
                self._spending.spend("usd", amount(meter, "usd"))
        except BudgetSpentError as error:
            return Embedded(failure=str(error), meter={REFUSED + error.unit: 1.0})
        except PromptRefusedError as refusal:
            return Embedded(failure=f"{self.label}: {refusal}")
        return Embedded(vectors=vectors, meter=meter)

    def _response_format(self, request: Request[Any]) -> dict[str, Any] | None:
        schema = json_schema(request, self._settings.code, constant=self.caches_schema)
        match self._settings.structured:
            case "schema" if schema is not None:
                return {"type": "json_schema", "json_schema": schema}
            case "json" if schema is not None:
                return {"type": "json_object"}
            case _:
                return None
