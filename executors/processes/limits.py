"""When to end a script early: pure functions of what it printed and used; whoever watches it acts on them.

Each decision is one sentence, the reason to end the script, or None.
"""

import re
from dataclasses import dataclass

__all__ = ["Pace", "Progress", "computes", "loss_is_nan", "progress", "projected_over_limit", "stalled", "telling"]

_STEP = re.compile(r"\b(split|fold|epoch)\s*[:#=]?\s*(\d+)\s*(?:/|of)\s*(\d+)", re.IGNORECASE)
_NAN_LOSS = re.compile(r"\b\w*loss\s*[:=]?\s*[-+]?nan\b", re.IGNORECASE)

_SIGNS = ("loss", "split", "fold", "epoch")
"""A line without one of these says nothing to anybody here."""

_SETTLED = 0.1
"""Share of the work that must be done before its rate is believed."""
_TOLERANCE = 1.5
"""A projection is uncertain: it must pass the limit by this factor."""
_IDLE = 0.02
"""Share of one core below which a script does not compute."""


@dataclass(frozen=True, slots=True)
class Progress:
    """At `seconds`, unit `index` (counted from 1) of `total` was announced; `name` is split or epoch."""

    name: str
    index: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """The first and the last announcement of one name. `steady` is lost where the count went back or changed."""

    first: Progress
    last: Progress
    steady: bool = True

    def then(self, seen: Progress) -> "Pace":
        """The pace after one more announcement."""
        steady = self.steady and seen.index >= self.last.index and seen.total == self.last.total
        return Pace(self.first, seen, steady)

    def end(self) -> float | None:
        """Seconds at which the last unit will be through; None while that cannot be said.

        An announcement stands at the start or at the end of its unit; from the first to the last are
        `last − first` units either way.
        """
        done = self.last.index - self.first.index
        if not self.steady or done < 1 or done < _SETTLED * self.last.total:
            return None
        each = (self.last.seconds - self.first.seconds) / done
        return self.last.seconds + each * (self.last.total - self.last.index)


def telling(lines: list[str]) -> list[str]:
    """Those lines that may say something; the rest of a flood is passed over quickly."""
    text = "\n".join(lines).lower()
    if not any(sign in text for sign in _SIGNS):
        return []
    return [line for line in lines if any(sign in line.lower() for sign in _SIGNS)]


def progress(line: str, seconds: float) -> Progress | None:
    """The progress that a line announces, the first of several; None for any other line. Folds are splits."""
    found = _STEP.search(line)
    if found is None or not 0 < int(found[2]) <= int(found[3]):
        return None
    name = found[1].lower()
    return Progress("split" if name == "fold" else name, int(found[2]), int(found[3]), seconds)


def loss_is_nan(line: str) -> str | None:
    """A loss that is not a number does not become one again."""
    return f"the loss is not a number: {line.strip()[:120]}" if _NAN_LOSS.search(line) else None


def stalled(quiet: float, limit: float | None) -> str | None:
    """Whether a script waits for ever: neither output nor computing for `quiet` seconds."""
    return f"neither output nor computing for {quiet:.1f} s" if limit is not None and quiet >= limit else None


def computes(cpu: float, seconds: float) -> bool:
    """Whether `cpu` seconds of computing in so many seconds are work, and not a loop that waits."""
    return cpu >= _IDLE * seconds


def projected_over_limit(paces: dict[str, Pace], now: float, limit: float) -> str | None:
    """Whether the end, projected from the announcements so far, is far past the limit.

    Splits are believed before epochs, since epochs start anew in each split.
    """
    pace = paces.get("split") or paces.get("epoch")
    end = pace.end() if pace else None
    if pace is None or end is None or max(now, end) <= _TOLERANCE * limit:
        return None
    last = pace.last
    return (
        f"{last.name} {last.index}/{last.total} at {last.seconds:.0f} s puts the end at {end:.0f} s, past {limit:.0f} s"
    )
