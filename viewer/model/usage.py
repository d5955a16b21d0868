"""What activities have used: how many, how long, tokens and USD, where the endpoint said so."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from gome.bus.events import ActivityFinished

__all__ = ["EMBEDDING", "QUESTION", "SCRIPT", "Usage"]

QUESTION = "reason"
"""The activity of asking a reasoner."""
EMBEDDING = "embed"
"""The activity of having texts embedded by a model."""
SCRIPT = "script"
"""The activity of running a script; its meter's `script_seconds` leaves out the wait for a slot."""


@dataclass
class Usage:
    """What an actor, or a group of them, has asked for. A total is unknown where a call did not say what it used.

    `calls` and their `seconds` are those to reasoners, failed tries among them; `scripts` and `script_seconds`
    are runs of scripts. `tokens` are those in and out; `tokens_cached` are those in that a provider had read before.
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
    uncounted: int = 0
    unsplit: int = 0
    cache_unsaid: int = 0
    unpriced: int = 0
    errors: int = 0

    def add(self, message: ActivityFinished) -> None:
        """Count one finished activity."""
        meter = message.meter
        if message.activity == SCRIPT:
            self.scripts += 1
            self.script_seconds += meter.get("script_seconds", message.seconds)
        elif message.activity in (QUESTION, EMBEDDING):
            self.calls += int(meter.get("calls", 1))
            self.seconds += message.seconds
            self.tokens += meter.get("tokens", 0.0)
            self.usd += meter.get("usd", 0.0)
            self.uncounted += "tokens" not in meter
            self._split(message.activity, meter)
            self.unpriced += "usd" not in meter

    def _split(self, activity: str, meter: Mapping[str, float]) -> None:
        """Count tokens in and out apart. What embeds takes tokens in and gives none, and has no cache to read from."""
        if activity == EMBEDDING or meter.get("tokens") == 0:
            meter = {"tokens_in": meter.get("tokens", 0.0), "tokens_cached": 0.0, "tokens_out": 0.0, **meter}
        self.tokens_in += meter.get("tokens_in", 0.0)
        self.tokens_cached += meter.get("tokens_cached", 0.0)
        self.tokens_out += meter.get("tokens_out", 0.0)
        self.unsplit += "tokens" not in meter or "tokens_in" not in meter or "tokens_out" not in meter
        self.cache_unsaid += "tokens_cached" not in meter

    def merge(self, other: "Usage") -> None:
        """Add another's figures to these."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    @property
    def known_tokens(self) -> float | None:
        """Tokens in all, None where a call did not count them."""
        return None if self.uncounted else self.tokens

    @property
    def known_uncached(self) -> float | None:
        """Tokens in that no provider had read before, None where a call did not say."""
        return None if self.unsplit or self.cache_unsaid else self.tokens_in - self.tokens_cached

    @property
    def known_cached(self) -> float | None:
        """Tokens in that a provider had read before, None where a call did not say."""
        return None if self.unsplit or self.cache_unsaid else self.tokens_cached

    @property
    def known_output(self) -> float | None:
        """Tokens out, None where a call did not say."""
        return None if self.unsplit else self.tokens_out

    @property
    def known_usd(self) -> float | None:
        """USD in all, None where a call had no price."""
        return None if self.unpriced else self.usd
