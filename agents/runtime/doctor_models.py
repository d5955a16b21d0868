"""Check one backend, or the Memory-Keeper's embedder, by sending it real requests.

A problem is not raised: it is reported in the finding, with its remedy.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import anyio.to_thread

from gome.agents.backends.base import Answer, Backend, Embedded, Texts
from gome.agents.backends.factory import make_backend, make_backends, make_embedder
from gome.agents.backends.llm.asking import AskingBackend
from gome.agents.protocol.requests import Request
from gome.errors import GomeError
from gome.scenarios.config.prices import no_price, tariff_of, tariff_of_texts
from gome.scenarios.config.readiness import key_words
from gome.scenarios.config.scenario import AutoGenBackend, LanguageModel, PluginBackend, Scenario, ServedModel
from gome.scenarios.config.scenario import OpenAIBackend as OpenAISettings

__all__ = ["EMBEDDING", "BackendFinding", "Told", "ask_backend", "ask_embedder", "calls_models", "calls_words"]

Told = Callable[[str], None]
"""Hears in words what is asked, and when an answer has come."""
_QUESTIONS = {"SurveyTask": "a survey of the task", "WriteSolution": "a script"}
EMBEDDING = "embedding"
"""Name of the finding about the Memory-Keeper's embedding model."""
_WORDS = ("a hot day", "a cold night")


@dataclass(frozen=True, slots=True)
class BackendFinding:
    """Result of the requests to a backend. `trouble` is the problem with its remedy, None if there is none.

    `replies` is the form of typed reply that the model accepted; `tokens` counts the requests and their replies;
    `window` is the model's context window in tokens, None if the backend is not a language model; `seconds` is the time
    until all were answered. `left_out` names what was not asked, as nothing was to be sent.
    """

    name: str
    roles: tuple[str, ...]
    label: str
    key: str
    seconds: float | None
    replies: str
    tokens: float | None
    price: str
    trouble: str | None
    window: int | None = None
    left_out: tuple[str, ...] = ()


def calls_models(scenario: Scenario, name: str) -> bool:
    """Whether questions to the backend `name` are calls that may cost: all but those to what this machine computes."""
    return isinstance(scenario.backends[name], LanguageModel | PluginBackend)


def calls_words(scenario: Scenario, calls: Mapping[str, int]) -> str:
    """In words, how many calls will be made to each backend of `calls`."""
    named = []
    for name, count in calls.items():
        settings = scenario.backends.get(name)
        named.append(f"{name} ({settings.model}): {count}" if isinstance(settings, ServedModel) else f"{name}: {count}")
    more = "more where an answer cannot be read or is tried again; --offline makes none"
    return f"calls to models: {sum(calls.values())} ({', '.join(named)}), {more}"


async def ask_backend(
    scenario: Scenario,
    name: str,
    roles: tuple[str, ...],
    questions: Sequence[Request[Any]],
    told: Told,
    *,
    offline: bool = False,
) -> BackendFinding:
    """Send `questions` to the backend `name`, which serves `roles`, until one fails. Errors are in the finding.

    `told` hears of each question before it is asked, and of each answer when it comes. `offline`: a model is not asked,
    only examined as far as this machine knows it.
    """
    settings = scenario.backends[name]
    price = tariff_of(settings).source if isinstance(settings, ServedModel | AutoGenBackend) else "nothing to pay"
    finding = BackendFinding(name, roles, name, key_words(settings, os.environ), None, "", None, price, None)
    try:
        backend = make_backend(name, settings)
    except GomeError as error:
        return replace(finding, trouble=str(error))
    finding = replace(finding, label=backend.label)
    if offline and calls_models(scenario, name):
        await backend.aclose()
        left_out = (*map(_words, questions), *(["its context window"] if isinstance(backend, AskingBackend) else []))
        return replace(finding, left_out=left_out, trouble=_unpriced(scenario, name, price))
    begun = monotonic()
    try:
        answers: list[Answer] = []
        while len(answers) < len(questions) and not any(each.failure for each in answers):
            answers.append(await _asked(backend, questions, len(answers), told))
        window = await backend.window() if isinstance(backend, AskingBackend) else None
    except GomeError as error:
        return replace(finding, trouble=str(error))
    finally:
        await backend.aclose()
    return replace(
        finding,
        seconds=monotonic() - begun,
        replies=_replies(backend),
        tokens=_total(answers),
        trouble=_trouble(scenario, answers[-1], name, price),
        window=window,
    )


async def _asked(backend: Backend, questions: Sequence[Request[Any]], number: int, told: Told) -> Answer:
    """Ask question `number`, and say so before and after: a slow model takes minutes, and silence looks like a hang."""
    question = questions[number]
    place = f"{backend.label}, question {number + 1} of {len(questions)} ({_words(question)})"
    told(f"asking {place}")
    begun = monotonic()
    answer = await backend.answer(question)
    told(f"{'no usable answer' if answer.failure else 'answered'} after {monotonic() - begun:.1f} s: {place}")
    return answer


async def ask_embedder(scenario: Scenario, beside: Path, *, offline: bool = False) -> BackendFinding:
    """Embed two texts as the Memory-Keeper would. `beside` is the scenario's folder. `offline`: no server is asked."""
    keeper = scenario.roles.memory_keeper
    reached = scenario.backends.get(keeper.backend or "")
    model, name = keeper.model or "", keeper.backend or ""
    label = f"{model} ({name or 'on this machine'})"
    finding = BackendFinding(EMBEDDING, ("memory_keeper",), label, "not needed", None, "", None, "nothing to pay", None)
    if isinstance(reached, OpenAISettings):
        tariff = tariff_of_texts(model, reached.url, keeper.price)
        finding = replace(finding, key=key_words(reached, os.environ), price=tariff.source)
    begun = monotonic()
    try:
        backends = make_backends({name: reached} if reached else {})
        embedder = await anyio.to_thread.run_sync(make_embedder, keeper, backends, beside)
        try:
            if offline and reached is not None:
                return replace(finding, left_out=("the embedding of two texts",))
            embedded = await embedder.embed(Texts(model=model, texts=_WORDS, price=keeper.price)) if embedder else None
        finally:
            for backend in backends.values():
                await backend.aclose()
    except GomeError as error:
        return replace(finding, trouble=str(error))
    took, embedded = monotonic() - begun, embedded or Embedded()
    length = len(embedded.vectors[0]) if embedded.vectors else 0
    tokens, trouble = embedded.meter.get("tokens"), embedded.failure or None
    return replace(finding, seconds=took, replies=f"vectors of {length}", tokens=tokens, trouble=trouble)


def _total(answers: Sequence[Answer]) -> float | None:
    """Tokens of all answers; None if those of one are unknown."""
    counts = [answer.meter.get("tokens") for answer in answers]
    return None if None in counts else sum(count for count in counts if count is not None)


def _words(question: Request[Any]) -> str:
    return _QUESTIONS.get(type(question).__name__, type(question).__name__)


def _trouble(scenario: Scenario, answer: Answer, name: str, price: str) -> str | None:
    return answer.failure or _unpriced(scenario, name, price)


def _unpriced(scenario: Scenario, name: str, price: str) -> str | None:
    """The trouble of a budget in USD with a model of unknown price."""
    return f"budget.usd: {no_price(name)}" if price == "unknown" and scenario.budget.usd is not None else None


def _replies(backend: Backend) -> str:
    return backend.replies if isinstance(backend, AskingBackend) else "not needed"
