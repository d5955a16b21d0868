"""Rules for ending a script early: pure functions of its output and resource use; `Supervision` acts on them.

Each rule returns the reason to end the script, as one sentence, or None.
"""

import re
from dataclasses import dataclass

__all__ = ["Pace", "Progress", "computes", "loss_is_nan", "progress", "projected_over_limit", "stalled", "telling"]

_STEP = re.compile(r"\b(split|fold|epoch)\s*[:#=]?\s*(\d{1,9})\s*(?:/|of)\s*(\d{1,9})(?!\d)", re.IGNORECASE)
"""Longer numbers count nothing, and would leave the range of floats."""
_NAN_LOSS = re.compile(r"\b\w*loss\s*[:=]?\s*[-+]?nan\b", re.IGNORECASE)

_SIGNS = ("loss", "split", "fold", "epoch")
"""Only lines with one of these can be progress or a loss."""

_SETTLED = 0.1
"""Share of the work that must be done before a projection is made."""
_TOLERANCE = 1.5
"""Projections are uncertain: the projected end must exceed the limit by this factor."""
_IDLE = 0.02
"""Share of one core below which a script counts as idle."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A progress line: at `seconds`, unit `index` (from 1) of `total` was reported; `name` is `split` or `epoch`."""

    name: str
    index: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """The first and the last progress of one name. `steady` is false once the index went back or the total changed."""

    first: Progress
    last: Progress
    steady: bool = True

    def then(self, seen: Progress) -> "Pace":
        """The pace after one more progress line."""
        steady = self.steady and seen.index >= self.last.index and seen.total == self.last.total
        return Pace(self.first, seen, steady)

    def end(self) -> float | None:
        """Projected seconds at which the last unit is done; None while there is no basis for a projection.

        Lines may be printed at the start or at the end of each unit: `last − first` units are done between them either
        way.
        """
        done = self.last.index - self.first.index
        if not self.steady or done < 1 or done < _SETTLED * self.last.total:
            return None
        each = (self.last.seconds - self.first.seconds) / done
        return self.last.seconds + each * (self.last.total - self.last.index)


def telling(lines: list[str]) -> list[str]:
    """Those lines that may be progress or a loss; a fast filter for large amounts of output."""
    text = "\n".join(lines).lower()
    if not any(sign in text for sign in _SIGNS):
        return []
    return [line for line in lines if any(sign in line.lower() for sign in _SIGNS)]


def progress(line: str, seconds: float) -> Progress | None:
    """Parse the first progress in a line; None for any other line. `fold` counts as `split`."""
    found = _STEP.search(line)
    if found is None or not 0 < int(found[2]) <= int(found[3]):
        return None
    name = found[1].lower()
    return Progress("split" if name == "fold" else name, int(found[2]), int(found[3]), seconds)


def loss_is_nan(line: str) -> str | None:
    """The reason to end a script that printed a loss of NaN, from which training does not recover."""
    return f"the loss is not a number: {line.strip()[:120]}" if _NAN_LOSS.search(line) else None


def stalled(quiet: float, limit: float | None) -> str | None:
    """The reason to end a script that has neither printed nor computed for `quiet` seconds, where over `limit`."""
    return f"neither output nor computing for {quiet:.1f} s" if limit is not None and quiet >= limit else None


def computes(cpu: float, seconds: float) -> bool:
    """Whether `cpu` seconds of CPU time within `seconds` count as computing rather than idle polling."""
    return cpu >= _IDLE * seconds


def projected_over_limit(paces: dict[str, Pace], now: float, limit: float) -> str | None:
    """The reason to end a script whose projected end is far past `limit` seconds.

    Splits take precedence over epochs, because epochs restart in each split.
    """
    pace = paces.get("split") or paces.get("epoch")
    end = pace.end() if pace else None
    if pace is None or end is None or max(now, end) <= _TOLERANCE * limit:
        return None
    last = pace.last
    return (
        f"{last.name} {last.index}/{last.total} at {last.seconds:.0f} s puts the end at {end:.0f} s, past {limit:.0f} s"
    )
