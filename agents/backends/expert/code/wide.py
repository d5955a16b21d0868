"""Texts and images in a script: their many features are stored separately and looked up by row number.

Words are counted and images opened once for all rows; weights and models are fitted on the training rows alone.
"""

from gome.agents.backends.expert.plan import Family, Plan
from gome.scenarios.evidence import ImageFolder

__all__ = ["PICTURE", "picture_numbers", "picture_size", "reading", "readings"]

PICTURE = "picture"
"""Name of the column that holds the number of a row's image."""

_LARGEST_SIDE = 32
_CELL = 4
_PASSED = '"passthrough"'
_DIRECTIONS = 8
_ON_WORDS: frozenset[Family] = frozenset({"linear", "margin", "bayes"})


def picture_size(folder: ImageFolder) -> tuple[int, int]:
    """Height and width in pixels to which images are scaled: their own, but the longer side at most 32."""
    shrink = min(1.0, _LARGEST_SIDE / max(folder.width, folder.height))
    return max(8, round(folder.height * shrink)), max(8, round(folder.width * shrink))


def picture_numbers(folder: ImageFolder, plan: Plan) -> int:
    """Number of features of an image for models other than a network."""
    height, width = picture_size(folder)
    if plan.images == "gradients":
        return (height // _CELL - 1) * (width // _CELL - 1) * 4 * _DIRECTIONS
    return height * width * folder.channels


def reading(family: Family, plan: Plan, rest: str) -> str:
    """The pipeline step that reads texts and images; `rest` is the step for the other columns ("" for none)."""
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
    """The functions among `words`, `topics`, `pixels` that a script needs."""
    found = {"words" if family in _ON_WORDS else "topics" for family in plan.models} if plan.texts else set()
    if plan.images != "none" and set(plan.models) - {"network"}:
        found.add("pixels")
    return frozenset(found)
