"""Moves on pictures and on curves: what neighbouring points say together."""

from collections.abc import Callable, Iterable

from gome.agents.backends.expert.columns import curve_of
from gome.agents.backends.expert.moves.captions import CURVES, OVERFIT, PICTURES
from gome.agents.backends.expert.moves.move import Choice, Move, Subject, change
from gome.agents.backends.expert.plan import Curve, Plan
from gome.agents.backends.expert.situation import Scene

__all__ = ["MOVES"]


def _reads(scene: Scene) -> bool:
    return scene.plan.images != "none"


def _on_numbers(scene: Scene) -> bool:
    """Whether a model uses the image's features as columns; the convolutional network uses the image itself."""
    return _reads(scene) and bool(set(scene.plan.models) - {"network"})


def _unread(scene: Scene) -> Iterable[Choice]:
    folder = scene.profile.images
    if folder is not None and not _reads(scene):
        yield Choice((), 0.2, f"{folder.found:.0%} of the rows have a picture in {folder.pattern}, and none is read.")


def _gradients(scene: Scene) -> Iterable[Choice]:
    folder = scene.profile.images
    if folder is not None and _on_numbers(scene) and scene.plan.images == "pixels":
        pixels = folder.width * folder.height * folder.channels
        gain = 0.15 if "network" not in scene.plan.models else 0.05
        yield Choice((), gain, f"{pixels} shades, each at its place: a step aside is another picture.")


def _pixels(scene: Scene) -> Iterable[Choice]:
    if _on_numbers(scene) and scene.plan.images == "gradients":
        yield Choice((), 0.002, "Edges say where brightness changes, and forget how bright it is.")


def _straight(scene: Scene) -> Iterable[Choice]:
    folder = scene.profile.images
    if folder is not None and _reads(scene) and not scene.plan.straight and folder.channels == 1:
        words = f"Grey pictures of {folder.width} by {folder.height}: one figure each, which may lean either way."
        yield Choice((), 0.04, words)


def _slanted(scene: Scene) -> Iterable[Choice]:
    if _reads(scene) and scene.plan.straight:
        yield Choice((), 0.002, "How a figure leans may itself tell.")


def _shifts(scene: Scene) -> Iterable[Choice]:
    if _reads(scene) and "network" in scene.plan.models and not scene.plan.shifts:
        gap = f"gap {scene.gap:.0%} to training" if scene.gap is not None else "training not yet compared"
        yield Choice((), 0.12, f"{scene.profile.rows} pictures are few for a network ({gap}).")


def _epochs(scene: Scene) -> Iterable[Choice]:
    if _reads(scene) and "network" in scene.plan.models:
        yield Choice((), 0.04, f"{scene.plan.epochs} rounds through {scene.profile.rows} pictures are few.")


def _longer(plan: Plan, _: Subject) -> Plan:
    return plan.model_copy(update={"epochs": min(200, plan.epochs * 3 // 2)})


def _read_as(curve: Curve, gain: Callable[[Scene], float]) -> Callable[[Scene], Iterable[Choice]]:
    def choices(scene: Scene) -> Iterable[Choice]:
        points = curve_of(scene.profile)
        if points and scene.plan.curve != curve:
            words = f"{points[0]} to {points[-1]} are {len(points)} points of one curve, and each is read by itself."
            yield Choice((), gain(scene), words)

    return choices


MOVES = (
    Move(
        "DataLoadSpec",
        "pictures",
        "read",
        PICTURES,
        "The pictures of the rows tell what their columns do not.",
        _unread,
        change(images="pixels"),
        safety=8,
        at_root=True,
    ),
    Move(
        "FeatureEng",
        "picture_numbers",
        "gradients",
        PICTURES,
        "How brightness changes in each direction, cell by cell, tells shapes apart wherever exactly they lie.",
        _gradients,
        change(images="gradients"),
        safety=7,
    ),
    Move(
        "FeatureEng",
        "picture_numbers",
        "pixels",
        PICTURES,
        "The shades themselves keep what edges leave out.",
        _pixels,
        change(images="pixels"),
        safety=5,
    ),
    Move(
        "FeatureEng",
        "straighten",
        "on",
        PICTURES,
        "Centring each figure and undoing its slant leaves less to learn.",
        _straight,
        change(straight=True),
        safety=6,
    ),
    Move(
        "FeatureEng",
        "straighten",
        "off",
        PICTURES,
        "Pictures as they are keep what straightening takes.",
        _slanted,
        change(straight=False),
        safety=5,
    ),
    Move(
        "Workflow",
        "shifts",
        "on",
        OVERFIT,
        "Pictures moved by a pixel or two at random make every round of training a new one.",
        _shifts,
        change(shifts=True),
        safety=8,
    ),
    Move(
        "Model",
        "epochs",
        "up",
        PICTURES,
        "Half as many rounds again let the network settle.",
        _epochs,
        _longer,
        safety=7,
    ),
    Move(
        "FeatureEng",
        "curve",
        "slopes",
        CURVES,
        "How steep a curve is, and how its steepness changes, says what its height does not.",
        _read_as("slopes", lambda scene: 0.1 if scene.regression else 0.05),
        change(curve="slopes"),
        safety=7,
        at_root=True,
    ),
    Move(
        "FeatureEng",
        "curve",
        "kernels",
        CURVES,
        "Random patterns that are looked for along a curve find its shape wherever it stands.",
        _read_as("kernels", lambda scene: 0.05 if scene.regression else 0.1),
        change(curve="kernels"),
        safety=6,
        at_root=True,
    ),
)
