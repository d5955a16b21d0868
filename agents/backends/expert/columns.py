"""What the columns of a table are, as the expert reads their profile: features, cycles, an order in time, texts."""

import re
from functools import lru_cache

from gome.agents.backends.expert.plan import Plan
from gome.scenarios.evidence import ColumnProfile, Profile, TaskBrief

__all__ = [
    "FEW_ROWS",
    "HIGH_CARDINALITY",
    "curve_of",
    "cycle_of",
    "phrases",
    "sequence_of",
    "texts_lead",
    "usable",
    "with_joins",
]

HIGH_CARDINALITY = 200
FEW_ROWS = 2000
_NUMBERED = re.compile(r"(.*?)(\d+)")
_FEWEST_POINTS = 16
_FEWEST_PHRASES, _SHARED_WORDS = 20, 0.7
_WORD = re.compile(r"[^\W\d_]{2,}")
_STEP_OF_A_CURVE = 0.25
_WORDS_FOR_A_COLUMN, _WORDS_FOR_A_COLUMN_ON_FEW_ROWS = 5, 20

_CYCLES: tuple[tuple[str, float, float, int], ...] = (
    (r"(^|_)(hr|hour|hours)(_|$)", 0, 23, 24),
    (r"(^|_)(weekday|dow|dayofweek|day_of_week|wday)(_|$)", 0, 6, 7),
    (r"(^|_)(weekday|dow|dayofweek|day_of_week|wday)(_|$)", 1, 7, 7),
    (r"(^|_)(month|mnth|mon)(_|$)", 1, 12, 12),
    (r"(^|_)(minute|min|second|sec)(_|$)", 0, 59, 60),
    (r"(^|_)(day|doy|yday|dayofyear|day_of_year)(_|$)", 1, 365, 365),
    (r"(^|_)(day|doy|yday|dayofyear|day_of_year)(_|$)", 1, 366, 366),
    (r"(^|_)(quarter|season)(_|$)", 1, 4, 4),
)


def usable(column: ColumnProfile) -> bool:
    """Whether a column can be a feature: neither id nor target nor free text, and more than one value."""
    if column.role != "feature" or column.dtype == "text":
        return False
    return column.cardinality > 1 or 0 < column.missing < 1


def texts_lead(profile: Profile) -> bool:
    """Whether texts hold most of the information: many words per other column. False where there is no text.

    On few rows more words per column are required, because single words are too rare to be weighted well.
    """
    words = sum(column.words or 0.0 for column in profile.columns if column.role == "feature")
    joined = [column for table in profile.tables for column in table.columns]
    others = sum(usable(column) for column in (*profile.columns, *joined))
    least = _WORDS_FOR_A_COLUMN if profile.rows >= FEW_ROWS else _WORDS_FOR_A_COLUMN_ON_FEW_ROWS
    return words > 0 and words >= least * others


def with_joins(profile: Profile, plan: Plan) -> Profile:
    """The profile, extended by the columns of the side tables that the plan joins."""
    added = tuple(column for table in profile.tables if table.prefix in plan.joins for column in table.columns)
    return profile.model_copy(update={"columns": (*profile.columns, *added)}) if added else profile


def cycle_of(column: ColumnProfile) -> int | None:
    """The period of a cyclic column, such as 24 for an hour; None for other columns."""
    if column.dtype not in ("integer", "float") or column.minimum is None or column.maximum is None:
        return None
    for pattern, low, high, period in _CYCLES:
        if (column.minimum, column.maximum) == (low, high) and re.search(pattern, column.name.lower()):
            return period
    return None


def phrases(column: ColumnProfile) -> bool:
    """Whether a category's values are phrases that share words, such as `oil leak, hall B` and `oil leak, roof`."""
    if column.dtype != "category" or column.cardinality < _FEWEST_PHRASES:
        return False
    found = [_WORD.findall(level.lower()) for level, _ in column.levels]
    said = [word for words in found for word in words]
    several = sum(len(words) > 1 for words in found)
    return several > 0.8 * len(found) and len(set(said)) < _SHARED_WORDS * len(said)


def curve_of(profile: Profile) -> tuple[str, ...]:
    """The columns that are the points of one curve, in their order: numbered numbers without gaps; empty for none.

    Neighbouring columns have means that differ by little of their range, as points of a curve do.
    """
    runs: list[list[ColumnProfile]] = [[]]
    for column in profile.columns:
        if not _follows(runs[-1], column):
            runs.append([])
        if _numbered(column):
            runs[-1].append(column)
    longest = max(runs, key=len)
    if len(longest) < _FEWEST_POINTS:
        return ()
    return tuple(column.name for column in longest)


def _numbered(column: ColumnProfile) -> bool:
    fits = column.dtype in ("integer", "float") and column.missing == 0 and usable(column)
    return fits and _number_of(column.name) is not None


@lru_cache(1 << 14)
def _number_of(name: str) -> tuple[str, int] | None:
    """The beginning of a column's name and the number at its end; None where it has none.

    Kept, as it is asked for each column of tables that may have ten thousand, by many moves.
    """
    parts = _NUMBERED.fullmatch(name)
    return (parts[1], int(parts[2])) if parts else None


def _follows(run: list[ColumnProfile], column: ColumnProfile) -> bool:
    """Whether a column has the next number after the last of a run, and about its mean."""
    if not run:
        return True
    here, last = _number_of(column.name), _number_of(run[-1].name)
    if here is None or last is None or here != (last[0], last[1] + 1):
        return False
    if None in (column.mean, run[-1].mean, column.minimum, column.maximum):
        return False
    width = (column.maximum or 0.0) - (column.minimum or 0.0)
    return abs((column.mean or 0.0) - (run[-1].mean or 0.0)) <= _STEP_OF_A_CURVE * width


def sequence_of(task: TaskBrief, profile: Profile) -> tuple[str, ...]:
    """The columns that order the rows in time, coarsest first; empty where the rows have no such order."""
    dates = [column.name for column in profile.columns if column.dtype == "datetime" and usable(column)]
    if dates:
        return (dates[0],)
    numbers = {c.name: c for c in profile.columns if c.dtype in ("integer", "float") and usable(c)}
    if task.split.kind not in ("group", "time") or task.split.column not in numbers:
        return ()
    hours = [name for name, column in numbers.items() if cycle_of(column) in (24, 60) and name != task.split.column]
    if task.split.kind == "group" and not hours:
        return ()
    return (task.split.column, *sorted(hours, key=lambda name: cycle_of(numbers[name]) or 0)[:1])
