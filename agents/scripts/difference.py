"""Unified diff of two scripts, as shown in prompts."""

import ast
import difflib
from itertools import groupby
from typing import Literal

__all__ = ["additions", "beside", "difference", "shown_of"]

_LONGEST = {"global-best": 12000, "sampled": 2500}
"""Maximum length of the script or diff of a recalled change, in characters."""
_MUCH_SHORTER = 0.7
"""A diff is shown in place of a script where it is at most this long, relative to it: longer ones are hard to read."""

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


def beside(own: str, other: str) -> tuple[str, bool]:
    """The other script for a reader who has `own`, and whether it is the diff to it, where that is much shorter.

    What both define alike is only named.
    """
    changes, unlike = additions(own, other), _unlike(own, other)
    return (changes, True) if changes and _much_shorter(changes, unlike) else (unlike, False)


def _unlike(own: str, other: str) -> str:
    """The other script, with a comment in place of each function and class that `own` has word for word."""
    known, lines = {text for *_, text in _definitions(own)}, _lines(other)
    for first, last, name, text in reversed(_definitions(other)):
        if text in known:
            lines[first:last] = [f"# {name}: as in the script above"]
    return "\n".join(lines)


def _definitions(script: str) -> list[tuple[int, int, str, str]]:
    """The functions and classes of a script in order: their lines, name and text. None of what is no plain Python."""
    try:
        nodes = ast.parse(script).body if "\r" not in script else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    lines, found = _lines(script), []
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.end_lineno is not None:
            first = min(each.lineno for each in (node, *node.decorator_list)) - 1
            found.append((first, node.end_lineno, node.name, "\n".join(lines[first : node.end_lineno])))
    return found


def _much_shorter(changes: str, script: str) -> bool:
    return len(changes) < _MUCH_SHORTER * len(script)


def shown_of(why: Literal["global-best", "sampled"], script: str, own: str, before: str | None) -> str:
    """What is shown of a recalled change: the global best's script or the diff to it, else the change's own diff.

    `own` is the reader's script, `before` the one that the change was made to. Empty where it is too long.
    """
    if why == "global-best":
        changes = difference(own, script)
        shown = changes if changes and _much_shorter(changes, script) else script
    else:
        shown = difference(before, script) if before is not None else ""
    return shown if len(shown) <= _LONGEST[why] else ""
