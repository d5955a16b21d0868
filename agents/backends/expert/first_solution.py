"""The start of a trace: a sound plan for the task before any hypothesis, and the model family of the first solution."""

from gome.agents.backends.expert.columns import FEW_ROWS, HIGH_CARDINALITY, texts_lead, usable, with_joins
from gome.agents.backends.expert.moves.family import FAMILY_WORDS, PORTFOLIO
from gome.agents.backends.expert.plan import PATIENT, Family, Plan, plan_of
from gome.scenarios.evidence import Profile, TaskBrief

__all__ = ["family_order", "patient", "starting_plan"]

_STRONG = (PORTFOLIO, "boosting", "extra_trees", "network")
_STRONG_ON_TEXTS = (PORTFOLIO, "linear", "margin", "network")
_STRONG_BESIDE_TEXTS = (PORTFOLIO, "boosting", "linear", "extra_trees")
_STRONG_ON_PICTURES = ("network", "margin", "extra_trees", "neighbours")

_GENTLE = {"learning_rate": 0.05, "leaves": 8, "l2": 1.0, "column_share": 0.5}
"""Boosting for classification on few rows: at its usual strength it overfits and is overconfident."""
_FEW_ROWS_OF_TOPICS = 10_000
"""With topics of short texts, which are many weak features, more rows count as few."""
_MANY_ROWS = 30_000
_SHALLOW = {"trees": 30, "tree_leaf": 20, "tree_columns": 0.3, "epochs": 10}
"""Averaged trees and networks on many rows: grown to single rows they take minutes and overfit."""


def starting_plan(task: TaskBrief, profile: Profile, foreign: str = "") -> Plan:
    """Default plan for the task: side tables are joined, texts and images are read.

    With a `foreign` script (one without a plan line), families and target scale follow what it imports.
    """
    named = profile.images is not None and profile.images.column != task.id_column
    plan = Plan(
        drop=(profile.images.column,) if profile.images is not None and named else (),
        joins=tuple(table.prefix for table in profile.tables if table.columns),
        texts=tuple(c.name for c in profile.columns if c.role == "feature" and c.dtype == "text"),
        images="pixels" if profile.images is not None else "none",
        models=(_single(profile),),
        epochs=10 if profile.images is not None else 20,
    )
    plan = plan.model_copy(update=_many_values(task, with_joins(profile, plan), plan))
    beside_texts = bool(plan.texts) and not texts_lead(profile)
    if beside_texts:
        plan = plan.model_copy(update={"topics": 10 if profile.rows < FEW_ROWS else 20})
    if task.task_type != "regression" and profile.rows < (_FEW_ROWS_OF_TOPICS if beside_texts else FEW_ROWS):
        plan = plan.model_copy(update=_GENTLE)
    if profile.rows >= _MANY_ROWS:
        plan = plan.model_copy(update=_SHALLOW)
    return plan_of(foreign, plan) if foreign else plan


def patient(profile: Profile, plan: Plan) -> Plan:
    """A first solution whose boosting finds its number of rounds, where there are rows enough to tell it."""
    wide = bool(plan.texts) or plan.images != "none"
    if wide or profile.rows < FEW_ROWS or "boosting" not in plan.models:
        return plan
    return plan.model_copy(update=PATIENT)


def _many_values(task: TaskBrief, profile: Profile, plan: Plan) -> dict[str, object]:
    """Encoding of categories with more values than boosting accepts: target means for random splits, else ordinal.

    With splits by group or time, a target mean over random rows carries information about the row's own group, which
    rows of other groups do not have; hence the ordinal encoding.
    """
    kinds = ("category", "boolean")
    wide = [c.name for c in profile.columns if usable(c) and c.dtype in kinds and c.cardinality > HIGH_CARDINALITY]
    kept = tuple(name for name in wide if name not in plan.drop)
    if kept and task.split.kind in ("group", "time"):
        return {"encoding": "ordinal"}
    return {"target_means": kept}


def _single(profile: Profile) -> Family:
    """The family of a solution that has only one."""
    strong = _strong(profile)
    return next(family for family in FAMILY_WORDS if family == next(name for name in strong if name != PORTFOLIO))


def family_order(trace: int, profile: Profile) -> tuple[str, ...]:
    """Families, and several at once, in the order of a trace's first solutions; the first differs between traces."""
    strong = _strong(profile)
    first = strong[trace % len(strong)]
    return tuple(dict.fromkeys((first, *strong, *FAMILY_WORDS)))


def _strong(profile: Profile) -> tuple[str, ...]:
    if profile.images is not None:
        return _STRONG_ON_PICTURES
    texts = any(column.role == "feature" and column.dtype == "text" for column in profile.columns)
    if not texts:
        return _STRONG
    return _STRONG_ON_TEXTS if texts_lead(profile) else _STRONG_BESIDE_TEXTS
