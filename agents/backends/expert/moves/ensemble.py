"""Moves on ensembles: bagging of one model, several families, and how their predictions are combined."""

from collections.abc import Callable, Iterable

from gome.agents.backends.expert.moves.captions import ONE_VIEW, UNSTEADY, WEIGHING
from gome.agents.backends.expert.moves.family import FAMILY_WORDS, suits
from gome.agents.backends.expert.moves.move import Choice, Move, Subject, change
from gome.agents.backends.expert.plan import Family, Plan
from gome.agents.backends.expert.situation import Scene

__all__ = ["MOVES"]

_MOST_MODELS = 4
_SAME_EACH_TIME: frozenset[Family] = frozenset({"linear", "neighbours", "margin", "bayes"})
_JOINS: dict[Family, float] = {
    "boosting": 0.06,
    "extra_trees": 0.012,
    "random_forest": 0.01,
    "network": 0.013,
    "linear": 0.008,
    "neighbours": 0.007,
    "margin": 0.009,
    "bayes": 0.002,
}
_JOINS_ON_WORDS: dict[Family, float] = {"bayes": 0.03, "margin": 0.03, "linear": 0.03, "network": 0.012}
_JOINS_BESIDE_WORDS = _JOINS | {"linear": 0.03}  # the other families see topics of a text, not its words
_JOINS_ON_PICTURES: dict[Family, float] = {"network": 0.1, "margin": 0.06, "extra_trees": 0.01, "neighbours": 0.015}


def _member(family: Family) -> Callable[[Scene], Iterable[Choice]]:
    def choices(scene: Scene) -> Iterable[Choice]:
        models = scene.plan.models
        if scene.evaluation is None or family in models or len(models) >= _MOST_MODELS or not suits(family, scene):
            return
        if family == "random_forest" and "extra_trees" in models:
            return
        if family == "extra_trees" and "random_forest" in models:
            return
        alike = 0.6 if len(models) > 1 else 1.0
        words = f"All predictions come from {' and '.join(FAMILY_WORDS[each] for each in models)}"
        yield Choice((), _joining(scene, family) * alike, f"{words}; {FAMILY_WORDS[family]} err elsewhere.")

    return choices


def _joining(scene: Scene, family: Family) -> float:
    if scene.plan.images != "none":
        return _JOINS_ON_PICTURES.get(family, 0.004)
    if scene.plan.texts:
        return _JOINS_ON_WORDS.get(family, 0.004) if scene.on_words else _JOINS_BESIDE_WORDS[family]
    return _JOINS[family]


def _join(family: Family) -> Callable[[Plan, Subject], Plan]:
    def edit(plan: Plan, _: Subject) -> Plan:
        if family in plan.models:
            return plan
        return plan.model_copy(update={"models": (*plan.models, family)})

    return edit


def _bags(scene: Scene) -> Iterable[Choice]:
    if scene.evaluation is None or scene.plan.bags >= 5 or not set(scene.plan.models) - _SAME_EACH_TIME:
        return
    spread = f"splits differ by {scene.spread:.0%} of the loss" if scene.spread is not None else "one fit is one draw"
    gain = 0.015 if "boosting" in scene.plan.models else 0.004
    yield Choice((), gain if scene.plan.bags == 1 else 0.002, f"Predictions hang on one draw: {spread}.")


def _more_bags(plan: Plan, _: Subject) -> Plan:
    """Three fits, then five. Boosted models differ by seed only if each cut sees a part of the columns."""
    share = 0.5 if "boosting" in plan.models and plan.column_share == 1.0 else plan.column_share
    return plan.model_copy(update={"bags": 3 if plan.bags < 3 else 5, "column_share": share})


def _bag_rows(scene: Scene) -> Iterable[Choice]:
    if scene.evaluation is not None and not scene.plan.bag_rows and "boosting" in scene.plan.models:
        gap = f"a gap of {scene.gap:.0%}" if scene.gap is not None else "an unknown gap"
        yield Choice((), 0.008, f"Boosting on all rows learns some by heart ({gap} to training).")


def _weights(scene: Scene) -> Iterable[Choice]:
    if len(scene.plan.models) > 1 and scene.plan.combine == "mean":
        yield Choice(
            (), 0.004 * (len(scene.plan.models) - 1), f"{len(scene.plan.models)} unlike models count the same."
        )


def _stack(scene: Scene) -> Iterable[Choice]:
    if len(scene.plan.models) > 1 and scene.plan.combine != "stack" and scene.plan.decide != "weights":
        words = f"{len(scene.plan.models)} models are put together by one number each, wherever they are right."
        yield Choice((), 0.003 * len(scene.plan.models), words)


def _added(family: Family) -> Move:
    return Move(
        "Ensemble",
        "member",
        family,
        ONE_VIEW,
        f"Averaging with {FAMILY_WORDS[family]} evens out errors that the models do not share.",
        _member(family),
        _join(family),
        safety=7,
        late=family not in ("boosting", "extra_trees"),
    )


MOVES = (
    *(_added(family) for family in FAMILY_WORDS),
    Move(
        "Ensemble",
        "bags",
        "up",
        UNSTEADY,
        "The mean of several fits, which differ by seed and by the columns each cut may use, is steadier than one.",
        _bags,
        _more_bags,
        safety=9,
    ),
    Move(
        "Ensemble",
        "bag_rows",
        "on",
        UNSTEADY,
        "The mean of three fits on nine tenths of the rows each is steadier than one on all.",
        _bag_rows,
        lambda plan, _: plan.model_copy(update={"bag_rows": True, "bags": max(3, plan.bags)}),
        safety=8,
    ),
    Move(
        "Ensemble",
        "weights",
        "fit",
        WEIGHING,
        "Weights fitted on inner out-of-fold predictions give the better model more to say.",
        _weights,
        change(combine="weights"),
        safety=7,
        late=True,
    ),
    Move(
        "Ensemble",
        "stack",
        "fit",
        WEIGHING,
        "A linear model on inner out-of-fold predictions learns how to put the models together.",
        _stack,
        change(combine="stack"),
        safety=5,
        late=True,
    ),
)
