"""Moves on the target's scale, the loss, and the range of predictions."""

from collections.abc import Callable, Iterable

from gome.agents.backends.expert.moves.captions import CONFIDENCE, TARGET
from gome.agents.backends.expert.moves.move import Choice, Move, Subject, change
from gome.agents.backends.expert.plan import Plan, Target
from gome.agents.backends.expert.situation import LOG_METRICS, Scene

__all__ = ["MOVES"]


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
        elif target == "log1p" and skew > 1.0 and (scene.evaluation is not None or scene.metric in ("mae", "smape")):
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
)
