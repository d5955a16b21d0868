"""Unified diff of two scripts, as shown in prompts."""

import difflib
from itertools import groupby

__all__ = ["additions", "difference"]

_LONGEST_REMOVED = 3
"""Removed lines in a row from which `additions` counts them instead."""


def difference(before: str, after: str, context: int = 2) -> str:
    """A unified diff of two texts with `context` lines of context; empty if `before` is empty."""
    lines = difflib.unified_diff(_lines(before), _lines(after), "before", "after", lineterm="", n=context)
    return "\n".join(lines) if before else ""


def _lines(script: str) -> list[str]:
    """Lines end with a line feed alone: a form feed is part of its line."""
    return script.removesuffix("\n").split("\n") if script else []


def additions(before: str, after: str) -> str:
    """The diff for a reader who has `before`: longer runs of removed lines are counted and not repeated."""
    shown: list[str] = []
    lines = difference(before, after, context=1).split("\n")[2:]  # without the names of both sides
    for removed, group in groupby(lines, key=lambda line: line.startswith("-")):
        run = list(group)
        if removed and len(run) > _LONGEST_REMOVED:
            run = [run[0], f"-[and {len(run) - 1} more lines]"]
        shown += run
    return "\n".join(shown)
