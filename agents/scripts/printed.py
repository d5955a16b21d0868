"""The figures that a script printed, short enough to stand in a prompt beside another script's output."""

import re

__all__ = ["last_figures"]

_MOST = 1500
"""Characters kept."""
_PROGRESS = re.compile(r"^\s*(split|epoch|loss)\b")
_DIGIT = re.compile(r"\d")


def last_figures(output: str) -> str:
    """The last lines of standard output that hold a number, at most 1,500 characters; progress lines are left out."""
    lines = output.partition("\n--- stderr\n")[0].splitlines()
    kept: list[str] = []
    size = 0
    for line in reversed(lines):
        if not _DIGIT.search(line) or _PROGRESS.match(line):
            continue
        size += len(line) + 1
        if size > _MOST:
            break
        kept.append(line)
    return "\n".join(reversed(kept))
