"""Apply edit blocks to a script; each must fit exactly. Also reads code from an answer in any accepted form."""

import re

from gome.agents.backends.llm.fences import PatchError, find_script
from gome.agents.backends.llm.prompting import shown_text

__all__ = ["apply_edits", "read_code"]

_SEARCH, _MIDDLE, _REPLACE = (
    re.compile(pattern) for pattern in (r"<{5,9} SEARCH[ \t]*", r"={5,9}[ \t]*", r">{5,9} REPLACE[ \t]*")
)
_MARKER = re.compile(r"^(?:<{5,9} SEARCH|>{5,9} REPLACE)", re.MULTILINE)


def read_code(text: str, base: str | None) -> tuple[str, str]:
    """Extract from an answer in fenced form the whole script, and the text outside the code (at most 1000 characters).

    Edit blocks, if there are any, are applied to `base`. Raises PatchError where there is no code, more than one whole
    file, or an edit that does not apply.
    """
    text = text.replace("\r\n", "\n")
    edits, outside = _edits(text)
    if edits or _MARKER.search(text):
        if base is None:
            raise PatchError("edit blocks need a script to edit, and there is none yet: send the whole file")
        if 2 * len(edits) != len(_MARKER.findall(text)):
            raise PatchError(
                "an edit block is not complete: each is SEARCH, =======, REPLACE, each marker on its own line"
            )
        words = re.sub(r"^`{3,}.*$", "", outside, flags=re.MULTILINE)
        return apply_edits(base, edits), _sentence(words)
    code, words = find_script(text)
    return code, _sentence(words)


def _edits(text: str) -> tuple[list[tuple[str, str]], str]:
    """The complete edit blocks as (old, new), and the text outside them. Each line is read once."""
    edits: list[tuple[str, str]] = []
    outside: list[str] = []
    block: list[list[str]] = []  # of an open block: its lines, then old, then new
    for line in text.split("\n"):
        if not block:
            if _SEARCH.fullmatch(line):
                block = [[line], []]
            else:
                outside.append(line)
            continue
        block[0].append(line)
        if len(block) == 2 and _MIDDLE.fullmatch(line):
            block.append([])
        elif len(block) == 3 and _REPLACE.fullmatch(line):
            old, new = ("".join(f"{each}\n" for each in part) for part in block[1:])
            edits.append((old, new))
            block = []
        else:
            block[-1].append(line)
    return edits, "\n".join([*outside, *(block[0] if block else [])])


def apply_edits(base: str, edits: list[tuple[str, str]]) -> str:
    """Apply (old, new) replacements of whole lines to `base`, in order.

    A line ends with a line feed alone: a form feed or another separator of Unicode is part of its line. Lines are
    compared as prompts show them, without control characters.

    Raises PatchError where an `old` is empty or does not occur exactly once.
    """
    lines = _lines(base.replace("\r\n", "\n"))
    for number, (old, new) in enumerate(edits, start=1):
        sought = _shown(_lines(old))
        if not any(line.strip() for line in sought):
            raise PatchError(f"edit {number} has an empty SEARCH part: name the lines that it replaces")
        present = _shown(lines)
        places = [at for at in range(len(lines) - len(sought) + 1) if present[at : at + len(sought)] == sought]
        if len(places) != 1:
            raise PatchError(_misfit(number, sought, len(places), present))
        lines[places[0] : places[0] + len(sought)] = _lines(new)
    return "\n".join(lines) + "\n"


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _shown(lines: list[str]) -> list[str]:
    return [shown_text(line) for line in lines]


def _misfit(number: int, sought: list[str], places: int, lines: list[str]) -> str:
    if places > 1:
        return f"edit {number}: its SEARCH lines occur {places} times in the script: take in more lines around them"
    present = set(lines)
    strange = next((line for line in sought if line not in present), None)
    where = "each is there, and not in this order" if strange is None else f"the first that is not there: {strange!r}"
    return f"edit {number}: its SEARCH lines do not occur in the script as they stand; {where}"


def _sentence(words: str) -> str:
    return " ".join(words.split())[:1000]
