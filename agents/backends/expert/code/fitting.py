"""A plan made to fit its task before it is composed: without what has no meaning there, or contradicts the rest.

The plan itself stays as it was said: what does not fit now may fit after the next change.
"""

from typing import Any

from gome.agents.backends.expert.code.features import made_categories
from gome.agents.backends.expert.code.fitting_columns import fitting_columns, too_many_values
from gome.agents.backends.expert.plan import Family, Plan
from gome.scenarios.evidence import Profile, TaskBrief

__all__ = ["fitting"]


def fitting(task: TaskBrief, profile: Profile, plan: Plan) -> Plan:
    """The plan as it is composed. `profile` has the columns of joined tables among its own."""
    plan = plan.model_copy(update=_for_data(task, profile))
    plan = fitting_columns(task, profile, plan)
    plan = plan.model_copy(update=_for_target(task, profile, plan))
    return plan.model_copy(update=_for_models(task, profile, plan))


def _for_data(task: TaskBrief, profile: Profile) -> dict[str, Any]:
    update: dict[str, Any] = {}
    if task.split.kind != "time" or task.split.column is None:
        update["latest"] = 1.0
    if profile.images is None:
        update |= {"images": "none", "straight": False}
    elif profile.images.channels > 1:
        update["straight"] = False
    return update


def _for_target(task: TaskBrief, profile: Profile, plan: Plan) -> dict[str, Any]:
    """What is minimised and decided, as targets of this kind and range allow."""
    if task.task_type != "regression":
        update: dict[str, Any] = {"target": "identity", "level": "", "clip": False, "loss": "squared_error"}
        if task.prediction != "label":
            update["decide"] = "argmax"
        ranks = update.get("decide", plan.decide) == "cuts"
        if plan.calibrate == "isotonic" or ranks:
            update["calibrate"] = "none"  # cuts are fitted to ranks as they come, and ranks have no temperature
        return update
    update = {"balanced": False, "decide": "argmax"}
    lowest = min(
        (c.minimum if c.minimum is not None else -1.0 for c in profile.columns if c.role == "target"), default=0
    )
    scale = plan.target if lowest >= 0 else "identity"
    update |= {"target": scale, "level": "" if scale != "identity" or len(task.targets) > 1 else plan.level}
    if plan.calibrate == "temperature":
        update["calibrate"] = "none"
    counts = scale == "identity" and not update["level"] and lowest >= 0
    if (plan.loss == "poisson" and not counts) or (plan.loss == "gamma" and not (counts and lowest > 0)):
        update["loss"] = "squared_error"
    return update


def _for_models(task: TaskBrief, profile: Profile, plan: Plan) -> dict[str, Any]:
    """The families that can be fitted, and how they see categories."""
    update: dict[str, Any] = {"models": _possible(task, plan)}
    wide = bool(plan.texts) or plan.images != "none"
    if plan.encoding == "native" and (wide or too_many_values(profile, plan)):
        update["encoding"] = "ordinal"  # beside words and shades columns are an array; trees take no more values
    encoded = update.get("encoding", plan.encoding) != "native" and bool(made_categories(profile, plan))
    if wide or encoded or task.task_type == "multiclass":
        update["monotonic"] = ()  # constraints are by name, and encoded columns have none
    return update


def _possible(task: TaskBrief, plan: Plan) -> tuple[Family, ...]:
    """The models, a linear one in the place of those that cannot be fitted: ranks are numbers, Bayes needs words."""
    numeric = task.task_type == "regression" or plan.decide == "cuts"

    def fits(family: Family) -> bool:
        return not (numeric and family in ("margin", "bayes")) and (family != "bayes" or bool(plan.texts))

    return tuple(dict.fromkeys(family if fits(family) else "linear" for family in plan.models))
