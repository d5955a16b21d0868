"""Moves on class weights, on the rule that turns probabilities into classes, and on calibration."""

from collections.abc import Iterable

from gome.agents.backends.expert.moves.captions import CONFIDENCE, DECISIONS, UNEQUAL
from gome.agents.backends.expert.moves.move import Choice, Move, change
from gome.agents.backends.expert.situation import Scene

__all__ = ["MOVES"]

_BALANCED_METRICS = frozenset({"macrof1", "f1", "balancedaccuracy", "f1macro"})


def _balance(scene: Scene) -> Iterable[Choice]:
    if scene.regression or scene.plan.balanced or scene.plan.decide == "cuts" or "neighbours" in scene.plan.models:
        return
    fair = 1.0 / max(2, len(scene.task.classes))
    if scene.metric in _BALANCED_METRICS and scene.rarest < 0.7 * fair:
        yield Choice(
            (), 0.03, f"The rarest class has {scene.rarest:.1%} of the rows, and {scene.task.metric} counts it in full."
        )


def _unbalance(scene: Scene) -> Iterable[Choice]:
    if scene.plan.balanced:
        yield Choice((), 0.003, "Weights for the classes bend the probabilities.")


def _thresholds(scene: Scene) -> Iterable[Choice]:
    if scene.task.prediction != "label" or scene.plan.decide != "argmax":
        return
    balanced = scene.metric in _BALANCED_METRICS or scene.ordered
    unequal = scene.rarest < 0.7 / max(2, len(scene.task.classes))
    words = f"{scene.task.metric} is decided by classes; the likeliest class is not always the one that scores best"
    yield Choice(
        (),
        0.04 if balanced and unequal else 0.015 if balanced else 0.003,
        f"{words} (rarest class {scene.rarest:.1%}).",
    )


def _cuts(scene: Scene) -> Iterable[Choice]:
    if scene.ordered and len(scene.task.classes) > 2 and scene.plan.decide != "cuts":
        words = f"{scene.task.metric} rewards nearness in the order {', '.join(scene.task.classes[:7])}"
        yield Choice((), 0.12, f"{words}; a classifier does not know that order.")


def _temperature(scene: Scene) -> Iterable[Choice]:
    if scene.metric not in ("logloss",) or scene.plan.calibrate != "none" or scene.plan.combine == "stack":
        return
    gap = scene.gap or 0.0
    yield Choice(
        (),
        0.005 + 0.03 * max(0.0, gap - 0.4),
        f"Training shows {1 - gap:.0%} of the validation loss: the model is too sure.",
    )


def _isotonic(scene: Scene) -> Iterable[Choice]:
    if not scene.regression or scene.plan.calibrate != "none" or scene.evaluation is None:
        return
    biased = [piece for piece in scene.evaluation.residuals if piece.bias is not None and piece.share_of_loss > 0.1]
    words = "Predictions of trees shrink towards the middle of the target's range."
    if biased:
        worst = max(biased, key=lambda piece: piece.share_of_loss)
        words = f"Where {worst.feature} = {worst.value}, predictions are off by {worst.bias:+.3g} on average."
    yield Choice((), 0.005 if biased else 0.002, words)


MOVES = (
    Move(
        "Workflow",
        "class_weight",
        "balanced",
        UNEQUAL,
        "Weighing classes equally lets the rare ones count as much as the metric counts them.",
        _balance,
        change(balanced=True),
        safety=6,
    ),
    Move(
        "Workflow",
        "class_weight",
        "none",
        UNEQUAL,
        "Without class weights probabilities mean what they say.",
        _unbalance,
        change(balanced=False),
        safety=6,
    ),
    Move(
        "Workflow",
        "decision",
        "weighted",
        DECISIONS,
        "Factors for the classes, fitted on inner out-of-fold predictions, decide as the metric rewards.",
        _thresholds,
        change(decide="weights"),
        safety=6,
    ),
    Move(
        "Workflow",
        "decision",
        "cuts",
        DECISIONS,
        "Predicting the class's rank and cutting it where the metric is best uses the order of the classes.",
        _cuts,
        change(decide="cuts", calibrate="none", balanced=False),
        safety=6,
    ),
    Move(
        "Workflow",
        "temperature",
        "fit",
        CONFIDENCE,
        "A power of the probabilities, fitted on inner out-of-fold predictions, makes them as sure as they may be.",
        _temperature,
        change(calibrate="temperature"),
        safety=7,
    ),
    Move(
        "Workflow",
        "isotonic",
        "fit",
        CONFIDENCE,
        "A rising curve from prediction to truth, fitted on inner out-of-fold predictions, corrects the level.",
        _isotonic,
        change(calibrate="isotonic"),
        safety=5,
    ),
)
