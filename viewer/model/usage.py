"""Usage of activities: calls, scripts, seconds, tokens and USD, as far as the server reported them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from gome.agents.protocol.activities import EMBEDDING, QUESTION, SCRIPT
from gome.bus.events import ActivityFinished

__all__ = ["Usage"]


@dataclass
class Usage:
    """Usage of one actor or a group of actors. A total is unknown as soon as one call did not report its usage.

    `calls` and `seconds` count model calls, including failed attempts; `scripts` and `script_seconds` count script
    runs that had a slot. `tokens` is input plus output; `tokens_cached` is the part of the input read from the
    provider's cache. The number of calls without a token count is `uncounted`, without separate input and output
    `unsplit`, without a cache count `cache_unsaid`, without a price `unpriced`, without the USD that the cache saved
    `saving_unsaid`.
    """

    calls: int = 0
    seconds: float = 0.0
    scripts: int = 0
    script_seconds: float = 0.0
    tokens: float = 0.0
    tokens_in: float = 0.0
    tokens_cached: float = 0.0
    tokens_out: float = 0.0
    usd: float = 0.0
    usd_saved: float = 0.0
    uncounted: int = 0
    unsplit: int = 0
    cache_unsaid: int = 0
    unpriced: int = 0
    saving_unsaid: int = 0
    errors: int = 0

    def add(self, message: ActivityFinished) -> None:
        """Add one finished activity."""
        meter = message.meter
        if message.activity == SCRIPT:
            self.scripts += bool(meter)  # without one it was refused, or ended while it waited for a slot
            self.script_seconds += meter.get("script_seconds", 0.0)
        elif message.activity in (QUESTION, EMBEDDING):
            self.calls += int(meter.get("calls", 1))
            self.seconds += message.seconds
            self.tokens += meter.get("tokens", 0.0)
            self.usd += meter.get("usd", 0.0)
            self.uncounted += "tokens" not in meter
            self._split(message.activity, meter)
            self.unpriced += "usd" not in meter

    def _split(self, activity: str, meter: Mapping[str, float]) -> None:
        """Add input and output tokens separately. Embedding calls have no output tokens and no cache."""
        if activity == EMBEDDING or meter.get("tokens") == 0:
            meter = {
                "tokens_in": meter.get("tokens", 0.0),
                "tokens_cached": 0.0,
                "tokens_out": 0.0,
                "usd_saved": 0.0,
                **meter,
            }
        self.tokens_in += meter.get("tokens_in", 0.0)
        self.tokens_cached += meter.get("tokens_cached", 0.0)
        self.tokens_out += meter.get("tokens_out", 0.0)
        self.unsplit += "tokens" not in meter or "tokens_in" not in meter or "tokens_out" not in meter
        self.cache_unsaid += "tokens_cached" not in meter
        self.usd_saved += meter.get("usd_saved", 0.0)
        self.saving_unsaid += "usd_saved" not in meter and meter.get("tokens_cached") != 0

    def merge(self, other: "Usage") -> None:
        """Add the figures of `other`."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    @property
    def known_tokens(self) -> float | None:
        """All tokens; None where a call did not report them."""
        return None if self.uncounted else self.tokens

    @property
    def known_uncached(self) -> float | None:
        """Input tokens not read from a cache; None where a call did not report them."""
        return None if self.unsplit or self.cache_unsaid else self.tokens_in - self.tokens_cached

    @property
    def known_cached(self) -> float | None:
        """Input tokens read from a cache; None where a call did not report them."""
        return None if self.unsplit or self.cache_unsaid else self.tokens_cached

    @property
    def cached_share(self) -> float | None:
        """Share of the input tokens that were read from a cache; None where it is unknown or there are none."""
        cached = self.known_cached
        return cached / self.tokens_in if cached is not None and self.tokens_in else None

    @property
    def known_saved(self) -> float | None:
        """USD that reading from a cache saved; None where a call has no price or did not report its cached tokens."""
        return None if self.saving_unsaid else self.usd_saved

    @property
    def known_output(self) -> float | None:
        """Output tokens; None where a call did not report them."""
        return None if self.unsplit else self.tokens_out

    @property
    def known_usd(self) -> float | None:
        """Total USD; None where a call had no price."""
        return None if self.unpriced else self.usd
