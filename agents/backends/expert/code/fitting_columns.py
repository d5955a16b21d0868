"""Remove from a plan the features of columns that are missing or of the wrong type.

A plan grows by single moves, in any order and also from other traces: a column may be dropped after a cross was made of
it. Features of dates and of columns that order the rows are kept, since such columns are dropped last.
"""

from collections.abc import Iterable
from typing import Any

from gome.agents.backends.expert.code.features import kept_categories, needed_late, whole_cross
from gome.agents.backends.expert.columns import cycle_of, sequence_of, usable
from gome.agents.backends.expert.plan import Plan
from gome.scenarios.evidence import ColumnProfile, Profile, TaskBrief

__all__ = ["fitting_columns", "too_many_values"]

_FEWEST_ROWS = 20  # of a value that `rare` does not merge
_MOST_VALUES = 250  # boosting accepts 255, including those for missing and unknown values


def fitting_columns(task: TaskBrief, profile: Profile, plan: Plan) -> Plan:
    """The plan, reduced to columns that exist where they are used and have the required type."""
    plan = plan.model_copy(update=_read(profile, plan))
    by_name = {column.name: column for column in profile.columns if usable(column)}
    dropped = set(plan.drop)
    there = set(by_name) - (dropped - needed_late(task, profile))
    seen = there - dropped
    numbers = {name for name in there if by_name[name].dtype in ("integer", "float", "datetime")}
    dates = {name for name in there if by_name[name].dtype == "datetime"}
    words = {name for name in there if by_name[name].dtype == "category"}
    forecast = task.split.kind == "time" and len(task.targets) == 1
    ordered = there if sequence_of(task, profile) else set()
    level = plan.level if plan.level in seen & numbers - dates and by_name[plan.level].missing == 0 else ""
    whole = {name for name, column in by_name.items() if column.missing == 0}
    trend = plan.trend if plan.trend in numbers & whole and (seen - {plan.trend} or plan.trend in plan.dates) else ""
    update: dict[str, Any] = {
        "indicators": _among(plan.indicators, there),
        "rare": _among(plan.rare, words),
        "counts": _among(plan.counts, there),
        "bins": _among(plan.bins, numbers),
        "words": _among(plan.words, seen & words),
        "logs": _among(plan.logs, numbers - dates - {level, trend}),
        "cyclic": tuple(name for name in _among(plan.cyclic, there) if cycle_of(by_name[name]) is not None),
        "dates": _among(plan.dates, dates),
        "holidays": _among(plan.holidays, dates),
        "echoes": _among(plan.echoes, seen & dates)[:1] if forecast else (),
        "target_means": _among(plan.target_means, seen - {trend}),
        "crosses": tuple(pair for pair in dict.fromkeys(plan.crosses) if len({*pair} & there) == 2),
        "arithmetic": tuple(each for each in dict.fromkeys(plan.arithmetic) if {each[0], each[2]} <= numbers),
        "group_means": tuple((a, b) for a, b in dict.fromkeys(plan.group_means) if a in there and b in numbers - {a}),
        "rolling": _among(plan.rolling, numbers & ordered),
        "lags": _among(plan.lags, ordered),
        "level": level,
        "trend": trend,
        "drop": tuple(name for name in plan.drop if name != trend),
        "monotonic": tuple(
            (name, sign) for name, sign in plan.monotonic if name in seen & numbers - {*plan.target_means, trend}
        ),
    }
    return plan.model_copy(update=update)


def _read(profile: Profile, plan: Plan) -> dict[str, Any]:
    """Texts to read and columns to drop; if nothing would be left to learn from, nothing is dropped."""
    texts = tuple(
        c.name for c in profile.columns if c.name in plan.texts and c.dtype == "text" and c.name not in plan.drop
    )
    read = {*plan.dates, *plan.holidays}  # of a date that is dropped, its parts are left
    left = any(
        usable(column) and (column.name not in plan.drop or _is_read(column, read)) for column in profile.columns
    )
    if left or texts or plan.images != "none":
        return {"texts": texts}
    return {"texts": (), "drop": ()}


def _is_read(column: ColumnProfile, read: set[str]) -> bool:
    return column.dtype == "datetime" and column.name in read


def _among(names: Iterable[str], allowed: set[str]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(names) if name in allowed)


def too_many_values(profile: Profile, plan: Plan) -> bool:
    """Whether a category has more values than boosting accepts natively."""
    by_name = {column.name: column for column in profile.columns}
    single = [name for name in kept_categories(profile, plan) if name not in plan.target_means or name in plan.lags]
    pairs = [(one, other) for one, other in plan.crosses if not whole_cross(by_name[one], by_name[other])]
    values = [_values(profile, plan, by_name[name]) for name in single]
    values += [_values(profile, plan, by_name[one]) * _values(profile, plan, by_name[other]) for one, other in pairs]
    return max(values, default=0) > _MOST_VALUES


def _values(profile: Profile, plan: Plan, column: ColumnProfile) -> int:
    """Maximum number of values of a column, after rare ones are merged if the plan says so."""
    joined = column.name in plan.rare
    return min(column.cardinality, profile.rows // _FEWEST_ROWS + 1) if joined else column.cardinality
