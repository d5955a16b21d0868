"""Prices of a model's tokens: from the scenario, else from the bundled list of published prices, else unknown.

The list is part of the package genai-prices; nothing is downloaded. The list is not used for a server on this machine.
"""

from datetime import UTC, datetime, time
from functools import cache, cached_property

from gome.scenarios.config.fields import CHOOSERS
from gome.scenarios.config.providers import is_loopback
from gome.scenarios.config.scenario import (
    REASONING,
    AutoGenBackend,
    OpenAIBackend,
    Prices,
    Scenario,
    ServedModel,
)

__all__ = [
    "Tariff",
    "listed_window",
    "missing_prices",
    "no_price",
    "tariff_of",
    "tariff_of_texts",
    "unpriced_choices",
]


class Tariff:
    """The prices of one model's tokens. `url` is its server, empty if unknown."""

    def __init__(self, model: str, url: str, prices: Prices | None) -> None:
        self._model = model
        self._url = url
        self._prices = prices

    @cached_property
    def known(self) -> bool:
        """Whether the prices are known."""
        return self.usd(1, 0, 1) is not None

    @cached_property
    def per_million(self) -> tuple[float, float] | None:
        """US dollars per million input and output tokens, of a short prompt; None if unknown."""
        taken, given = self.usd(1000, 0, 0), self.usd(0, 0, 1000)
        return None if taken is None or given is None else (taken * 1000, given * 1000)

    @cached_property
    def source(self) -> str:
        """Where the prices come from, for display."""
        if not self.known:
            return "unknown"
        return "the scenario" if self._prices is not None else "the bundled list"

    def usd(
        self, taken: int | None, cached: int | None, given: int | None, written: int | None = 0, tier: str = ""
    ) -> float | None:
        """Cost in US dollars of `taken` input tokens, `cached` of them read from a cache, and `given` output tokens.

        `written` input tokens were written to a cache, for which some providers charge more. `tier` is the service tier
        of the call: `flex` costs half. None if a price or a count is unknown.
        """
        whole = self._standard(taken, cached, given, written)
        return whole / 2 if whole is not None and tier == "flex" else whole

    def saved(
        self, taken: int | None, cached: int | None, given: int | None, written: int | None = 0, tier: str = ""
    ) -> float | None:
        """By how many US dollars the same tokens would cost more without a cache; the arguments are those of `usd`.

        Less than zero where more was paid for writing to the cache than reading from it saved. None if a price or a
        count is unknown.
        """
        paid, without = self.usd(taken, cached, given, written, tier), self.usd(taken, 0, given, 0, tier)
        return None if cached is None or paid is None or without is None else without - paid

    def _standard(self, taken: int | None, cached: int | None, given: int | None, written: int | None) -> float | None:
        if taken is None or given is None:
            return None
        cached = min(cached or 0, taken)
        if self._prices is not None:
            prices = self._prices
            cached_price = prices.input if prices.cached is None else prices.cached
            return ((taken - cached) * prices.input + cached * cached_price + given * prices.output) / 1e6
        if not self._url or is_loopback(self._url):
            return None
        return _listed(self._model, self._url, taken, cached, given, min(written or 0, taken - cached))


def tariff_of(backend: ServedModel | AutoGenBackend) -> Tariff:
    """The tariff of a backend's model."""
    return Tariff(backend.model, backend.url, backend.prices)


def tariff_of_texts(model: str, url: str, price: float | None) -> Tariff:
    """The tariff of an embedding model, priced by input alone; `price` is in US dollars per million tokens."""
    return Tariff(model, url, None if price is None else Prices(input=price, output=0.0))


def missing_prices(scenario: Scenario) -> list[str]:
    """One message with a remedy for each model that a role uses and whose price is unknown."""
    roles = scenario.roles
    asked = sorted({name for role in REASONING for name in roles.of(role)} & scenario.backends.keys())
    words = []
    for name in asked:
        backend = scenario.backends[name]
        if isinstance(backend, ServedModel | AutoGenBackend) and not tariff_of(backend).known:
            words.append(no_price(name))
    keeper = roles.memory_keeper
    reached = scenario.backends.get(keeper.backend or "")
    if keeper.embedding == "openai" and keeper.model is not None and isinstance(reached, OpenAIBackend):
        tariff = tariff_of_texts(keeper.model, reached.url, keeper.price)
        if not tariff.known:
            words.append(
                f"the price of the embedding model {keeper.model} is unknown; set roles.memory_keeper.price in USD per "
                "million tokens (0 if it is free), or use budget.tokens instead"
            )
    return words


def unpriced_choices(scenario: Scenario) -> list[tuple[str, str]]:
    """Role and message for each backend that is chosen by its gain per USD and whose price is unknown."""
    found: list[tuple[str, str]] = []
    for role in CHOOSERS:
        choice = scenario.roles.choice(role)
        for name in choice.among if choice is not None and choice.by == "gain-per-usd" else ():
            backend = scenario.backends.get(name)
            if isinstance(backend, ServedModel | AutoGenBackend) and not tariff_of(backend).known:
                found.append((role, f"{_no_price(name)}, or choose by: gain"))
    return found


@cache
def listed_window(model: str, url: str) -> int | None:
    """The model's context window in tokens by the bundled list; None where the list has no such model of the server."""
    if not url or is_loopback(url):
        return None
    from genai_prices.data_snapshot import get_snapshot  # as in `_listed`

    try:
        return get_snapshot().find_provider_model(model, None, None, url)[1].context_window
    except LookupError:
        return None


def no_price(name: str) -> str:
    """The message, with a remedy, about a backend without known prices."""
    return f"{_no_price(name)}, or use budget.tokens instead"


def _no_price(name: str) -> str:
    return (
        f"the price of backend {name} is unknown; set backends.{name}.prices: {{input: USD, output: USD}} "
        "per million tokens (0 if it is free)"
    )


def _listed(model: str, url: str, taken: int, cached: int, given: int, written: int) -> float | None:
    """The cost by the bundled list; where the price varies with the hour, that of the dearest one."""
    from genai_prices import Usage, calc_price  # takes half a second to import: only if needed

    usage = Usage(input_tokens=taken, cache_read_tokens=cached, cache_write_tokens=written or None, output_tokens=given)
    today = datetime.now(UTC)
    try:
        return max(
            float(calc_price(usage, model, provider_api_url=url, genai_request_timestamp=when).total_price)
            for when in [today, *(datetime.combine(today, hour) for hour in _dear_hours(model, url))]
        )
    except LookupError:
        return None


@cache
def _dear_hours(model: str, url: str) -> tuple[time, ...]:
    """The times of day at which a price of the model begins. A budget and a choice must not depend on the clock."""
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import TimeOfDateConstraint

    prices = get_snapshot().find_provider_model(model, None, None, url)[1].prices
    conditions = [each.constraint for each in prices] if isinstance(prices, list) else []
    return tuple(each.start_time for each in conditions if isinstance(each, TimeOfDateConstraint))
