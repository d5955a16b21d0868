"""The body of a script's `features` function, which turns the columns of the data into those of the models."""

import math

from gome.agents.backends.expert.code.wide import PICTURE
from gome.agents.backends.expert.columns import curve_of, cycle_of, sequence_of, usable
from gome.agents.backends.expert.plan import Plan
from gome.scenarios.evidence import ColumnProfile, Profile, TaskBrief

__all__ = [
    "echo_days",
    "feature_lines",
    "has_gaps",
    "kept_categories",
    "kept_columns",
    "literal",
    "made_categories",
    "needed_late",
    "quote",
    "whole_cross",
]

_WIDTH = 120
_PARTS = ("month", "day", "day_of_week", "day_of_year", "hour")


def quote(text: str) -> str:
    """A Python string literal, with the quotes that a formatter would choose."""
    plain = repr(text)
    if plain.startswith("'") and '"' not in text:
        return '"' + plain[1:-1] + '"'
    return plain


def literal(name: str, values: tuple[str, ...], indent: int = 0) -> str:
    """`name = [...]` on one line, or with one value per line if that would be too long."""
    items = [quote(value) for value in values]
    line = f"{name} = [{', '.join(items)}]"
    if indent + len(line) <= _WIDTH:
        return line
    pad = " " * indent
    return f"{name} = [\n" + "".join(f"{pad}    {item},\n" for item in items) + f"{pad}]"


def kept_columns(profile: Profile, plan: Plan) -> tuple[ColumnProfile, ...]:
    """The columns of the data that the solution keeps, texts and images excluded."""
    return tuple(column for column in profile.columns if usable(column) and column.name not in plan.drop)


def kept_categories(profile: Profile, plan: Plan) -> tuple[str, ...]:
    """The columns of the data that are categories in the solution."""
    return tuple(c.name for c in kept_columns(profile, plan) if c.dtype in ("category", "boolean"))


def has_gaps(profile: Profile, plan: Plan) -> bool:
    """Whether a numeric feature may be missing, in the data or as a result of a derived feature."""
    if plan.lags or any(operation == "per" for _, operation, _ in plan.arithmetic):
        return True
    of_categories = {*plan.counts, *(group for group, _ in plan.group_means)}
    return any(
        column.missing > 0 and (column.dtype not in ("category", "boolean") or column.name in of_categories)
        for column in kept_columns(profile, plan)
    )


def feature_lines(task: TaskBrief, profile: Profile, plan: Plan) -> list[str]:
    """The statements between `def features(rows):` and its return."""
    by_name = {column.name: column for column in profile.columns}
    gone = [c.name for c in profile.columns if c.role == "feature" and not usable(c) and c.name not in plan.texts]
    needed = needed_late(task, profile)
    late = [name for name in dict.fromkeys(plan.drop) if name in by_name and name in needed]
    first = [name for name in dict.fromkeys((*gone, *plan.drop)) if name in by_name and name not in late]
    lines = _start(task, first)
    lines += _row_numbers(profile, plan)
    lines += _words(plan)
    lines += _dates(profile, plan)
    lines += _cycles(by_name, plan)
    lines += _counted(plan)
    lines += _categories(plan, by_name)
    lines += _numbers(plan)
    lines += _in_time(task, profile, plan)
    lines += _curve(profile, plan)
    if late:
        lines.append(f"x = x.drop(columns=[{', '.join(quote(name) for name in late)}])")
    if kept_categories(profile, plan) or _joined(plan, by_name):
        lines.append('x[CATEGORIES] = x[CATEGORIES].astype("category")')
    return lines


def _row_numbers(profile: Profile, plan: Plan) -> list[str]:
    """Lines that replace texts and images by row numbers."""
    names = [*plan.texts, *([PICTURE] if plan.images != "none" and profile.images is not None else [])]
    return [f"x[{quote(name)}] = np.arange(len(x))" for name in names]


def _words(plan: Plan) -> list[str]:
    """Lines that add a column for each frequent word in the phrases of a category."""
    lines = []
    for name in plan.words:
        lines += [
            f"phrases = x[{quote(name)}].astype(str).str.lower()",
            'often = phrases.str.findall(r"[^\\W\\d_]{2,}").explode().value_counts()',
            "for word in sorted(often[often.between(20, 0.9 * len(x))].index[:40]):",
            f'    x[{quote(f"{name}_")} + word] = phrases.str.contains(rf"\\b{{word}}\\b").astype(int)',
        ]
    return lines


def needed_late(task: TaskBrief, profile: Profile) -> set[str]:
    """The columns that other features use before they are dropped: dates, and columns that order the rows."""
    return {column.name for column in profile.columns if column.dtype == "datetime"} | set(sequence_of(task, profile))


def _start(task: TaskBrief, dropped: list[str]) -> list[str]:
    targets = "*TARGETS" if len(task.targets) > 1 else "TARGET"
    names = "".join(f", {quote(name)}" for name in dropped)
    line = f"x = rows.drop(columns=[ID, {targets}{names}])"
    if len(line) + 4 <= _WIDTH:
        return [line]
    return [literal("useless", tuple(dropped), indent=4), f"x = rows.drop(columns=[ID, {targets}, *useless])"]


def _dates(profile: Profile, plan: Plan) -> list[str]:
    lines = []
    for column in profile.columns:
        if column.dtype != "datetime" or not usable(column):
            continue
        name = column.name
        lines.append(f'moment = pd.to_datetime(x[{quote(name)}], errors="coerce")')
        if name in plan.dates:
            lines += [f"x[{quote(f'{name}_{part}')}] = moment.dt.{part}" for part in _PARTS]
        if name in plan.holidays:
            of_year, weekday = quote(f"{name}_of_year"), quote(f"{name}_weekday_of_month")
            lines.append(f"x[{of_year}] = moment.dt.month * 100 + moment.dt.day")
            week = "(moment.dt.day - 1) // 7 * 10 + moment.dt.day_of_week"
            lines.append(f"x[{weekday}] = moment.dt.month * 100 + {week}")
        lines.append(f"x[{quote(name)}] = (moment - moment.min()) / pd.Timedelta(days=1)")
    return lines


def _cycles(by_name: dict[str, ColumnProfile], plan: Plan) -> list[str]:
    lines = []
    for name in plan.cyclic:
        period = cycle_of(by_name[name]) if name in by_name else None
        if period is not None:
            lines.append(f"x[{quote(f'{name}_sin')}] = np.sin(2 * np.pi * x[{quote(name)}] / {period})")
            lines.append(f"x[{quote(f'{name}_cos')}] = np.cos(2 * np.pi * x[{quote(name)}] / {period})")
    return lines


def _counted(plan: Plan) -> list[str]:
    lines = [f"x[{quote(f'{name}_missing')}] = x[{quote(name)}].isna().astype(int)" for name in plan.indicators]
    for name in plan.counts:
        column = f"x[{quote(name)}]"
        lines += [f"x[{quote(f'{name}_count')}] = {column}.map({column}.value_counts())"]
    for name in plan.rare:
        column = f"x[{quote(name)}]"
        lines.append(f"seldom = {column}.map({column}.value_counts()) < 20")
        lines.append(f'{column} = {column}.where(~seldom, "other")')
    return lines


def _joined(plan: Plan, by_name: dict[str, ColumnProfile]) -> tuple[str, ...]:
    """Names of the crosses that are categories: those whose parts are not both integers."""
    return tuple(f"{a}_{b}" for a, b in plan.crosses if not whole_cross(by_name[a], by_name[b]))


def whole_cross(*pair: ColumnProfile) -> bool:
    """Whether the cross of the columns is an integer; otherwise it is a category."""
    return all(column.dtype == "integer" and column.minimum is not None for column in pair)


def _categories(plan: Plan, by_name: dict[str, ColumnProfile]) -> list[str]:
    lines = []
    for one, other in plan.crosses:
        first, second = by_name[one], by_name[other]
        made, left, right = quote(f"{one}_{other}"), f"x[{quote(one)}]", f"x[{quote(other)}]"
        if whole_cross(first, second):
            span = int((first.maximum or 0) - min(0.0, first.minimum or 0)) + 1
            lines.append(f"x[{made}] = {left} + {span} * {right}")
        else:
            lines.append(f'x[{made}] = {left}.astype(str) + "_" + {right}.astype(str)')
    for name in plan.bins:
        lines += [f'x[{quote(f"{name}_bin")}] = pd.qcut(x[{quote(name)}], 10, labels=False, duplicates="drop")']
    return lines


def _numbers(plan: Plan) -> list[str]:
    lines = []
    for one, operation, other in plan.arithmetic:
        made, left, right = quote(f"{one}_{operation}_{other}"), f"x[{quote(one)}]", f"x[{quote(other)}]"
        formula = {
            "times": f"{left} * {right}",
            "per": f"{left} / {right}.replace(0, np.nan)",
            "minus": f"{left} - {right}",
        }
        lines.append(f"x[{made}] = {formula[operation]}")
    for group, value in plan.group_means:
        made = quote(f"{value}_by_{group}")
        lines.append(f'x[{made}] = x.groupby({quote(group)})[{quote(value)}].transform("mean")')
    for name in plan.logs:
        lines += [f"x[{quote(name)}] = np.log1p(x[{quote(name)}].clip(0))"]
    return lines


def _in_time(task: TaskBrief, profile: Profile, plan: Plan) -> list[str]:
    order = sequence_of(task, profile)
    if not order or not (plan.rolling or plan.lags):
        return []
    lines = [f"ordered = x.sort_values([{', '.join(quote(name) for name in order)}])"]
    for name in plan.rolling:
        around = f"ordered[{quote(name)}].rolling(5, center=True, min_periods=1).mean()"
        lines.append(f"x[{quote(f'{name}_around')}] = {around}")
    for name in plan.lags:
        lines += [f"x[{quote(f'{name}_before')}] = ordered[{quote(name)}].shift(1)"]
    return lines


def _curve(profile: Profile, plan: Plan) -> list[str]:
    """Lines that add what a curve's points say together; points that are dropped are still read."""
    points = curve_of(profile)
    if plan.curve == "none" or not points:
        return []
    return [
        f"made = {plan.curve}(rows[POINTS].to_numpy(dtype=float))",
        f'names = [f"{plan.curve}_{{place:03}}" for place in range(made.shape[1])]',
        "x = x.join(pd.DataFrame(made, columns=names, index=x.index))",
    ]


def made_categories(profile: Profile, plan: Plan) -> tuple[str, ...]:
    """All columns that are categories in the solution, from the data and derived."""
    by_name = {column.name: column for column in profile.columns}
    categories = kept_categories(profile, plan)
    lagged = tuple(f"{name}_before" for name in plan.lags if name in categories)
    return (*categories, *_joined(plan, by_name), *lagged)


def echo_days(task: TaskBrief, profile: Profile, name: str) -> int:
    """Lag in days for lagged targets: the estimated length of the test, in whole weeks.

    At that lag, the target is known for every test row.
    """
    days = next((column.cardinality for column in profile.columns if column.name == name), 0)
    return 7 * max(1, math.ceil(task.test_rows * days / max(1, task.train_rows) / 7))
