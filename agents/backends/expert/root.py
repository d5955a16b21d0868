"""Where a trace starts: a sound plan for a task before any hypothesis, and the family that a trace begins with."""

from agents.backends.expert.moves_model import FAMILY_WORDS
from agents.backends.expert.plan import Family, Plan, plan_of
from agents.backends.expert.scene import HIGH_CARDINALITY, usable
from scenarios.evidence import Profile, TaskBrief

__all__ = ["family_order", "starting_plan"]

_FEW_ROWS = 2000
_GENTLE = {"learning_rate": 0.05, "leaves": 8, "l2": 1.0, "column_share": 0.5}
"""Boosting for classes on few rows: at its usual strength it is certain of what it learnt by heart."""


def starting_plan(task: TaskBrief, profile: Profile, foreign: str = "") -> Plan:
    """Defaults that fit the task. With a `foreign` script, one that names no plan, they follow what it imports.

    Where folds cover the time that lies before the test, the last model is fitted on all rows.
    """
    final = "refit" if task.split.kind in ("time", "holdout") else "folds"
    kinds = ("category", "boolean")
    wide = tuple(c.name for c in profile.columns if usable(c) and c.dtype in kinds and c.cardinality > HIGH_CARDINALITY)
    plan = Plan(final=final, target_means=wide)
    if task.task_type != "regression" and profile.rows < _FEW_ROWS:
        plan = plan.model_copy(update=_GENTLE)
    return plan_of(foreign, plan) if foreign else plan


def family_order(trace: int) -> tuple[Family, ...]:
    """Families in the order in which a trace would begin with them: its own first, so that traces differ."""
    strong: tuple[Family, ...] = ("boosting", "extra_trees", "random_forest", "network")
    first = strong[trace % len(strong)]
    return (first, *(family for family in FAMILY_WORDS if family != first))
