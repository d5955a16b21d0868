"""Compose the script of a plan: one self-contained `solution.py` that follows docs/contract.md.

The parts of the script are templates; this module computes their values.
"""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gome.agents.backends.expert.code.features import (
    echo_days,
    feature_lines,
    has_gaps,
    kept_columns,
    literal,
    made_categories,
    quote,
)
from gome.agents.backends.expert.code.fitting import fitting
from gome.agents.backends.expert.code.imports import imports_of
from gome.agents.backends.expert.code.metrics import score_lines
from gome.agents.backends.expert.code.wide import PICTURE, picture_size, reading, readings
from gome.agents.backends.expert.columns import curve_of, with_joins
from gome.agents.backends.expert.plan import Family, Plan, plan_line, tunable
from gome.agents.backends.expert.situation import LOG_METRICS, metric_key
from gome.scenarios.evidence import Profile, SideTable, TaskBrief

__all__ = ["compose"]

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=False,  # noqa: S701 - Python source, not HTML
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def compose(task: TaskBrief, profile: Profile, plan: Plan) -> str:
    """Compose the formatted script of a plan. The same arguments give the same text."""
    body = _ENVIRONMENT.get_template("solution.py.j2").render(_context(task, profile, plan))
    body = body.replace("@@IMPORTS@@", imports_of(body))
    body = re.sub(r"\n{3,}(?=(def|class|if) )", "\n\n\n", body)
    return re.sub(r"\n{4,}", "\n\n\n", body).rstrip("\n") + "\n"


def _context(task: TaskBrief, profile: Profile, plan: Plan) -> dict[str, Any]:
    original, profile = plan, with_joins(profile, plan)
    names = {each.name for each in tunable(original)}

    def tuned(name: str) -> str:
        """The expression of a constant in the script."""
        return f"PARAMS[{quote(name)}][0]" if name in names else str(getattr(plan, name))

    plan = fitting(task, profile, plan)
    numeric = task.task_type == "regression" or plan.decide == "cuts"
    held_out = plan.inner or ("boosting" in plan.models and plan.early_stopping)
    grouped = held_out and task.split.kind in ("group", "time") and task.split.column is not None
    several = plan.inner or plan.bags > 1 or plan.bag_rows or len(plan.models) > 1
    categories = made_categories(profile, plan)
    multi = len(task.targets) > 1
    return _beside(profile, plan) | {
        "task": task,
        "plan": plan,
        "title": f"{task.name}: predict {', '.join(task.targets)}, judged by {task.metric}.",
        "plan_line": plan_line(original),
        "constants": [*_constants(task, profile, plan, categories), *_declared(original)],
        "tuned": tuned,
        "feature_lines": feature_lines(task, profile, plan),
        "numeric": numeric,
        "trend_in_days": any(c.name == plan.trend and c.dtype == "datetime" for c in profile.columns),
        "grouped": grouped,
        "several": several,
        "gaps": has_gaps(profile, plan),
        "finish": _finish(task, plan),
        "fitted_after": plan.calibrate != "none" or plan.decide != "argmax",
        "multi": multi,
        "kind": "Regressor" if numeric else "Classifier",
        "target_type": "continuous" if numeric else task.task_type,
        "prepare": {_preparation(family, profile, plan) for family in plan.models},
        "piped": lambda family: _piped(family, task, profile, plan),
        "readings": readings(plan),
        "loss": plan.loss if numeric else "log_loss",
        "inner_folds": _inner_folds(grouped, numeric, 3),
        "stopping_folds": _inner_folds(grouped, numeric, 3 if grouped else 10),
        "target_of_y": _target_of_y(task, plan),
        "y_expression": _y_expression(task),
        "groups_expression": _groups_expression(task) if grouped else "",
        "metric_words": f"{task.metric[0].upper()}{task.metric[1:]}.",
        "score_lines": score_lines(task),
    }


def _beside(profile: Profile, plan: Plan) -> dict[str, Any]:
    """Template values for side tables, images, and columns beside texts."""
    tables = [_side_table(table) for table in profile.tables if table.prefix in plan.joins]
    found: dict[str, Any] = {"joins": tables, "quote": quote, "names": _list, "picture": PICTURE}
    mixed = _beside_texts(profile, plan)
    found |= {"beside_texts": mixed, "wide_words": f"weighed words{' and scaled columns' if mixed else ''}"}
    if profile.images is not None and plan.images != "none":
        height, width = picture_size(profile.images)
        colour = profile.images.channels == 3
        found |= {"picture_height": height, "picture_width": width, "picture_channels": 3 if colour else 1}
        found["picture_gaps"] = profile.images.found < 1
        found |= {"picture_mode": "RGB" if colour else "L", "picture_column": quote(profile.images.column)}
    return found


def _beside_texts(profile: Profile, plan: Plan) -> bool:
    """Whether the solution uses texts together with other columns."""
    return bool(plan.texts) and bool(kept_columns(profile, plan))


def _side_table(table: SideTable) -> dict[str, Any]:
    left, right = (tuple(pair[side] for pair in table.keys) for side in (0, 1))
    return {"file": table.file, "unique": table.unique, "prefix": table.prefix, "left": left, "right": right}


def _list(values: tuple[str, ...]) -> str:
    return f"[{', '.join(quote(value) for value in values)}]"


def _constants(task: TaskBrief, profile: Profile, plan: Plan, categories: tuple[str, ...]) -> list[str]:
    lines = [f"ID = {quote(task.id_column)}"]
    lines.append(literal("TARGETS", task.targets) if len(task.targets) > 1 else f"TARGET = {quote(task.targets[0])}")
    if task.task_type != "regression":
        lines.append(literal("CLASSES", task.classes))
    if task.prediction == "probability" and task.task_type == "multiclass":
        columns = tuple(name for name in task.submission_columns if name != task.id_column)
        lines.append("COLUMNS = CLASSES" if columns == task.classes else literal("COLUMNS", columns))
    if categories:
        lines.append(literal("CATEGORIES", categories))
    if means := _meant(plan):
        lines.append(literal("TARGET_MEANS", means))
    if plan.texts:
        lines.append(literal("TEXTS", plan.texts))
    if plan.images != "none" and profile.images is not None:
        lines.append(f"PICTURES = {quote(profile.images.pattern)}")
    if plan.curve != "none":
        lines.append(literal("POINTS", curve_of(profile)))
    if plan.level:
        lines.append(f"LEVEL = {quote(plan.level)}")
    if plan.trend:
        lines.append(f"TREND = {quote(plan.trend)}")
    if plan.monotonic:
        signs = ", ".join(f"{quote(name)}: {sign}" for name, sign in plan.monotonic)
        lines.append(f"MONOTONIC = {{{signs}}}")
    if plan.decide == "weights":
        lines.append("STEPS = [0.5, 0.7, 0.85, 1.0, 1.15, 1.4, 2.0]")
    if plan.decide == "cuts":
        lines.append("SHIFTS = [-0.3, -0.15, -0.05, 0.0, 0.05, 0.15, 0.3]")
    return lines


def _declared(plan: Plan) -> list[str]:
    """The declaration of the constants that can be tuned (`agents/tuning/parameters.py`)."""
    entries = []
    for each in tunable(plan):
        low, high = (int(edge) if each.scale == "integer" else edge for edge in (each.low, each.high))
        scale = ', "log"' if each.log else ""
        entries.append(f"{quote(each.name)}: ({each.value}, {low}, {high}{scale})")
    return [f"PARAMS = {_braced(entries)}"] if entries else []


def _braced(entries: list[str]) -> str:
    """A dictionary on one line, or with one entry per line if that would be too long."""
    line = f"{{{', '.join(entries)}}}"
    return line if len(line) <= 110 else "{\n" + "".join(f"    {entry},\n" for entry in entries) + "}"


def _meant(plan: Plan) -> tuple[str, ...]:
    """The columns that are encoded by target means."""
    days = tuple(f"{name}_{part}" for name in plan.holidays for part in ("of_year", "weekday_of_month"))
    return (*plan.target_means, *days)


def _y_expression(task: TaskBrief) -> str:
    column = "train[TARGETS]" if len(task.targets) > 1 else "train[TARGET]"
    if task.task_type == "regression":
        return f"{column}.to_numpy(dtype=float)"
    if len(task.targets) > 1:
        return f"{column}.apply(lambda each: each.map(CLASSES.index)).to_numpy()"
    return f"{column}.map(CLASSES.index).to_numpy()"


def _groups_expression(task: TaskBrief) -> str:
    column = f"train[{quote(task.split.column or '')}]"
    if task.split.kind == "time":
        return f'pd.qcut({column}.rank(method="first"), 12, labels=False).to_numpy()'
    ranks = f"pd.factorize({column}, sort=True)[0]"
    return f"{ranks} // {task.split.block}" if task.split.block > 1 else ranks


def _inner_folds(grouped: bool, numeric: bool, folds: int) -> str:
    if grouped:
        return f"GroupKFold({folds})"
    kind = "KFold" if numeric else "StratifiedKFold"
    return f"{kind}({folds}, shuffle=True, random_state=args.seed)"


def _target_of_y(task: TaskBrief, plan: Plan) -> str:
    if task.task_type != "regression":
        return "y.astype(float)" if plan.decide == "cuts" else "y"
    if plan.level:
        return "y - x[LEVEL].to_numpy()"
    return {"identity": "y", "log1p": "np.log1p(y)", "sqrt": "np.sqrt(y)"}[plan.target]


def _finish(task: TaskBrief, plan: Plan) -> str:
    """The expression that a fit returns: predictions with decisions applied, or on the target's scale and range."""
    if plan.decide == "weights":
        return "predictions * class_weights(y, held)"
    if plan.decide == "cuts":
        return "decide(predictions, best_cuts(y, held))"
    back = {"log1p": "np.expm1(predictions)", "sqrt": "np.square(predictions.clip(0))"}.get(plan.target, "predictions")
    if plan.clip:
        return f"{back}.clip(y.min(), y.max())"
    at_least_zero = plan.target == "log1p" or (plan.target == "identity" and metric_key(task.metric) in LOG_METRICS)
    return f"{back}.clip(0)" if at_least_zero else back


def _preparation(family: Family, profile: Profile, plan: Plan) -> str:
    """How columns are prepared for a family: none, codes, columns or scaled.

    Support vectors accept no missing values; beside word weights, which are small, they need scaled columns.
    """
    if family in ("linear", "neighbours", "network"):
        return "scaled"
    if family == "margin" and (_beside_texts(profile, plan) or has_gaps(profile, plan)):
        return "scaled"
    if not made_categories(profile, plan) or (family == "boosting" and plan.encoding == "native"):
        return "none"
    return "columns" if plan.encoding == "onehot" else "codes"


def _piped(family: Family, task: TaskBrief, profile: Profile, plan: Plan) -> str:
    """The estimator's expression, as a pipeline with its preprocessing steps."""
    steps = {"none": "", "codes": "codes()", "columns": "one_hot()", "scaled": "scaled()"}
    parts = [reading(family, plan, steps[_preparation(family, profile, plan)])]
    if _meant(plan):
        parts.insert(0, "target_means(seed)")
    if plan.trend:
        parts.insert(0, "beside_course(args)")
    parts = [f"Echo({quote(name)}, {echo_days(task, profile, name)})" for name in plan.echoes] + parts
    parts = [part for part in parts if part]
    return f"make_pipeline({', '.join([*parts, 'model'])})" if parts else "model"
