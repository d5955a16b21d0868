"""Moves on the first model: the model family of a solution, and where each family can be used."""

from collections.abc import Callable, Iterable

from gome.agents.backends.expert.moves.captions import FIRST
from gome.agents.backends.expert.moves.move import Choice, Move, Subject
from gome.agents.backends.expert.plan import Family, Plan
from gome.agents.backends.expert.situation import Scene

__all__ = ["FAMILY_WORDS", "MOVES", "PORTFOLIO", "WITHOUT", "of_portfolio", "suits", "without"]

PORTFOLIO = "portfolio"
"""Direction of the first model that is several families, weighed by inner folds."""

FAMILY_WORDS: dict[Family, str] = {
    "boosting": "boosted trees",
    "extra_trees": "averaged trees with random cuts",
    "random_forest": "averaged trees on resampled rows",
    "linear": "a linear model",
    "neighbours": "nearest neighbours",
    "network": "a small neural network",
    "margin": "support vectors",
    "bayes": "naive Bayes on words",
}
_FIRST_GAINS: dict[Family, float] = {
    "boosting": 0.3,
    "extra_trees": 0.27,
    "random_forest": 0.25,
    "network": 0.15,
    "margin": 0.12,
    "linear": 0.1,
    "neighbours": 0.08,
    "bayes": 0.05,
}
_FIRST_GAINS_ON_WORDS: dict[Family, float] = {"linear": 0.3, "margin": 0.29, "bayes": 0.25, "network": 0.2}
_FIRST_GAINS_BESIDE_WORDS = _FIRST_GAINS | {"linear": 0.28, "network": 0.1}
_FIRST_GAINS_ON_PICTURES: dict[Family, float] = {"network": 0.3, "margin": 0.28, "extra_trees": 0.22, "neighbours": 0.2}
_AWAY = 0.5  # if the loss is above that of a constant, any other family gains more than tuning the present one
_MOST_ROWS_OF_MARGIN = 8000


def _family(family: Family) -> Callable[[Scene], Iterable[Choice]]:
    def choices(scene: Scene) -> Iterable[Choice]:
        if not suits(family, scene):
            return
        if scene.evaluation is None:
            yield Choice((), _first_gains(scene).get(family, 0.05), _suiting(family, scene))
            return
        if family in scene.plan.models:
            return
        weak = scene.plan.models[0] in ("linear", "neighbours") and family == "boosting" and not scene.wide
        score = "no score" if scene.evaluation.score is None else f"{scene.evaluation.score:.4g}"
        words = f"{scene.task.metric} is at {score} with {FAMILY_WORDS[scene.plan.models[0]]} first"
        if scene.behind_constant:
            yield Choice((), _AWAY + _first_gains(scene).get(family, 0.05), f"{words}, {scene.behind_constant}.")
        else:
            yield Choice((), 0.05 if weak else 0.004, f"{words}.")

    return choices


def suits(family: Family, scene: Scene) -> bool:
    """Whether a family can be used here: naive Bayes needs texts, support vectors need texts or few rows.

    Families whose scripts did not run on this path (`Scene.unrunnable`) are excluded.
    """
    if family in scene.unrunnable:
        return False
    if family == "bayes":
        return bool(scene.plan.texts) and not scene.regression
    if family == "margin":
        few = scene.task.train_rows <= _MOST_ROWS_OF_MARGIN
        return not scene.regression and (bool(scene.plan.texts) or few)
    return True


def _first_gains(scene: Scene) -> dict[Family, float]:
    if scene.plan.images != "none":
        return _FIRST_GAINS_ON_PICTURES
    if scene.plan.texts:
        return _FIRST_GAINS_ON_WORDS if scene.on_words else _FIRST_GAINS_BESIDE_WORDS
    return _FIRST_GAINS


def _suiting(family: Family, scene: Scene) -> str:
    rows, words = scene.profile.rows, FAMILY_WORDS[family]
    if scene.plan.images != "none":
        return f"{rows} pictures suit {words}."
    if scene.plan.texts and not scene.on_words:
        texts = ", ".join(scene.plan.texts)
        return f"{rows} rows of {len(scene.columns)} columns, with short texts ({texts}) beside them, suit {words}."
    if scene.plan.texts:
        return f"{rows} texts ({', '.join(scene.plan.texts)}) suit {words}."
    return f"{rows} rows and {len(scene.columns)} columns suit {words}."


def _take(family: Family) -> Callable[[Plan, Subject], Plan]:
    """Replace the first model by another family."""

    def edit(plan: Plan, _: Subject) -> Plan:
        others = tuple(each for each in plan.models[1:] if each != family)
        return plan.model_copy(update={"models": (family, *others)})

    return edit


def _first(family: Family) -> Move:
    return Move(
        "Model",
        "family",
        family,
        FIRST,
        f"{FAMILY_WORDS[family].capitalize()} fit this task well enough to build on.",
        _family(family),
        _take(family),
        safety={"boosting": 9, "extra_trees": 8, "random_forest": 8}.get(family, 5),
        at_root=True,
    )


def _portfolio(scene: Scene) -> Iterable[Choice]:
    """Several families at once, only as a first solution: later each joins by itself."""
    if scene.evaluation is None and scene.plan.images == "none":
        members = [family for family in of_portfolio(scene.plan) if suits(family, scene)]
        words = ", ".join(FAMILY_WORDS[family] for family in members)
        yield Choice((), 0.31, f"Which kind of model suits {scene.profile.rows} rows is not known yet: {words}.")


def of_portfolio(plan: Plan) -> tuple[Family, ...]:
    """The members of a portfolio: for texts that lead those on words, else those on columns."""
    return ("linear", "margin", "bayes") if plan.models[0] == "linear" else ("boosting", "extra_trees", "linear")


def _take_portfolio(plan: Plan, _: Subject) -> Plan:
    return plan.model_copy(update={"models": of_portfolio(plan), "combine": "weights"})


def without(plan: Plan, subject: Subject) -> Plan:
    """The plan without the families and settings that are named; of no family left, another one is taken."""
    if not subject:
        return plan
    wide = bool(plan.texts) or plan.images != "none"
    order: tuple[Family, ...] = ("linear", "network", *FAMILY_WORDS) if wide else tuple(FAMILY_WORDS)
    models = tuple(family for family in plan.models if family not in subject)
    models = models or tuple(family for family in order if family not in subject)[:1] or plan.models
    settings = {name: Plan.model_fields[name].default for name in subject if name in Plan.model_fields}
    return plan.model_copy(update=settings | {"models": models})


WITHOUT = Move(
    "Model",
    "without",
    "asked",
    FIRST,
    "The solution does without {subject}, as the user asks; what else it has stays.",
    lambda _: (),
    without,
    safety=10,
)
"""Not weighed against other moves: it is made where the solution has what the user asks to avoid, and only there."""

MOVES = (
    Move(
        "Model",
        "family",
        PORTFOLIO,
        FIRST,
        "The mean of different kinds of models, with weights found on inner folds, evens out the errors of each.",
        _portfolio,
        _take_portfolio,
        safety=9,
        at_root=True,
    ),
    *(_first(family) for family in FAMILY_WORDS),
)
