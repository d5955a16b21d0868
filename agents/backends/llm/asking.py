"""Put typed requests to a language model: the procedure that the `openai` and the `autogen` backend share.

Each try uses a new context. An invalid answer is not shown to the model again: the next prompt only says what was wrong
with it.

    render ──► complete ──► split thoughts ──► parse ──► Answer
       ▲                                         │ invalid, tries left
       └──────────────── complaint ──────────────┘

Usage is metered whatever the result: a request without a valid answer gives an Answer with a `failure`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import anyio.to_thread

from gome.agents.backends.base import Answer, Usage
from gome.agents.backends.llm.faults import PromptRefusedError, SchemaRefusedError
from gome.agents.backends.llm.prompting import PromptTooLargeError, Rendered, render, request_kind
from gome.agents.backends.llm.replies import MisfitError, parse_reply
from gome.agents.backends.llm.thoughts import split_thoughts
from gome.agents.backends.llm.wire import Completion, total
from gome.agents.protocol.requests import Request
from gome.agents.redaction import redact, secrets_of
from gome.agents.state.call_budget import REFUSED, BudgetSpentError, Spending
from gome.errors import Outage
from gome.scenarios.config.prices import Tariff, listed_window
from gome.scenarios.config.scenario import LanguageModel as Settings

__all__ = ["USUAL_WINDOW", "AskingBackend", "BeforeCall"]

BeforeCall = Callable[[], None]
"""Called before each call to the server; raises BudgetSpentError where the budget allows no further call."""

USUAL_WINDOW = 128_000
"""Assumed context window in tokens where neither the settings nor the server state it."""
_REPLY_ROOM = 0.25
"""Share of the window reserved for the answer where the settings do not state its maximum length."""
_MOST_ROOM = 32_000
"""Tokens reserved for an answer at most: a quarter of a window of a million is more than any model gives."""
_SHRUNK = 0.6
"""Factor on the prompt's limit after the endpoint has reported that the prompt is too long."""


@dataclass(slots=True)
class _Account:
    """Usage of one request so far. `tokens` and `usd` are upper bounds where the endpoint does not report usage."""

    started: float = field(default_factory=monotonic)
    calls: int = 0
    tokens: float = 0.0
    usd: float = 0.0
    usages: list[Usage] = field(default_factory=list)

    def usage(self) -> Usage:
        """Sum over the answers; None for what an endpoint does not report; zero if there was no answer."""
        return (
            total(self.usages) if self.usages else Usage(input=0, cached=0, output=0, reasoning=0, usd=0.0, saved=0.0)
        )

    def meter(self) -> dict[str, float]:
        """The known figures, under the names that budgets and `gome cost` sum up."""
        usage = self.usage()
        named = {
            "tokens": None if usage.input is None or usage.output is None else usage.input + usage.output,
            "tokens_in": usage.input,
            "tokens_cached": usage.cached,
            "tokens_out": usage.output,
            "tokens_reasoning": usage.reasoning,
            "usd": usage.usd,
            "usd_saved": usage.saved,
        }
        known = {name: float(value) for name, value in named.items() if value is not None}
        most = {"tokens_at_most": self.tokens, "usd_at_most": self.usd}
        unknown = {name: value for name, value in most.items() if name.removesuffix("_at_most") not in known and value}
        return {"calls": float(self.calls), "seconds": monotonic() - self.started, **known, **unknown}


class AskingBackend(ABC):
    """Puts typed requests to a language model; a subclass makes the call.

    `spending` limits what may be spent; the backends of one run share it. Safe for concurrent requests.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        model: str,
        tariff: Tariff,
        environment: Mapping[str, str],
        spending: Spending,
    ) -> None:
        self._asking = settings
        self._name = name
        self._model = model
        self._tariff = tariff
        self._spending = spending
        self._secrets = secrets_of(environment, [settings.api_key_env] if settings.api_key_env else [])

    @property
    @abstractmethod
    def label(self) -> str:
        """Display name."""

    @property
    @abstractmethod
    def provider(self) -> str:
        """Who serves the model, as named by `provider_of`."""

    @property
    @abstractmethod
    def longest_answer(self) -> int | None:
        """Maximum tokens of an answer; None if the settings do not state it."""

    @property
    def replies(self) -> str:
        """Form of typed replies in use: schema, json or text."""
        return "text"

    @property
    def holds_schema(self) -> bool:
        """Whether the server is sent the schema of the reply in addition to the prompt."""
        return self.replies == "schema"

    @property
    def caches_schema(self) -> bool:
        """Whether the server caches the schema with the prompt, before it: then all requests of a kind send the same.

        What this very request asks is then in the prompt.
        """
        return False

    @abstractmethod
    async def complete(self, request: Request[Any], prompt: Rendered, room: int, before_call: BeforeCall) -> Completion:
        """Get one answer of the model, of at most `room` tokens where that can be enforced.

        Raises PromptRefusedError, SchemaRefusedError, BudgetSpentError and Outage.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Close connections."""

    async def window(self) -> int:
        """The model's context window in tokens: as set, as listed, as `reported`, else `USUAL_WINDOW`."""
        if self._asking.context is not None:
            return self._asking.context
        listed = await anyio.to_thread.run_sync(listed_window, self._model, self._asking.url)
        return listed or await self.reported() or USUAL_WINDOW

    async def reported(self) -> int | None:
        """The model's context window as its server reports it; None if it does not."""
        return None

    async def answer(self, request: Request[Any]) -> Answer:
        """Get a validated answer; after `asks` tries without one, an Answer with a `failure`. Raises Outage."""
        account = _Account()
        window = await self.window()
        room = min(self.longest_answer or min(int(window * _REPLY_ROOM), _MOST_ROOM), window - 1)
        limit = window - room
        complaint = last = too_long = ""
        refused = 0  # tokens of the last prompt that was too long for the server
        left = self._asking.asks
        while left:
            left -= 1
            try:
                # If the server enforces the schema of this request, the prompt has it only after an invalid answer.
                wide = self.holds_schema and self.caches_schema
                schema = bool(complaint) or not self.holds_schema or wide
                code, secrets = self._asking.code, self._secrets
                prompt = render(
                    request, limit, code=code, complaint=complaint, secrets=secrets, schema=schema, wide=wide
                )
                completion = await self._call_metered(request, prompt, room, account)
                reply, thoughts, raw = await anyio.to_thread.run_sync(self._read, request, completion)
            except Outage as outage:
                raise Outage(str(outage), account.meter()) from None
            except PromptTooLargeError as error:
                if error.least < refused:  # as short as can be, though longer than was hoped for
                    limit = error.least
                    continue
                return self._failed(account, too_long or f"{error} (backend {self._name!r})")
            except SchemaRefusedError:
                left += 1  # it is not sent again, so that this happens once
            except BudgetSpentError as error:
                return self._failed(account, str(error), {REFUSED + error.unit: 1.0})
            except PromptRefusedError as refusal:
                if not refusal.too_long:
                    return self._failed(account, str(refusal))
                refused = prompt.tokens
                limit = int(min(limit, refused) * _SHRUNK)
                last = too_long = (
                    f"{refusal}; set `context` of the backend {self._name!r} to the tokens that its server accepts "
                    "in one request, and `max_tokens` to a part of them"
                )
            except MisfitError as misfit:
                complaint = last = redact(str(misfit), self._secrets)
            else:
                return self._answer(account, completion.model, prompt, reply, thoughts, raw)
        asked = f"{request_kind(request)} in {self._asking.asks} tries"
        return self._failed(account, f"gave no usable answer to {asked}; last problem: {last}")

    async def _call_metered(self, request: Request[Any], prompt: Rendered, room: int, account: _Account) -> Completion:
        """Call the model once, within the budget, and add the usage to the account."""
        most = prompt.tokens + room
        most_usd = self._tariff.usd(prompt.tokens, 0, room)
        with self._spending.hold(float(most), most_usd) as hold:
            try:
                completion = await self.complete(request, prompt, room, hold.call)
            finally:
                account.calls += hold.calls
            counted = completion.usage
            parts = (counted.input, counted.cached, counted.output, counted.written, completion.tier)
            usd, saved = self._tariff.usd(*parts), self._tariff.saved(*parts)
            tokens = None if counted.input is None or counted.output is None else counted.input + counted.output
            account.usages.append(counted.model_copy(update={"usd": usd, "saved": saved}))
            spent_tokens = float(most if tokens is None else tokens)
            spent_usd = (most_usd or 0.0) if usd is None else usd
            account.tokens += spent_tokens
            account.usd += spent_usd
            self._spending.spend("tokens", spent_tokens)
            self._spending.spend("usd", spent_usd)
        return completion

    def _read(self, request: Request[Any], completion: Completion) -> tuple[dict[str, Any], str, str]:
        """Reply, thoughts and the raw text, all without secrets. Raises MisfitError."""
        if completion.fault is not None:
            raise MisfitError(completion.fault)
        raw, apart = (redact(text, self._secrets) for text in (completion.text, completion.thoughts))
        words = split_thoughts(raw)
        thoughts = "\n\n".join(part for part in (apart, words.thoughts) if part)
        if words.text:
            return parse_reply(request, words.text), thoughts, raw
        if not thoughts:
            raise MisfitError("the answer is empty")
        # Some servers put the whole answer into the field of the thoughts, or leave its last thought open.
        try:
            return parse_reply(request, split_thoughts(apart).text or thoughts), thoughts, raw or apart
        except MisfitError:
            raise MisfitError(
                f"the answer ends within its thoughts, after {len(thoughts)} characters: "
                "think less, and end with the reply, outside of the thoughts"
            ) from None

    def _answer(
        self, account: _Account, model: str, prompt: Rendered, reply: dict[str, Any], thoughts: str, raw: str
    ) -> Answer:
        return Answer(
            reply=reply,
            model=model,
            backend=self._name,
            provider=self.provider,
            usage=account.usage(),
            prompt=prompt.text,
            raw=raw,
            thoughts=thoughts,
            cut=prompt.cut,
            retries=account.calls - 1,
            meter=account.meter(),
        )

    def _failed(self, account: _Account, why: str, also: Mapping[str, float] | None = None) -> Answer:
        return Answer(
            reply={},
            failure=f"{self.label}: {redact(why, self._secrets)}",
            model=self._model,
            backend=self._name,
            provider=self.provider,
            usage=account.usage(),
            retries=max(0, account.calls - 1),
            meter=account.meter() | dict(also or {}),
        )
