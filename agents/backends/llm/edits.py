"""Extract code from an answer: a whole file in a fenced block, or edit blocks that must apply exactly."""

import re

__all__ = ["PatchError", "apply_edits", "read_code"]

_EDIT = re.compile(
    r"^<{5,9} SEARCH[ \t]*\n(?P<old>.*?)^={5,9}[ \t]*\n(?P<new>.*?)^>{5,9} REPLACE[ \t]*$", re.MULTILINE | re.DOTALL
)
_MARKER = re.compile(r"^(?:<{5,9} SEARCH|>{5,9} REPLACE)", re.MULTILINE)
_FENCE = re.compile(
    r"^(?P<ticks>`{3,}|~{3,})[ \t]*(?:python3?|py)[ \t]*\n(?P<code>.*?)^(?P=ticks)[ \t]*$",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)


class PatchError(ValueError):
    """The answer's code cannot be used; the message is addressed to the model that wrote it."""


def read_code(text: str, base: str | None) -> tuple[str, str]:
    """Extract from an answer in fenced form the whole script, and the text outside the code (at most 1000 characters).

    Edit blocks, if there are any, are applied to `base`. Raises PatchError where there is no code, more than one whole
    file, or an edit that does not apply.
    """
    text = text.replace("\r\n", "\n")
    edits = [(found["old"], found["new"]) for found in _EDIT.finditer(text)]
    if edits or _MARKER.search(text):
        if base is None:
            raise PatchError("edit blocks need a script to edit, and there is none yet: send the whole file")
        if 2 * len(edits) != len(_MARKER.findall(text)):
            raise PatchError(
                "an edit block is not complete: each is SEARCH, =======, REPLACE, each marker on its own line"
            )
        words = re.sub(r"^`{3,}.*$", "", _EDIT.sub("", text), flags=re.MULTILINE)
        return apply_edits(base, edits), _sentence(words)
    blocks = list(_FENCE.finditer(text))
    if not blocks:
        raise PatchError(
            "no code was found: send the whole script in one block that begins with ```python and ends with ```"
        )
    if len(blocks) > 1:
        raise PatchError(
            f"{len(blocks)} python blocks were found, and which is the script is not clear: send exactly one"
        )
    code = blocks[0]["code"]
    if not code.strip():
        raise PatchError("the python block is empty")
    return code, _sentence(text[: blocks[0].start()] + text[blocks[0].end() :])


def apply_edits(base: str, edits: list[tuple[str, str]]) -> str:
    """Apply (old, new) replacements of whole lines to `base`, in order.

    Raises PatchError where an `old` is empty or does not occur exactly once.
    """
    lines = base.replace("\r\n", "\n").splitlines()
    for number, (old, new) in enumerate(edits, start=1):
        sought = old.splitlines()
        if not any(line.strip() for line in sought):
            raise PatchError(f"edit {number} has an empty SEARCH part: name the lines that it replaces")
        places = [at for at in range(len(lines) - len(sought) + 1) if lines[at : at + len(sought)] == sought]
        if len(places) != 1:
            raise PatchError(_misfit(number, sought, len(places), lines))
        lines[places[0] : places[0] + len(sought)] = new.splitlines()
    return "\n".join(lines) + "\n"


def _misfit(number: int, sought: list[str], places: int, lines: list[str]) -> str:
    if places > 1:
        return f"edit {number}: its SEARCH lines occur {places} times in the script: take in more lines around them"
    present = set(lines)
    strange = next((line for line in sought if line not in present), None)
    where = "each is there, and not in this order" if strange is None else f"the first that is not there: {strange!r}"
    return f"edit {number}: its SEARCH lines do not occur in the script as they stand; {where}"


def _sentence(words: str) -> str:
    return " ".join(words.split())[:1000]
