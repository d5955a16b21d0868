"""Geometry of the report's charts over time; `templates/charts.html.j2` draws them.

Units are those of each chart's SVG view box, `WIDTH` wide, y downwards.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gome.viewer import text
from gome.viewer.model.message_lines import role
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary

__all__ = ["LABEL", "WIDTH", "Lanes", "ScoreChart", "Tick", "lanes", "score_chart", "ticks"]

WIDTH = 960.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 24.0, 16.0, 28.0
_LANE = 22.0
LABEL = 112.0
"""Width reserved for the names of rows and lanes."""
_FINEST = 1.0
"""Bars closer together than this are indistinguishable."""
_BLOCK = 8.0
"""Maximum width of a bar that merges several activities."""
_AND_MORE = ", and others"
_MANY = 60
"""With more trials than this, dots are smaller, and neither scores of splits nor dots that overlap one of the same
kind are drawn."""
_DOT = 3.0
"""Dots closer together than this overlap."""

_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
"""Distances between the ticks of a time axis that a clock also has."""

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Tick:
    """A tick of an axis: position and label."""

    at: float
    label: str


@dataclass(frozen=True)
class Dot:
    """A trial in the score chart: its score at `y`, the scores of its splits from `low` to `high`."""

    x: float
    y: float
    low: float
    high: float
    folds: tuple[float, ...]
    trace: int
    verdict: str
    title: str


@dataclass(frozen=True)
class ScoreChart:
    """Scores over time. `paths`: each trace's best score as an SVG path; `baseline`: None where outside the chart.

    `metric` says what the scores are. `many`: there are so many trials that dots are small, without their splits.
    """

    height: float
    metric: str
    many: bool
    dots: tuple[Dot, ...]
    paths: tuple[tuple[int, str], ...]
    xs: tuple[Tick, ...]
    ys: tuple[Tick, ...]
    baseline: float | None


@dataclass(frozen=True)
class Bar:
    """One activity in a lane."""

    x: float
    width: float
    trace: int | None
    title: str


@dataclass(frozen=True)
class Lane:
    """The model calls of one actor, or the scripts of one slot."""

    y: float
    label: str
    slot: bool
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Lanes:
    """The timeline chart: lanes of actors and slots."""

    height: float
    lanes: tuple[Lane, ...]
    xs: tuple[Tick, ...]


def score_chart(summary: Summary, height: float = 320.0) -> ScoreChart:
    """The chart of scores over time. Scores outside the drawn range are placed at the chart's edge."""
    scored = [step for step in summary.trials if step.score is not None and step.closed is not None]
    low, high = _range(scored)
    bottom = height - _BOTTOM
    until = summary.time or 1.0

    def x(time: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * time / until, 1)

    def y(score: float) -> float:
        inside = min(max(score, low), high)
        return round(_TOP + (bottom - _TOP) * (high - inside) / ((high - low) or 1.0), 1)

    dots = [_dot(step, x(step.closed or 0.0), y) for step in scored]
    baseline = summary.opened.baseline if summary.opened else None
    return ScoreChart(
        height=height,
        metric=f"{summary.opened.task.metric}, {'higher' if summary.maximizes else 'lower'} is better"
        if summary.opened
        else "",
        many=(many := len(dots) > _MANY),
        dots=tuple(_thinned(dots) if many else dots),
        paths=_best_paths(summary, scored, x, y, WIDTH - _RIGHT),
        xs=_clock(x, until),
        ys=tuple(Tick(y(at), label) for at, label in _scores(ticks(low, high, 5))),
        baseline=y(baseline) if baseline is not None and low <= baseline <= high else None,
    )


def _range(scored: Sequence[Step]) -> tuple[float, float]:
    """The range of scores to draw: accepted trials with the scores of their splits, plus a margin."""
    drawn: list[float] = []
    for step in scored:
        if step.verdict == "accepted" and step.score is not None:
            drawn.append(step.score)
            drawn.extend(_folds(step))
    if not drawn:
        drawn = [step.score for step in scored if step.score is not None] or [0.0, 1.0]
    low, high = min(drawn), max(drawn)
    margin = 0.15 * (high - low) or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _folds(step: Step) -> tuple[float, ...]:
    evaluation = step.diagnosis.evaluation if step.diagnosis else None
    return evaluation.folds if evaluation else ()


def _dot(step: Step, x: float, y: Scale) -> Dot:
    folds = _folds(step)
    score = step.score if step.score is not None else 0.0
    spread = (min((*folds, score)), max((*folds, score)))
    effect = f", {step.gain_told}" if step.gain is not None else ""
    return Dot(
        x=x,
        y=y(score),
        low=y(spread[0]),
        high=y(spread[1]),
        folds=tuple(y(each) for each in folds),
        trace=step.trace,
        verdict=step.verdict,
        title=f"{step.name} {step.verdict}: {step.score_words}{effect}",
    )


def _thinned(dots: Sequence[Dot]) -> list[Dot]:
    """The first of overlapping dots with the same trace and verdict, accepted ones last, so that none covers them.

    Scores of splits are dropped.
    """
    seen: dict[tuple[object, ...], Dot] = {}
    for dot in dots:
        place = (dot.trace, dot.verdict, round(dot.x / _DOT), round(dot.y / _DOT))
        seen.setdefault(place, replace(dot, low=dot.y, high=dot.y, folds=()))
    return sorted(seen.values(), key=lambda dot: dot.verdict == "accepted")


def _best_paths(
    summary: Summary, scored: Sequence[Step], x: Scale, y: Scale, end: float
) -> tuple[tuple[int, str], ...]:
    paths = []
    for index in sorted(summary.traces):
        points = [
            (x(step.closed or 0.0), y(step.score or 0.0))
            for step in scored
            if step.trace == index and step.verdict == "accepted"
        ]
        if points:
            start, rest = points[0], points[1:]
            turns = "".join(f"H{at}V{height}" for at, height in rest)
            paths.append((index, f"M{start[0]} {start[1]}{turns}H{end}"))
    return tuple(paths)


def lanes(summary: Summary) -> Lanes:
    """Lanes of actors that called models, then of slots that ran scripts."""
    until = summary.time or 1.0

    def x(time: float) -> float:
        return round(LABEL + (WIDTH - LABEL - _RIGHT) * time / until, 1)

    spans = summary.timeline.spans
    actors = sorted({each.actor for each in spans if not each.executes}, key=lambda name: (_place_of(name), name))
    slots = sorted({each.slot for each in spans if each.slot is not None})
    groups: list[tuple[str, bool, list[Bar]]] = [(actor, False, []) for actor in actors]
    groups.extend((f"slot {slot}", True, []) for slot in slots)
    by_label = {label: bars for label, _, bars in groups}
    for each in spans:
        label = f"slot {each.slot}" if each.executes else each.actor
        if label not in by_label:
            continue  # a script that never ended has no slot
        end = each.end if each.end is not None else until
        where = f"{each.trace}.{each.step} " if each.trace is not None else ""
        title = f"{where}{each.label or each.activity}, {text.duration(end - each.start)}"
        bar = Bar(x(each.start), round(max(1.0, x(end) - x(each.start)), 1), each.trace, title)
        bars = by_label[label]
        if bars and _touch(bars[-1], bar):
            whole = round(max(bars[-1].width, bar.x + bar.width - bars[-1].x), 1)
            bars[-1] = replace(bars[-1], width=whole, title=f"{bars[-1].title.removesuffix(_AND_MORE)}{_AND_MORE}")
        else:
            bars.append(bar)
    made = tuple(
        Lane(_TOP + number * _LANE, label, slot, tuple(bars)) for number, (label, slot, bars) in enumerate(groups)
    )
    return Lanes(_TOP + len(made) * _LANE + _BOTTOM, made, _clock(x, until))


def _touch(one: Bar, other: Bar) -> bool:
    """Whether two bars of a trace are so close and short that they can be merged."""
    near = one.x <= other.x < one.x + one.width + _FINEST
    return near and one.trace == other.trace and other.x + other.width - one.x <= _BLOCK


def _place_of(actor: str) -> tuple[int, int]:
    """Sort key of lanes: by trace, then in the order in which a step passes through the roles."""
    order = {"diagnoser": 0, "proposer": 1, "writer": 2}
    number = actor.rpartition("-")[2]
    return (int(number) if number.isdigit() else 999, order.get(role(actor), 9))


def _clock(x: Scale, until: float) -> tuple[Tick, ...]:
    """The ticks of a time axis, at most nine, at whole seconds, minutes or hours where the axis is that long."""
    step = next((each for each in _SECONDS if until <= 8 * each), None)
    decimal = step is None or until < 4
    times = ticks(0.0, until, 8) if decimal else [float(at) for at in range(0, int(until) + 1, step or 1)]
    return tuple(Tick(x(at), _moment(at)) for at in times)


def _moment(seconds: float) -> str:
    """A time as `0`, `30s`, `1m30s`, `2m`, `1h30m` or `2h`."""
    if seconds != round(seconds) or not seconds:
        return text.duration(seconds) if seconds else "0"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    named = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in named if number)


def _scores(values: Sequence[float]) -> list[tuple[float, str]]:
    """The ticks of a score axis with their labels, which all have as many decimals as the longest."""
    labels = [f"{value:.6g}" for value in values]
    if any("e" in label for label in labels):
        return list(zip(values, labels, strict=True))
    decimals = max((len(label.partition(".")[2]) for label in labels), default=0)
    return [(value, f"{value:.{decimals}f}") for value in values]


def ticks(low: float, high: float, wanted: int) -> list[float]:
    """About `wanted` round numbers in the range [low, high]."""
    if not high > low:
        return [low]
    rough = (high - low) / wanted
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]
