"""What a script printed, as prompts show it: without the clock of its libraries, or its last figures alone."""

import re
from collections import Counter

__all__ = ["PROGRESS", "last_figures", "without_clock"]

_MOST = 1500
"""Characters kept."""
PROGRESS = re.compile(r"\s*(split|epoch|loss)\b|.*\b(fold|round|step|iteration) \d+/\d+\s*$")
"""Lines by which a script says how far it is."""
_ALIKE = 2
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_CLOCK = r"(\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d"
_LEVEL = r"[-:|\s]*\[?(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b"
_STAMP = re.compile(rf"^(\[{_CLOCK}([.,]\d+)?\]|{_CLOCK},\d{{3}}|{_CLOCK}(\.\d+)?(?={_LEVEL}))[-:|\s]*", re.MULTILINE)
"""A time of day before a line, as logging and XGBoost write it; not one that is data: a row that is printed has no
brackets, no comma before its milliseconds and no level."""


def without_clock(output: str) -> str:
    """The output without the times of day before its lines: no error depends on them, and no two runs have the same."""
    return _STAMP.sub("", output)


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
