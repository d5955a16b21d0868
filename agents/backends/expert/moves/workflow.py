"""Moves on the objective: the target's scale, the loss, class weights, decision rules, calibration."""

from collections.abc import Callable, Iterable

from gome.agents.backends.expert.moves.captions import CONFIDENCE, DECISIONS, TARGET, UNEQUAL
from gome.agents.backends.expert.moves.move import Choice, Move, Subject, change
from gome.agents.backends.expert.plan import Plan, Target
from gome.agents.backends.expert.situation import LOG_METRICS, Scene

__all__ = ["MOVES"]

_BALANCED_METRICS = frozenset({"macrof1", "f1", "balancedaccuracy", "f1macro"})


def _positive(scene: Scene) -> bool:
    return scene.regression and scene.target is not None and (scene.target.minimum or 0.0) >= 0.0


def _skew(scene: Scene) -> float:
    return scene.profile.target_skew or (scene.target.skew if scene.target and scene.target.skew else 0.0)


def _scale(target: Target) -> Callable[[Scene], Iterable[Choice]]:
    def choices(scene: Scene) -> Iterable[Choice]:
        if not _positive(scene) or scene.plan.target == target:
            return
        skew, metric = _skew(scene), scene.task.metric
        if target == "log1p" and scene.metric in LOG_METRICS:
            yield Choice((), 0.2, f"{metric} compares logarithms, and the target's skew is {skew:.2f}.")
        elif target == "log1p" and skew > 1.0:
            gain = 0.02 if scene.metric in ("mae", "smape") else 0.008
            yield Choice((), gain, f"The target's skew is {skew:.2f}: a few large values rule squared errors.")
        elif target == "sqrt" and skew > 0.5:
            gain = 0.004 if scene.metric in LOG_METRICS or scene.plan.target == "log1p" else 0.01
            yield Choice((), gain, f"The target's skew is {skew:.2f}, and {metric} sees it whole.")
        elif target == "identity" and scene.metric not in LOG_METRICS and scene.evaluation is not None:
            yield Choice((), 0.004, f"{metric} is on the target's own scale, the model is not.")

    return choices


def _on_scale(target: Target) -> Callable[[Plan, Subject], Plan]:
    """An edit of the target's scale. Poisson and gamma losses are reset: they are valid on the original scale only."""

    def edit(plan: Plan, _: Subject) -> Plan:
        loss = plan.loss if plan.loss == "absolute_error" else "squared_error"
        return plan.model_copy(update={"target": target, "loss": loss})

    return edit


def _absolute(scene: Scene) -> Iterable[Choice]:
    fits = scene.regression and "boosting" in scene.plan.models and scene.plan.loss != "absolute_error"
    if fits and scene.metric in ("mae", "smape"):
        yield Choice((), 0.03, f"{scene.task.metric} is least at the median, a squared loss aims at the mean.")


def _poisson(scene: Scene) -> Iterable[Choice]:
    whole = scene.target is not None and scene.target.dtype == "integer"
    plain = scene.plan.loss == "squared_error" and scene.plan.target == "identity" and "boosting" in scene.plan.models
    if _positive(scene) and whole and plain and scene.metric not in LOG_METRICS:
        yield Choice((), 0.01, f"The target counts something (whole numbers, skew {_skew(scene):.2f}).")


def _gamma(scene: Scene) -> Iterable[Choice]:
    above = scene.target is not None and (scene.target.minimum or 0.0) > 0.0
    plain = scene.plan.loss == "squared_error" and scene.plan.target == "identity" and "boosting" in scene.plan.models
    if scene.regression and above and plain and _skew(scene) > 1.5:
        yield Choice((), 0.006, f"The target is positive with a skew of {_skew(scene):.2f}; errors grow with it.")


def _clip(scene: Scene) -> Iterable[Choice]:
    if scene.regression and not scene.plan.clip and scene.target is not None:
        if scene.evaluation is not None and {"linear", "network"} & set(scene.plan.models):
            yield Choice((), 0.006, "A linear reading may leave the range that the target has in training.")
        elif scene.evaluation is not None:
            yield Choice((), 0.0005, "Predictions beyond the range of the training targets are never right.")


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
        "target_scale",
        "log1p",
        TARGET,
        "Fitting the logarithm of the target makes equal ratios equal errors.",
        _scale("log1p"),
        _on_scale("log1p"),
        safety=8,
        at_root=True,
    ),
    Move(
        "Workflow",
        "target_scale",
        "sqrt",
        TARGET,
        "Fitting the square root of the target tempers its large values.",
        _scale("sqrt"),
        _on_scale("sqrt"),
        safety=7,
    ),
    Move(
        "Workflow",
        "target_scale",
        "identity",
        TARGET,
        "Fitting the target as it is aims at what the metric measures.",
        _scale("identity"),
        change(target="identity"),
        safety=7,
    ),
    Move(
        "Workflow",
        "loss",
        "absolute_error",
        TARGET,
        "Minimising absolute errors aims at the median, as the metric does.",
        _absolute,
        change(loss="absolute_error"),
        safety=7,
    ),
    Move(
        "Workflow",
        "loss",
        "poisson",
        TARGET,
        "A Poisson loss expects errors to grow with the count.",
        _poisson,
        change(loss="poisson"),
        safety=6,
    ),
    Move(
        "Workflow",
        "loss",
        "gamma",
        TARGET,
        "A gamma loss expects errors to be a share of the target.",
        _gamma,
        change(loss="gamma"),
        safety=5,
    ),
    Move(
        "Workflow",
        "clip",
        "on",
        CONFIDENCE,
        "Clipping predictions to the range of the training targets removes impossible ones.",
        _clip,
        change(clip=True),
        safety=9,
    ),
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
