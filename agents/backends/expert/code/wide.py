"""Texts and pictures in a script: a row's words or shades are many numbers, kept apart and looked up by row number.

Words are counted and pictures opened once for all rows; what is weighed or fitted is so on the training rows alone.
"""

from gome.agents.backends.expert.plan import Family, Plan
from gome.scenarios.evidence import ImageFolder

__all__ = ["PICTURE", "picture_numbers", "picture_size", "reading", "readings"]

PICTURE = "picture"
"""The column that holds the number of a row's picture."""

_LARGEST_SIDE = 32
_CELL = 4
_PASSED = '"passthrough"'
_DIRECTIONS = 8
_ON_WORDS: frozenset[Family] = frozenset({"linear", "margin", "bayes"})


def picture_size(folder: ImageFolder) -> tuple[int, int]:
    """Height and width in pixels to which pictures are brought: their own, at most 32."""
    shrink = min(1.0, _LARGEST_SIDE / max(folder.width, folder.height))
    return max(8, round(folder.height * shrink)), max(8, round(folder.width * shrink))


def picture_numbers(folder: ImageFolder, plan: Plan) -> int:
    """How many numbers a picture is for models other than a network."""
    height, width = picture_size(folder)
    if plan.images == "gradients":
        return (height // _CELL - 1) * (width // _CELL - 1) * 4 * _DIRECTIONS
    return height * width * folder.channels


def reading(family: Family, plan: Plan, rest: str) -> str:
    """The step of a pipeline that reads texts and pictures, other columns being prepared by `rest` ("" for none)."""
    if family == "network" and plan.images != "none":
        return ""
    step = rest
    if plan.images != "none":
        step = f"pixels(args, {step or _PASSED})"
    if plan.texts and family == "bayes":
        step = 'words(args, "drop")'
    elif plan.texts and family in _ON_WORDS:
        step = f"words(args, {step or _PASSED})"
    elif plan.texts:
        step = f"topics(args, {step or _PASSED}, seed)"
    return step


def readings(plan: Plan) -> frozenset[str]:
    """Which of the functions `words`, `topics`, `pixels` a script needs."""
    found = {"words" if family in _ON_WORDS else "topics" for family in plan.models} if plan.texts else set()
    if plan.images != "none" and set(plan.models) - {"network"}:
        found.add("pixels")
    return frozenset(found)
