"""A plan made to fit its task before it is composed: without what has no meaning there, or contradicts the rest.

The plan itself stays as it was said: what does not fit now may fit after the next change.
"""

from typing import Any

from agents.backends.expert.features_code import made_categories
from agents.backends.expert.plan import Family, Plan
from scenarios.evidence import Profile, TaskBrief

__all__ = ["fitting"]


def fitting(task: TaskBrief, profile: Profile, plan: Plan) -> Plan:
    """The plan as it is composed. `profile` has the columns of joined tables among its own."""
    update = _for_target(task, plan) | _for_data(task, profile, plan)
    encoded = update.get("encoding", plan.encoding) != "native"
    wide = bool(plan.texts) or update.get("images", plan.images) != "none"
    if plan.monotonic and (wide or (encoded and made_categories(profile, plan))):
        update["monotonic"] = ()  # constraints are by name, and encoded columns have none
    return plan.model_copy(update=update)


def _for_target(task: TaskBrief, plan: Plan) -> dict[str, Any]:
    update: dict[str, Any] = {"models": _possible(task, plan)}
    if task.task_type == "regression":
        update |= {"balanced": False, "decide": "argmax"}
        if plan.calibrate == "temperature":
            update["calibrate"] = "none"
        if plan.target != "identity" and plan.loss in ("poisson", "gamma"):
            update["loss"] = "squared_error"
    else:
        update |= {"target": "identity", "clip": False, "loss": "squared_error"}
        if plan.calibrate == "isotonic":
            update["calibrate"] = "none"
        if task.prediction != "label":
            update["decide"] = "argmax"
    if plan.target != "identity" or len(task.targets) > 1 or task.task_type != "regression":
        update["level"] = ""
    return update


def _possible(task: TaskBrief, plan: Plan) -> tuple[Family, ...]:
    """The models, a linear one in the place of those that cannot be fitted: ranks are numbers, Bayes needs words."""
    numeric = task.task_type == "regression" or plan.decide == "cuts"

    def fits(family: Family) -> bool:
        return not (numeric and family in ("margin", "bayes")) and (family != "bayes" or bool(plan.texts))

    return tuple(dict.fromkeys(family if fits(family) else "linear" for family in plan.models))


def _for_data(task: TaskBrief, profile: Profile, plan: Plan) -> dict[str, Any]:
    update: dict[str, Any] = {}
    if set(plan.echoes) & set(plan.drop) or len(task.targets) > 1:
        update["echoes"] = ()
    if task.split.kind != "time":
        update["latest"] = 1.0
    if profile.images is None:
        update |= {"images": "none", "straight": False}
    elif profile.images.channels > 1:
        update["straight"] = False
    if (plan.texts or plan.images != "none") and plan.encoding == "native":
        update["encoding"] = "ordinal"  # what stands beside words and shades is an array, without categories
    return update
