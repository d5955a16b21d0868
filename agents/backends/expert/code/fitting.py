"""Adapt a plan to its task before it is composed: remove settings that are meaningless there or contradict others.

The plan that is stored in the script is not changed: a setting that does not apply now may apply after the next change.
"""

from typing import Any

from gome.agents.backends.expert.code.features import made_categories
from gome.agents.backends.expert.code.fitting_columns import fitting_columns, too_many_values
from gome.agents.backends.expert.columns import curve_of
from gome.agents.backends.expert.plan import Family, Plan
from gome.scenarios.evidence import Profile, TaskBrief

__all__ = ["fitting"]


def fitting(task: TaskBrief, profile: Profile, plan: Plan) -> Plan:
    """The plan as it is composed. `profile` must include the columns of joined tables."""
    plan = plan.model_copy(update=_for_data(task, profile))
    plan = fitting_columns(task, profile, plan)
    plan = plan.model_copy(update=_for_target(task, profile, plan))
    return plan.model_copy(update=_for_models(task, profile, plan))


def _for_data(task: TaskBrief, profile: Profile) -> dict[str, Any]:
    update: dict[str, Any] = {} if curve_of(profile) else {"curve": "none"}
    if task.split.kind != "time" or task.split.column is None:
        update["latest"] = 1.0
    if profile.images is None:
        update |= {"images": "none", "straight": False}
    elif profile.images.channels > 1:
        update["straight"] = False
    return update


def _for_target(task: TaskBrief, profile: Profile, plan: Plan) -> dict[str, Any]:
    """Settings of objective and decisions that the target's type and range allow."""
    if task.task_type != "regression":
        update: dict[str, Any] = {
            "target": "identity",
            "level": "",
            "trend": "",
            "clip": False,
            "loss": "squared_error",
        }
        if task.prediction != "label":
            update["decide"] = "argmax"
        ranks = update.get("decide", plan.decide) == "cuts"
        if plan.calibrate == "isotonic" or ranks:
            update["calibrate"] = "none"  # cuts are fitted to uncalibrated ranks, and ranks have no temperature
        return update
    update = {"balanced": False, "decide": "argmax"}
    lowest = min(
        (c.minimum if c.minimum is not None else -1.0 for c in profile.columns if c.role == "target"), default=0
    )
    scale = plan.target if lowest >= 0 else "identity"
    update |= {"target": scale, "level": "" if scale != "identity" or len(task.targets) > 1 else plan.level}
    if update["level"] or len(task.targets) > 1:
        update["trend"] = ""
    trend = update.get("trend", plan.trend)
    if plan.calibrate == "temperature":
        update["calibrate"] = "none"
    counts = scale == "identity" and not update["level"] and not trend and lowest >= 0
    if (plan.loss == "poisson" and not counts) or (plan.loss == "gamma" and not (counts and lowest > 0)):
        update["loss"] = "squared_error"
    return update


def _for_models(task: TaskBrief, profile: Profile, plan: Plan) -> dict[str, Any]:
    """Families that can be fitted, and the encoding of their categories."""
    update: dict[str, Any] = {"models": _possible(task, plan)}
    wide = bool(plan.texts) or plan.images != "none"
    if plan.encoding == "native" and (wide or too_many_values(profile, plan)):
        update["encoding"] = "ordinal"  # with texts or images columns are an array; boosting limits native categories
    encoded = update.get("encoding", plan.encoding) != "native" and bool(made_categories(profile, plan))
    if wide or encoded or task.task_type == "multiclass":
        update["monotonic"] = ()  # constraints refer to columns by name, and encoded columns have no names
    return update


def _possible(task: TaskBrief, plan: Plan) -> tuple[Family, ...]:
    """The models; those that cannot be fitted are replaced by a linear one: margin and bayes only classify."""
    numeric = task.task_type == "regression" or plan.decide == "cuts"

    def fits(family: Family) -> bool:
        return not (numeric and family in ("margin", "bayes")) and (family != "bayes" or bool(plan.texts))

    return tuple(dict.fromkeys(family if fits(family) else "linear" for family in plan.models))
