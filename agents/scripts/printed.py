"""The figures that a script printed, short enough to stand in a prompt beside another script's output."""

import re
from collections import Counter

__all__ = ["PROGRESS", "last_figures"]

_MOST = 1500
"""Characters kept."""
PROGRESS = re.compile(r"\s*(split|epoch|loss)\b|.*\b(fold|round|step|iteration) \d+/\d+\s*$")
"""Lines by which a script says how far it is."""
_ALIKE = 2
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)
_DIGIT = re.compile(r"\d")


def last_figures(output: str) -> str:
    """The last lines of standard output that hold a number, at most 1,500 characters.

    Progress is left out. Of lines that differ in their numbers alone, as a loop prints them, the last two are kept; a
    mark stands where others were.
    """
    lines = output.partition("\n--- stderr\n")[0].splitlines()
    kept: list[str] = []
    alike = Counter[str]()
    size = cut = 0
    for line in reversed(lines):
        if not _DIGIT.search(line) or PROGRESS.match(line):
            continue
        words = _NUMBER.sub("#", line)
        alike[words] += 1
        if alike[words] > _ALIKE:
            cut += 1
            continue
        more, cut = [*_mark(cut), line], 0
        size += sum(len(each) + 1 for each in more)
        if size > _MOST:
            break
        kept += more
    return "\n".join(reversed([*kept, *_mark(cut)]))


def _mark(cut: int) -> list[str]:
    """The mark for so many lines that were left out, none for none."""
    return [f"[… cut: {cut} line{'s' if cut > 1 else ''} alike …]"] if cut else []
