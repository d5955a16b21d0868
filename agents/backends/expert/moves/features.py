"""Moves on features: columns derived from other columns."""

import math
from collections.abc import Callable, Iterable
from itertools import combinations

from gome.agents.backends.expert.moves.captions import CYCLES, JOINT, MOMENTS, SLICE, TIME
from gome.agents.backends.expert.moves.move import Choice, Move, Subject, extend
from gome.agents.backends.expert.plan import Arithmetic, Plan
from gome.agents.backends.expert.situation import Scene
from gome.scenarios.evidence import ColumnProfile

__all__ = ["MOVES", "add_group_mean"]


def _cycles(scene: Scene) -> Iterable[Choice]:
    for name, period in scene.cycles.items():
        if name not in scene.plan.cyclic and period > 6:
            words = f"{name} runs from its end back to its start (period {period}); as a number its ends are far apart."
            yield Choice((name,), 0.02 * (1 if period == 24 else 0.5), words)


def _moments(scene: Scene) -> Iterable[Choice]:
    for column in scene.dates:
        if column.name not in scene.plan.dates:
            words = (
                f"{column.name} is a date that the model sees as a number of days; month, weekday and hour are hidden."
            )
            yield Choice((column.name,), 0.08, words)


def _few(scene: Scene) -> list[ColumnProfile]:
    """Columns of few values, of which two can be crossed into one category."""
    kinds = ("integer", "category", "boolean")
    return [c for c in scene.columns if c.dtype in kinds and 2 <= c.cardinality <= 50 and c.missing == 0]


def _pairs(scene: Scene, within: frozenset[str] | None = None) -> Iterable[tuple[Subject, float, int]]:
    crossed = set(scene.plan.crosses)
    for one, other in combinations(_few(scene), 2):
        cells = one.cardinality * other.cardinality
        first, second = sorted((one, other), key=lambda column: -column.cardinality)
        pair = (first.name, second.name)
        if pair in crossed or cells > min(250, scene.profile.rows / 20):
            continue
        if within is not None and not within & set(pair):
            continue
        yield pair, math.sqrt(scene.weight(one.name) * scene.weight(other.name)), cells


def _crosses(scene: Scene) -> Iterable[Choice]:
    crossed = {name for pair in scene.plan.crosses for name in pair}
    for pair, weight, cells in _pairs(scene):
        weight *= 0.3 if crossed & set(pair) else 1.0
        hours = scene.cycles.get(pair[0]) == 24 or scene.cycles.get(pair[1]) == 24
        words = f"{pair[0]} and {pair[1]} are telling and have {cells} joint values: one may act by way of the other."
        yield Choice(pair, min(0.04, 0.12 * weight * (1.3 if hours else 1.0)), words)


def _slices(scene: Scene) -> Iterable[Choice]:
    if scene.evaluation is None or not scene.evaluation.residuals:
        return
    total = sum(valid for valid, _ in scene.evaluation.fold_rows) or scene.profile.rows
    for piece in scene.evaluation.residuals[:5]:
        excess = piece.share_of_loss - piece.rows / total
        if excess < 0.05:
            continue
        for pair, weight, _ in _pairs(scene, frozenset({piece.feature})):
            words = (
                f"{piece.feature} = {piece.value} holds {piece.share_of_loss:.0%} of the loss on "
                f"{piece.rows / total:.0%} of the rows."
            )
            yield Choice(pair, min(0.02, 0.03 * excess + 0.03 * weight), words)


def _arithmetic(operation: Arithmetic, gain: float) -> Callable[[Scene], Iterable[Choice]]:
    def choices(scene: Scene) -> Iterable[Choice]:
        if len(scene.continuous) < 2:
            return
        for one, other in combinations(scene.continuous[:4], 2):
            if operation == "per" and ((other.minimum or 0) < 0 or (one.minimum or 0) < 0):
                continue
            if operation == "minus" and not _comparable(one, other):
                continue
            if any({a, b} == {one.name, other.name} and op == operation for a, op, b in scene.plan.arithmetic):
                continue
            weight = math.sqrt(scene.weight(one.name) * scene.weight(other.name))
            words = f"{one.name} and {other.name} are among the most telling numbers; trees cut along one at a time."
            amounts = operation == "per" and min(one.skew or 0.0, other.skew or 0.0) > 1.0
            yield Choice((one.name, other.name), gain * (2.5 if amounts else 1.0) * (0.5 + 2 * weight), words)

    return choices


def _comparable(one: ColumnProfile, other: ColumnProfile) -> bool:
    """Whether two numeric columns have about the same range, so that their difference is meaningful."""
    if None in (one.minimum, one.maximum, other.minimum, other.maximum):
        return False
    low = max(one.minimum or 0.0, other.minimum or 0.0)
    high = min(one.maximum or 0.0, other.maximum or 0.0)
    widest = max((one.maximum or 0.0) - (one.minimum or 0.0), (other.maximum or 0.0) - (other.minimum or 0.0))
    return widest > 0 and (high - low) / widest > 0.6


def _calculate(operation: Arithmetic) -> Callable[[Plan, Subject], Plan]:
    def edit(plan: Plan, subject: Subject) -> Plan:
        if len(subject) != 2 or (subject[0], operation, subject[1]) in plan.arithmetic:
            return plan
        return plan.model_copy(update={"arithmetic": (*plan.arithmetic, (subject[0], operation, subject[1]))})

    return edit


def _cross(plan: Plan, subject: Subject) -> Plan:
    if len(subject) != 2 or (subject[0], subject[1]) in plan.crosses:
        return plan
    return plan.model_copy(update={"crosses": (*plan.crosses, (subject[0], subject[1]))})


def _varying(scene: Scene, most: int = 4) -> list[ColumnProfile]:
    """The most important continuous columns, which vary over time."""
    return list(scene.continuous[:most])


def _lags(scene: Scene) -> Iterable[Choice]:
    if not scene.sequence or scene.plan.lags:
        return
    states = [c for c in scene.categories if c.cardinality <= 12 and c.name not in scene.cycles]
    states = [c for c in states if len(scene.sequence) < 2 or _moves_within(c)]
    names = tuple(column.name for column in (*_varying(scene, 3), *states[:2]))
    if names:
        order = " and ".join(scene.sequence)
        words = f"{scene.profile.rows} rows follow each other by {order}, yet each is read as if it stood alone."
        yield Choice(names, 0.035, words)


def _moves_within(column: ColumnProfile) -> bool:
    """Whether a category can change from hour to hour; months, days and seasons, by name, cannot."""
    return not any(word in column.name.lower() for word in ("month", "mnth", "day", "season", "year", "week"))


def _rolling(scene: Scene) -> Iterable[Choice]:
    names = tuple(c.name for c in _varying(scene) if c.name not in scene.plan.rolling)
    if scene.sequence and names and not scene.plan.rolling:
        words = (
            f"Single readings of {names[0]} are noisy; what lies around them by {' and '.join(scene.sequence)} is not."
        )
        yield Choice(names, 0.008, words)


def _group_means(scene: Scene) -> Iterable[Choice]:
    groups = [scene.sequence[0]] if len(scene.sequence) > 1 else []
    groups += [c.name for c in scene.categories if 5 <= c.cardinality <= scene.profile.rows / 20]
    for group in groups[:3]:
        for column in scene.continuous[:3]:
            if (group, column.name) not in scene.plan.group_means:
                words = f"How {column.name} lies against its mean by {group} is not visible in one row."
                yield Choice((group, column.name), 0.004, words)


def add_group_mean(plan: Plan, subject: Subject) -> Plan:
    """The plan with the mean of a column by a group; unchanged if it has that or `subject` is not (group, column)."""
    if len(subject) != 2 or (subject[0], subject[1]) in plan.group_means:
        return plan
    return plan.model_copy(update={"group_means": (*plan.group_means, (subject[0], subject[1]))})


MOVES = (
    Move(
        "FeatureEng",
        "cyclic",
        "add",
        CYCLES,
        "Sine and cosine of {subject} bring its two ends together.",
        _cycles,
        extend("cyclic"),
        safety=8,
        at_root=True,
    ),
    Move(
        "FeatureEng",
        "date_parts",
        "add",
        MOMENTS,
        "Month, day, weekday and hour of {subject} let the model see the calendar.",
        _moments,
        extend("dates"),
        safety=8,
        at_root=True,
    ),
    Move(
        "FeatureEng",
        "cross",
        "add",
        JOINT,
        "{subject} as one joint column shows what each does at a value of the other.",
        _crosses,
        _cross,
        safety=7,
    ),
    Move(
        "FeatureEng",
        "cross_of_slice",
        "add",
        SLICE,
        "{subject} as one joint column gives the part with the largest errors a voice of its own.",
        _slices,
        _cross,
        safety=6,
    ),
    Move(
        "FeatureEng",
        "ratio",
        "add",
        JOINT,
        "The ratio of {subject} may tell more than the two.",
        _arithmetic("per", 0.006),
        _calculate("per"),
        safety=6,
    ),
    Move(
        "FeatureEng",
        "product",
        "add",
        JOINT,
        "The product of {subject} may tell more than the two.",
        _arithmetic("times", 0.005),
        _calculate("times"),
        safety=6,
    ),
    Move(
        "FeatureEng",
        "difference",
        "add",
        JOINT,
        "The difference of {subject}, which are on one scale, may tell more than the two.",
        _arithmetic("minus", 0.006),
        _calculate("minus"),
        safety=6,
    ),
    Move(
        "FeatureEng",
        "before",
        "add",
        TIME,
        "What {subject} was in the row before lets the model see change and its echo.",
        _lags,
        extend("lags"),
        safety=6,
    ),
    Move(
        "FeatureEng",
        "around",
        "add",
        TIME,
        "The mean of {subject} over the neighbouring rows in time is steadier than one reading.",
        _rolling,
        extend("rolling"),
        safety=6,
    ),
    Move(
        "FeatureEng",
        "group_mean",
        "add",
        TIME,
        "The mean by the first of {subject} of the second gives each row its surroundings.",
        _group_means,
        add_group_mean,
        safety=6,
    ),
)
