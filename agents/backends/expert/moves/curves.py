"""Moves on columns that are the points of one curve: what neighbouring points say together."""

from collections.abc import Callable, Iterable

from gome.agents.backends.expert.columns import curve_of
from gome.agents.backends.expert.moves.captions import CURVES
from gome.agents.backends.expert.moves.move import Choice, Move, change
from gome.agents.backends.expert.plan import Curve
from gome.agents.backends.expert.situation import Scene

__all__ = ["MOVES"]


def _read_as(curve: Curve, gain: Callable[[Scene], float]) -> Callable[[Scene], Iterable[Choice]]:
    def choices(scene: Scene) -> Iterable[Choice]:
        points = curve_of(scene.profile)
        if points and scene.plan.curve != curve:
            words = f"{points[0]} to {points[-1]} are {len(points)} points of one curve, and each is read by itself."
            yield Choice((), gain(scene), words)

    return choices


MOVES = (
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
