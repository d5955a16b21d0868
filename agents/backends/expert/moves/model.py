"""Moves on the model's hyperparameters: capacity and regularisation."""

from collections.abc import Callable, Iterable

from gome.agents.backends.expert.moves.captions import OVERFIT, SHAPE, STEPS, UNDERFIT
from gome.agents.backends.expert.moves.move import Choice, Move, Subject, change
from gome.agents.backends.expert.plan import PATIENT, Plan
from gome.agents.backends.expert.situation import Scene

__all__ = ["MOVES"]

_OVERFIT_GAP = 0.35


def _when_boosting(
    gain: Callable[[Scene], float], words: Callable[[Scene], str]
) -> Callable[[Scene], Iterable[Choice]]:
    """Choices of a move that changes a parameter of boosting; none where the gain is not positive."""

    def choices(scene: Scene) -> Iterable[Choice]:
        if "boosting" in scene.plan.models and (expected := gain(scene)) > 0:
            yield Choice((), expected, words(scene))

    return choices


def _when_trees(gain: Callable[[Scene], float], words: Callable[[Scene], str]) -> Callable[[Scene], Iterable[Choice]]:
    def choices(scene: Scene) -> Iterable[Choice]:
        if {"extra_trees", "random_forest"} & set(scene.plan.models) and (expected := gain(scene)) > 0:
            yield Choice((), expected, words(scene))

    return choices


def _gap_words(scene: Scene) -> str:
    if scene.gap is None:
        return "How training compares with validation is not known."
    return f"Training shows {1 - scene.gap:.0%} of the validation loss (gap {scene.gap:.0%})."


def _over(gain: float) -> Callable[[Scene], float]:
    return lambda scene: gain * (1.0 + (scene.gap or 0.0)) if (scene.gap or 0.0) > _OVERFIT_GAP else 0.0


def _under(gain: float) -> Callable[[Scene], float]:
    return lambda scene: gain * (1.5 - (scene.gap or 0.0)) if (scene.gap or 0.0) < 0.6 else 0.0


def _fixed(gain: Callable[[Scene], float]) -> Callable[[Scene], float]:
    """The gain where the number of rounds is fixed: where it is found, another limit changes nothing."""
    return lambda scene: 0.0 if scene.plan.early_stopping else gain(scene)


def _slower(plan: Plan, _: Subject) -> Plan:
    if plan.learning_rate <= 0.02:
        return plan
    return plan.model_copy(update={"learning_rate": plan.learning_rate / 2, "iterations": plan.iterations * 2})


def _scaled(field: str, factor: float, low: float, high: float) -> Callable[[Plan, Subject], Plan]:
    """An edit that multiplies a parameter, within bounds; integers are rounded."""

    def edit(plan: Plan, _: Subject) -> Plan:
        value = getattr(plan, field)
        scaled = min(high, max(low, value * factor))
        return plan.model_copy(update={field: round(scaled) if isinstance(value, int) else round(scaled, 6)})

    return edit


def _l2_up(plan: Plan, _: Subject) -> Plan:
    return plan.model_copy(update={"l2": 1.0 if plan.l2 == 0 else min(100.0, plan.l2 * 5)})


def _stiffness(up: bool) -> Callable[[Scene], Iterable[Choice]]:
    def choices(scene: Scene) -> Iterable[Choice]:
        if scene.evaluation is None or not {"linear", "margin"} & set(scene.plan.models):
            return
        gain = _over(0.008)(scene) if up else _under(0.01)(scene)
        if gain > 0:
            yield Choice((), gain if scene.wide else 0.3 * gain, _gap_words(scene))

    return choices


def _shapes(scene: Scene) -> Iterable[Choice]:
    """Monotonic effects: columns of areas and volumes, recognised by name, in regression."""
    if scene.plan.encoding != "native" or scene.plan.target_means or scene.plan.models[0] != "boosting":
        return
    if not (scene.regression or scene.task.task_type == "binary"):
        return
    for column in scene.continuous[:6]:
        name = column.name.lower()
        if any(word in name for word in ("area", "_sf", ".sf", "sqft", "size", "volume")) and scene.regression:
            yield Choice((column.name,), 0.004, f"More {column.name} hardly ever means less {scene.task.targets[0]}.")


def _monotonic(plan: Plan, subject: Subject) -> Plan:
    added = tuple((name, 1) for name in subject if name not in dict(plan.monotonic))
    return plan.model_copy(update={"monotonic": (*plan.monotonic, *added)})


MOVES = (
    Move(
        "Model",
        "learning_rate",
        "down",
        STEPS,
        "Half the learning rate over twice the rounds follows the data more finely.",
        _when_boosting(
            lambda s: 0.009 if s.plan.learning_rate > 0.02 else 0.0,
            lambda s: f"{s.plan.iterations} rounds of {s.plan.learning_rate:g} are coarse steps.",
        ),
        _slower,
        safety=8,
    ),
    Move(
        "Model",
        "iterations",
        "up",
        UNDERFIT,
        "Half as many rounds again let boosting reach what it has not reached yet.",
        _when_boosting(_fixed(_under(0.006)), _gap_words),
        _scaled("iterations", 1.5, 20, 5000),
        safety=7,
    ),
    Move(
        "Model",
        "iterations",
        "down",
        OVERFIT,
        "A third fewer rounds stop boosting before it learns single rows.",
        _when_boosting(_fixed(_over(0.003)), _gap_words),
        _scaled("iterations", 0.67, 20, 5000),
        safety=7,
    ),
    Move(
        "Model",
        "leaves",
        "up",
        UNDERFIT,
        "Twice the leaves let each tree join more columns.",
        _when_boosting(_under(0.006), _gap_words),
        _scaled("leaves", 2, 4, 255),
        safety=6,
    ),
    Move(
        "Model",
        "leaves",
        "down",
        OVERFIT,
        "Half the leaves keep each tree to what many rows agree on.",
        _when_boosting(_over(0.005), _gap_words),
        _scaled("leaves", 0.5, 4, 255),
        safety=7,
    ),
    Move(
        "Model",
        "min_leaf",
        "up",
        OVERFIT,
        "Twice the rows a leaf must hold ask for broader evidence.",
        _when_boosting(_over(0.004), _gap_words),
        _scaled("min_leaf", 2, 2, 500),
        safety=7,
    ),
    Move(
        "Model",
        "min_leaf",
        "down",
        UNDERFIT,
        "Half the rows a leaf must hold let small groups speak.",
        _when_boosting(_under(0.006), _gap_words),
        _scaled("min_leaf", 0.5, 2, 500),
        safety=5,
    ),
    Move(
        "Model",
        "l2",
        "up",
        OVERFIT,
        "A stronger penalty on leaf values tempers what few rows say.",
        _when_boosting(_over(0.003), _gap_words),
        _l2_up,
        safety=7,
    ),
    Move(
        "Model",
        "column_share",
        "down",
        OVERFIT,
        "Half the columns for each cut make trees differ and lean on more than the strongest.",
        _when_boosting(lambda s: _over(0.01)(s) if s.plan.column_share > 0.3 else 0.0, _gap_words),
        _scaled("column_share", 0.5, 0.25, 1.0),
        safety=7,
    ),
    Move(
        "Model",
        "early_stopping",
        "on",
        STEPS,
        "Small steps, stopped once rows that were kept back no longer gain, need no guess at the number of rounds.",
        _when_boosting(_fixed(lambda _: 0.006), _gap_words),
        change(**PATIENT),
        safety=7,
    ),
    Move(
        "Model",
        "tree_columns",
        "up",
        UNDERFIT,
        "More columns for each cut let averaged trees find the strong ones more often.",
        _when_trees(
            lambda s: 0.01 if s.plan.tree_columns < 0.9 else 0.0,
            lambda s: f"Each cut chooses among {s.plan.tree_columns:.0%} of the columns.",
        ),
        _scaled("tree_columns", 1.6, 0.1, 1.0),
        safety=7,
    ),
    Move(
        "Model",
        "tree_columns",
        "down",
        OVERFIT,
        "Fewer columns for each cut make averaged trees differ more.",
        _when_trees(
            lambda s: 0.004 if s.plan.tree_columns > 0.2 else 0.0,
            lambda s: f"Each cut chooses among {s.plan.tree_columns:.0%} of the columns.",
        ),
        _scaled("tree_columns", 0.5, 0.1, 1.0),
        safety=6,
    ),
    Move(
        "Model",
        "tree_leaf",
        "up",
        OVERFIT,
        "Twice the rows in a leaf of averaged trees smooth their predictions.",
        _when_trees(_over(0.005), _gap_words),
        _scaled("tree_leaf", 2, 1, 100),
        safety=6,
    ),
    Move(
        "Model",
        "tree_leaf",
        "down",
        UNDERFIT,
        "Averaged trees grown to single rows lose little to variance and gain in detail.",
        _when_trees(
            lambda s: 0.006 if s.plan.tree_leaf > 1 else 0.0,
            lambda s: f"A leaf of the averaged trees holds at least {s.plan.tree_leaf} rows.",
        ),
        _scaled("tree_leaf", 0.5, 1, 100),
        safety=6,
    ),
    Move(
        "Model",
        "penalty",
        "up",
        OVERFIT,
        "Three times the penalty keeps the weights of a linear model to what many rows agree on.",
        _stiffness(up=True),
        _scaled("penalty", 3.0, 0.001, 1000.0),
        safety=7,
    ),
    Move(
        "Model",
        "penalty",
        "down",
        UNDERFIT,
        "A third of the penalty lets a linear model follow the rows further.",
        _stiffness(up=False),
        _scaled("penalty", 1 / 3, 0.001, 1000.0),
        safety=7,
    ),
    Move(
        "Model",
        "monotonic",
        "up",
        SHAPE,
        "Predictions that never fall as {subject} grows cannot follow noise there.",
        _shapes,
        _monotonic,
        safety=6,
    ),
)
