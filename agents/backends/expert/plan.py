"""A plan: the settings that describe a solution. The expert edits the plan and composes the script from it.

Every composed script contains its plan in one comment line, but for the constants that it declares in `PARAMS` so that
they can be tuned. The next step reads both, changes what its hypothesis says, and composes the script again; text that
the change does not concern stays identical.
"""

import json
import re
from typing import Any, Literal

from pydantic import ValidationError

from gome.agents.protocol.types import Record
from gome.agents.tuning.parameters import Parameter, declared

__all__ = [
    "PATIENT",
    "SCALED",
    "SIZES",
    "Arithmetic",
    "Combine",
    "Curve",
    "Encoding",
    "Family",
    "Look",
    "Loss",
    "Plan",
    "Target",
    "plan_line",
    "plan_of",
    "read_plan",
    "tunable",
]

Family = Literal["boosting", "extra_trees", "random_forest", "linear", "neighbours", "network", "margin", "bayes"]
SCALED: frozenset[Family] = frozenset({"linear", "neighbours", "network"})
"""Families whose columns are scaled, and for which each value of a category is a column."""
Encoding = Literal["native", "ordinal", "onehot"]
Target = Literal["identity", "log1p", "sqrt"]
Loss = Literal["squared_error", "absolute_error", "poisson", "gamma"]
Arithmetic = Literal["times", "per", "minus"]
Combine = Literal["mean", "weights", "stack"]
Look = Literal["none", "pixels", "gradients"]
Curve = Literal["none", "slopes", "kernels"]

_LINE = re.compile(r"^# plan: (\{.*\})\s*$", re.MULTILINE)


class Plan(Record):
    """What a solution does. Columns are named as in the data; settings at their default add nothing to the script.

    `joins` names side tables by their prefix. `latest` is the share of the newest training rows to train on; `level` is
    the column relative to which the target is predicted, and `trend` the one along which it takes a course by itself.
    """

    # the rows and columns that are read
    drop: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    latest: float = 1.0
    # texts and pictures
    texts: tuple[str, ...] = ()
    word_pairs: bool = False
    characters: bool = False
    topics: int = 100
    images: Look = "none"
    straight: bool = False
    shifts: bool = False
    curve: Curve = "none"
    # features; all but target means are made without the target
    dates: tuple[str, ...] = ()
    cyclic: tuple[str, ...] = ()
    crosses: tuple[tuple[str, str], ...] = ()
    arithmetic: tuple[tuple[str, Arithmetic, str], ...] = ()
    group_means: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    rolling: tuple[str, ...] = ()
    lags: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    bins: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    target_means: tuple[str, ...] = ()
    holidays: tuple[str, ...] = ()
    echoes: tuple[str, ...] = ()
    encoding: Encoding = "native"
    # the target and what is minimised
    target: Target = "identity"
    level: str = ""
    trend: str = ""
    loss: Loss = "squared_error"
    balanced: bool = False
    clip: bool = False
    # the models
    models: tuple[Family, ...] = ("boosting",)
    iterations: int = 100
    learning_rate: float = 0.1
    leaves: int = 31
    min_leaf: int = 20
    l2: float = 0.0
    column_share: float = 1.0
    early_stopping: bool = False
    monotonic: tuple[tuple[str, int], ...] = ()
    trees: int = 60
    tree_leaf: int = 2
    tree_columns: float = 0.5
    penalty: float = 1.0
    nearest: int = 15
    epochs: int = 20
    width: int = 128
    # how predictions are combined and turned into decisions
    bags: int = 1
    bag_rows: bool = False
    combine: Combine = "mean"
    calibrate: Literal["none", "isotonic", "temperature"] = "none"
    decide: Literal["argmax", "weights", "cuts"] = "argmax"

    @property
    def inner(self) -> bool:
        """Whether something is fitted on inner out-of-fold predictions of the training rows."""
        blended = self.combine != "mean" and len(self.models) > 1
        return blended or self.calibrate != "none" or self.decide != "argmax"

    @property
    def size(self) -> int:
        """Number of settings that differ from their defaults; of two equal plans, the smaller is simpler."""
        size = 0
        for name, value in self:
            if value != Plan.model_fields[name].default:
                size += len(value) if isinstance(value, tuple) else 1
        return size


_RANGES: dict[str, tuple[float, float, bool]] = {
    "learning_rate": (0.01, 0.4, True),
    "leaves": (4, 255, True),
    "min_leaf": (2, 200, True),
    "l2": (0.0, 10.0, False),
    "tree_leaf": (1, 50, True),
    "tree_columns": (0.1, 1.0, False),
    "penalty": (0.001, 1000.0, True),
    "nearest": (2, 100, True),
    "width": (32, 512, True),
}
"""Lowest and highest value, and whether on a logarithmic scale. What mainly changes the run time is left to moves."""
_OF_FAMILY: dict[Family, tuple[str, ...]] = {
    "boosting": ("learning_rate", "leaves", "min_leaf", "l2"),
    "extra_trees": ("tree_leaf", "tree_columns"),
    "random_forest": ("tree_leaf", "tree_columns"),
    "linear": ("penalty",),
    "margin": ("penalty",),
    "neighbours": ("nearest",),
    "network": ("width",),
}


def tunable(plan: Plan) -> tuple[Parameter, ...]:
    """The constants that the plan's script declares: those of its families; a range contains the plan's own value."""
    names = dict.fromkeys(name for family in plan.models for name in _OF_FAMILY.get(family, ()))
    if plan.images != "none":
        names.pop("width", None)  # a network on pictures has none
    return tuple(_parameter(name, getattr(plan, name)) for name in names)


def _parameter(name: str, value: float) -> Parameter:
    low, high, log = _RANGES[name]
    whole = Plan.model_fields[name].annotation is int
    return Parameter(
        name=name,
        value=value,
        scale="integer" if whole else "real",
        low=min(low, value),
        high=max(high, value),
        log=log,
    )


SIZES = frozenset(
    {
        *("topics", "latest", "iterations", "learning_rate", "leaves", "min_leaf", "l2"),
        *("trees", "tree_leaf", "tree_columns", "penalty", "nearest", "epochs", "width"),
    }
)
"""Settings of how much and how long: a repair may change them, and the solution is still the same idea."""
PATIENT: dict[str, Any] = {
    "early_stopping": True,
    "iterations": 1000,
    "learning_rate": 0.05,
    "leaves": 16,
    "l2": 1.0,
    "column_share": 0.5,
}
"""Boosting in small steps, for as long as rows that it is not fitted on gain by them."""


def plan_line(plan: Plan) -> str:
    """The comment line that holds a plan in a script, without the constants that the script declares."""
    names = {parameter.name for parameter in tunable(plan)}
    return f"# plan: {plan.model_dump_json(exclude_defaults=True, exclude=names)}"


def read_plan(script: str) -> Plan | None:
    """Read the plan from a script's comment line and constants; None where there is none or it is invalid."""
    found = _LINE.search(script)
    if found is None:
        return None
    constants = {each.name: each.value for each in declared(script).parameters if each.name in _RANGES}
    try:
        return Plan.model_validate(json.loads(found.group(1)) | constants)
    except (ValueError, TypeError, ValidationError):
        return None


_MARKS: tuple[tuple[str, Family], ...] = (
    (r"HistGradientBoosting|lightgbm|xgboost|catboost|GradientBoosting", "boosting"),
    (r"ExtraTrees", "extra_trees"),
    (r"RandomForest", "random_forest"),
    (r"\bRidge|Lasso|ElasticNet|LinearRegression|LogisticRegression", "linear"),
    (r"KNeighbors", "neighbours"),
    (r"LinearSVC|\bSVC|\bSVR", "margin"),
    (r"ComplementNB|MultinomialNB", "bayes"),
    (r"torch\.nn|from torch import nn|MLP(Regressor|Classifier)", "network"),
)


def plan_of(script: str, start: Plan) -> Plan:
    """A plan for a script that the expert did not write: `start` with the families and target scale found in it."""
    families = tuple(family for pattern, family in _MARKS if re.search(pattern, script))
    target: Target = "log1p" if "log1p" in script and "expm1" in script else start.target
    return start.model_copy(update={"models": families[:3] or start.models, "target": target})
