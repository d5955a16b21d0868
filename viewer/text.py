"""Text for terminals and pages: sanitising, and one format for each kind of number.

Text from models and scripts is untrusted: an escape sequence could move the cursor, change the window title or hide a
line. `clean` removes such sequences; everything that is displayed passes through it.
"""

import math
import re

from gome.scenarios.evidence import Evaluation

__all__ = [
    "UNKNOWN",
    "clean",
    "count",
    "cut",
    "duration",
    "gain",
    "judged",
    "line",
    "money",
    "on_splits",
    "percent",
    "score",
    "several",
    "sparkline",
    "spread",
]

UNKNOWN = "–"
"""Shown for an unknown value, which is not the same as zero."""

_ESCAPES = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)?"  # OSC, DCS: titles, links
    "|\x9b[0-?]*[ -/]*[@-~]"  # CSI in one byte
    "|\x1b[ -/]*[0-~]"  # two-character escapes
)
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 except tab and newline, DEL, C1
    "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029\ufeff\ufff9-\ufffb\ud800-\udfff]"  # line separators, interlinear annotations, surrogates
)
_BARS = "▁▂▃▄▅▆▇█"
_UNITS = (("G", 1e9, 1e9), ("M", 1e6, 1e6), ("k", 1e3, 1e4))
"""Units of large figures: name, size, and from which figure on they are used."""


def clean(text: str) -> str:
    """Remove terminal escapes, control characters and bidirectional controls; keep tabs and newlines."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


def line(text: str, width: int | None = None) -> str:
    """Clean the text, join it to one line, and cut it with `…` where it is longer than `width` characters."""
    return cut(" ".join(clean(text).split()), width)


def cut(text: str, width: int | None) -> str:
    """Replace the end of the text by `…` where it is longer than `width` characters."""
    return text if width is None or len(text) <= width else text[: max(0, width - 1)].rstrip() + "…"


def score(value: float | None) -> str:
    """A score with four significant digits; from 1000 on with one decimal."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if abs(value) >= 1000:
        return f"{value:.1f}" if abs(value) < 1e9 else f"{value:.4g}"
    return f"{value:#.4g}".rstrip(".") if value == 0 or abs(value) >= 1e-4 else f"{value:.3g}"


def spread(value: float | None) -> str:
    """A spread or an error with two significant digits; from 100 on as a whole number."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:.0f}" if 99.5 <= abs(value) < 1e9 else f"{value:.2g}"


def judged(value: float | None, evaluation: Evaluation | None) -> str:
    """A score; with the number of splits where not all were run, because it is comparable only on those."""
    return on_splits(value, evaluation.judged if evaluation else "")


def on_splits(value: float | None, number: str) -> str:
    """A score that was measured on `number` of the splits, such as `2 of 5`; empty for all of them."""
    return f"{score(value)} on {number} splits" if value is not None and number else score(value)


def gain(value: float | None) -> str:
    """A gain with its sign and three significant digits; from 1000 on as a whole number."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return (f"{value:+.0f}" if 999.5 <= abs(value) < 1e9 else f"{value:+.3g}").replace("-", "−")


def short(value: float, digits: int = 3) -> str:
    """A figure for narrow places, with so many significant digits: `−2000`, `16.3k`, `5e−5`."""
    rounded = float(f"{value:.{digits}g}")
    unit, size = next((each for each in _UNITS if abs(rounded) >= each[2]), ("", 1.0, 0.0))[:2]
    return re.sub(r"e([+-])0", r"e\1", f"{rounded / size:.10g}").replace("-", "−") + unit


def duration(seconds: float | None) -> str:
    """Seconds as `0.31s`, `12.4s`, `3m07s` or `2h05m`."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{seconds:.2f}s"
    if seconds < 100:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


def count(value: float | None) -> str:
    """A count: `812`, `14.2k`, `3.1M`."""
    if value is None:
        return UNKNOWN
    for size, suffix in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e6 if suffix == 'M' else 1e3):.1f}{suffix}"
    return f"{value:.0f}"


def several(number: int, thing: str) -> str:
    """A number with a noun, in the plural where needed: `1 seed`, `2 seeds`."""
    return f"{number} {thing}" + ("" if number == 1 else "s")


def money(usd: float | None) -> str:
    """An amount in USD; below one dollar with four decimals. One that is not known is `unknown`: a dash looks free."""
    if usd is None:
        return "unknown"
    return f"${usd:.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}"


def percent(share: float | None) -> str:
    """A share in [0, 1] as a whole percentage."""
    return UNKNOWN if share is None else f"{100 * share:.0f}%"


def sparkline(values: list[float]) -> str:
    """One bar per finite value, from the lowest to the highest; equal values give equal bars."""
    finite = [each for each in values if math.isfinite(each)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    span = high - low or 1.0
    return "".join(_BARS[round((each - low) / span * (len(_BARS) - 1))] for each in finite)
