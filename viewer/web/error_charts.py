"""Geometry of the small charts of a solution's evidence: its errors, what it rests on, what more rows would give.

Units are those of the SVG view box, `SMALL` wide, y downwards; `templates/error_charts.html.j2` draws them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gome.scenarios.diagnostics.record import ClassPart, Confusion, Diagnostics, Part, Probes
from gome.viewer import text
from gome.viewer.web.charts import ticks

__all__ = [
    "SMALL",
    "Bar",
    "Bars",
    "Columns",
    "Curve",
    "Matrix",
    "Strip",
    "bars",
    "biases",
    "confusion_matrix",
    "learning_curve",
    "residual_strip",
]

SMALL = 340.0
_NUMBER = re.compile(r"(?<![\w.])-?(?:\d+\.\d+|\d{5,})(?![\w.])")
_NAMES = 142.0
_VALUES = 52.0
_ROW = 22.0
_MOST_BARS = 10
_LEFT, _TOP, _HEIGHT = 58.0, 12.0, 150.0
_MOST_CLASSES = 12
_SHADES = 9
_ALL = 0.995
"""From this sum on, the recorded shares of a class are all of its rows: they are rounded."""


@dataclass(frozen=True)
class Bar:
    """One bar with its name, in lines, and its value in words; `error` is half the length of its error bar."""

    x: float
    y: float
    width: float
    height: float
    names: tuple[str, ...]
    words: str
    title: str
    below: bool = False
    error: float = 0.0


@dataclass(frozen=True)
class Bars:
    """Horizontal bars, the longest first."""

    height: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Columns:
    """Bars up and down from zero, in the order of a value. `ys` are the ticks of the axis: position and label."""

    height: float
    zero: float
    ys: tuple[tuple[float, str], ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Strip:
    """Where the signed errors lie: the inner 80 % from `low` to `high`, the inner 98 % from `lowest` to `highest`."""

    lowest: float
    low: float
    middle: float
    high: float
    highest: float
    zero: float
    words: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Curve:
    """The score after a fit on half of the rows and on all of them, and after a fit with another seed, where known."""

    half: float
    whole: float
    reseeded: float | None
    ys: tuple[tuple[float, str], ...]
    words: str


@dataclass(frozen=True)
class Cell:
    """A cell of the matrix: share of the rows of the true class, None where it is not known."""

    share: float | None
    shade: int
    title: str


@dataclass(frozen=True)
class Matrix:
    """Predicted class by true class. `rest`: whether pairs too rare to be recorded are left open."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    rest: bool


def bars(values: Sequence[tuple[str, float, float | None]], percent: bool = False) -> Bars:
    """Horizontal bars of (name, value, standard error), at most ten, the largest first."""
    shown = sorted(values, key=lambda each: -each[1])[:_MOST_BARS]
    longest = max((max(value, 0.0) + (error or 0.0) for _, value, error in shown), default=0.0) or 1.0
    room = SMALL - _NAMES - _VALUES
    made = []
    for number, (name, value, error) in enumerate(shown):
        words = text.percent(value) if percent else text.score(value)
        spread = f" ± {text.spread(error)}" if error is not None else ""
        made.append(
            Bar(
                x=_NAMES,
                y=4 + number * _ROW,
                width=round(max(1.0, room * max(value, 0.0) / longest), 1),
                height=14.0,
                names=(text.cut(name, 17),),
                words=words,
                title=f"{name}: {words}{spread}",
                error=round(room * error / longest, 1) if error else 0.0,
            )
        )
    return Bars(len(made) * _ROW + 8, tuple(made))


def biases(parts: Sequence[Part]) -> Columns | None:
    """Mean signed error of each part; None where there are fewer than two parts with one."""
    known = [(part, part.bias) for part in parts if part.bias is not None]
    if len(known) < 2:
        return None
    low, high = min(0.0, *(bias for _, bias in known)), max(0.0, *(bias for _, bias in known))
    span = (high - low) or 1.0
    low, high = low - 0.05 * span, high + 0.05 * span
    bottom = _TOP + _HEIGHT

    def y(value: float) -> float:
        return round(_TOP + _HEIGHT * (high - value) / (high - low), 1)

    step = (SMALL - _LEFT - 6) / len(known)
    made = []
    for number, (part, bias) in enumerate(known):
        top, end = sorted((y(bias), y(0.0)))
        title = f"{part.value}: {text.gain(bias)}; {text.percent(part.share_of_rows)} of the rows, "
        made.append(
            Bar(
                x=round(_LEFT + number * step + 0.14 * step, 1),
                y=top,
                width=round(0.72 * step, 1),
                height=max(1.0, round(end - top, 1)),
                names=_bounds(part.value),
                words=text.percent(part.share_of_loss),
                title=f"{title}{text.percent(part.share_of_loss)} of the loss",
                below=bias < 0,
            )
        )
    axis = tuple((y(at), text.short(at)) for at in ticks(low, high, 4))
    return Columns(bottom + 54, y(0.0), axis, tuple(made))


def _bounds(value: str) -> tuple[str, ...]:
    """The name of a column, with rounded numbers; an interval stands on two lines."""
    low, _, high = _NUMBER.sub(lambda found: text.short(float(found[0])), value).partition(" to ")
    return (f"{text.cut(low, 8)} –", text.cut(high, 9)) if high else (text.cut(low, 9),)


def residual_strip(found: Diagnostics) -> Strip | None:
    """The distribution of the signed errors; None where errors have no sign."""
    known = dict(found.quantiles)
    if found.scale == "loss" or not all(level in known for level in (0.01, 0.1, 0.5, 0.9, 0.99)):
        return None
    low, high = min(0.0, known[0.01]), max(0.0, known[0.99])
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return round(14 + (SMALL - 28) * (value - low) / span, 1)

    words = [(x(known[level]), text.gain(known[level]) if known[level] else "0") for level in (0.01, 0.5, 0.99)]
    return Strip(x(known[0.01]), x(known[0.1]), x(known[0.5]), x(known[0.9]), x(known[0.99]), x(0.0), tuple(words))


def learning_curve(probes: Probes) -> Curve | None:
    """The curve from half of the rows to all of them; None where the probe did not measure it."""
    if probes.half is None or probes.whole is None:
        return None
    known = [each for each in (probes.half, probes.whole, probes.reseeded) if each is not None]
    span = (max(known) - min(known)) or abs(known[0]) * 0.1 or 1.0
    low, high = min(known) - 0.3 * span, max(known) + 0.3 * span

    def y(value: float) -> float:
        return round(_TOP + _HEIGHT * (high - value) / (high - low), 1)

    axis = tuple((y(at), text.short(at, 4)) for at in ticks(low, high, 4))
    reseeded = None if probes.reseeded is None else y(probes.reseeded)
    words = f"half of the rows {text.score(probes.half)}, all {text.score(probes.whole)}"
    return Curve(y(probes.half), y(probes.whole), reseeded, axis, words)


def confusion_matrix(classes: Sequence[ClassPart], confusions: Sequence[Confusion]) -> Matrix | None:
    """Shares of each true class by predicted class; None where there are no classes, or too many to show."""
    names = tuple(each.name for each in classes)
    if not 2 <= len(names) <= _MOST_CLASSES:
        return None
    found = {(each.truth, each.decided): each.share for each in confusions}
    found |= {(each.name, each.name): each.recall for each in classes}
    told = {truth: sum(share for (of, _), share in found.items() if of == truth) for truth in names}

    def cell(truth: str, decided: str) -> Cell:
        nothing_left = told[truth] > _ALL
        share = found.get((truth, decided), 0.0 if nothing_left else None)
        words = "too rare to be recorded" if share is None else f"{text.percent(share)} of its rows"
        return Cell(
            share, 0 if share is None else min(_SHADES, round(_SHADES * share)), f"{truth} as {decided}: {words}"
        )

    rows = tuple((truth, tuple(cell(truth, decided) for decided in names)) for truth in names)
    return Matrix(names, rows, any(each.share is None for _, cells in rows for each in cells))
