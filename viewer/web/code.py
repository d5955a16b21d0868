"""Scripts as pages show them: Python with its tokens marked, and diffs line by line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from gome.viewer import text
from gome.viewer.model.script_diff import Artefacts, base_of, difference, script_of
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary

__all__ = ["DiffLine", "diff_lines", "diffs_of", "highlighted", "read_text"]

_LONGEST = 40_000
"""Characters of a script with marked tokens, which take four times the room; a longer one is shown without."""
_DIFF_LINES = 400
_DIFF_WIDTH = 400
_DIFF_ROOM = 300_000
"""Budget of characters for the diffs of a page; the last one may exceed it."""
_MARKUP = 30
_KINDS = {"+": "add", "-": "cut", "@": "place"}


@dataclass(frozen=True)
class DiffLine:
    """A line of a diff; `kind` is `add`, `cut` (removed), `place` (position) or `same`."""

    kind: str
    text: str


def read_text(artefacts: Artefacts, ref: str | None, longest: int) -> str:
    """An artefact as text without control characters, cut to `longest` characters; empty where there is none."""
    if ref is None:
        return ""
    content = artefacts.read_now(ref).decode("utf-8", "replace")
    return text.cut(text.clean(content[: 2 * longest]), longest)


def highlighted(script: str) -> Markup:
    """The HTML of a script, escaped; tokens have the classes of Pygments with the prefix `h-`."""
    script = text.clean(script)
    if len(script) > _LONGEST:
        return escape(script)
    from pygments import highlight  # imported late: only pages with a script need it
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    made = highlight(script, PythonLexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True, classprefix="h-"))
    return Markup(made)  # noqa: S704  the formatter escapes every token


def diffs_of(steps: Iterable[Step], summary: Summary, artefacts: Artefacts) -> dict[str, list[DiffLine]]:
    """The diffs of steps and the scripts that they changed, by name, the last steps first, within the page's budget."""
    shown: dict[str, list[DiffLine]] = {}
    room = _DIFF_ROOM
    for step in reversed(list(steps)):
        if room <= 0:
            break
        if script_of(step) is not None:
            shown[step.name] = diff_lines(artefacts, base_of(step), step, summary)
            room -= sum(len(line.text) + _MARKUP for line in shown[step.name])
    return shown


def diff_lines(artefacts: Artefacts, old: str | None, step: Step, summary: Summary) -> list[DiffLine]:
    """The diff of the script `old`, by ref, and that of a step; the whole script where `old` is None."""
    found = _cut(difference(artefacts, old, script_of(step), ("parent", step.name))[2:])
    if len(found) > _DIFF_LINES:
        more = f"… {len(found) - _DIFF_LINES} more lines; gome diff {summary.run} {step.name}"
        return [*found[:_DIFF_LINES], DiffLine("place", more)]
    return found


def _cut(lines: Sequence[str]) -> list[DiffLine]:
    return [DiffLine(_KINDS.get(line[:1], "same"), text.cut(line, _DIFF_WIDTH)) for line in lines]
