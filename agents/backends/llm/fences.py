"""Find the one script of an answer: in a fenced block, however the fence is written, or as the whole answer."""

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from gome.agents.backends.llm.thoughts import without_end_tokens

__all__ = ["PatchError", "find_script"]

_OPENING = re.compile(r"^(?P<before>[^`~\n]*?)(?P<ticks>`{3,}|~{3,})(?P<info>[^`\n]*)$")
_PYTHON = re.compile(r"[{.\s]*(?:python|py|py3|ipython)[\d.]*(?![\w-])", re.IGNORECASE)
_BEGIN = re.compile(r"^(?:import |from \w|#!|\"\"\"|'''|#)", re.MULTILINE)


class PatchError(ValueError):
    """The answer's code cannot be used; the message is addressed to the model that wrote it."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A fenced block: its code, whether it is said to be Python, and where it stands in the lines of the answer."""

    code: str
    is_python: bool
    is_bare: bool
    first: int
    last: int


def find_script(text: str) -> tuple[str, str]:
    """The script of an answer, and the words around it.

    A block that is said to be Python comes before blocks of no language. An answer without a block is a script if all
    of it, or all from its first import or comment on, is a Python program.

    Raises PatchError where there is no script, an empty one, or more than one.
    """
    lines = text.split("\n")
    blocks = list(_blocks(lines))
    found = [each for each in blocks if each.is_python]
    if not found:
        bare = [each for each in blocks if each.is_bare]
        found = bare if len(bare) == 1 else [each for each in bare if _is_program(each.code)]
    if not found:
        return _unfenced(text)
    if len({each.code.strip() for each in found}) > 1:
        raise PatchError(
            f"{len(found)} python blocks were found, and which is the script is not clear: send exactly one"
        )
    block = found[0]
    if not block.code.strip():
        raise PatchError("the python block is empty")
    return block.code, "\n".join([*lines[: block.first], *lines[block.last + 1 :]])


def _blocks(lines: list[str]) -> Iterator[_Block]:
    at, closings = 0, _Closings(lines)
    while at < len(lines):
        opening = _OPENING.match(lines[at])
        end = None if opening is None else closings.after(at, opening["ticks"], _indent(lines[at]))
        if opening is None or end is None:
            at += 1
            continue
        info = opening["info"].strip()
        code = "\n".join([*lines[at + 1 : end], ""])
        if opening["before"] and not opening["before"].strip():
            code = textwrap.dedent(code)
        yield _Block(code, _PYTHON.match(info) is not None, not info, at, end)
        at = end + 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


class _Closings:
    """The lines that may close a fence: its marks alone, or end tokens behind them. Each line is read once."""

    def __init__(self, lines: list[str]) -> None:
        stripped = ((at, without_end_tokens(line)) for at, line in enumerate(lines) if "```" in line or "~~~" in line)
        self._marks = [(at, mark, _indent(lines[at])) for at, mark in stripped if mark and set(mark) in ({"`"}, {"~"})]
        self._begin = 0
        self._vain: list[tuple[str, int]] = []
        """Fences that no further line closes; nor does one close a longer fence, or one that is less indented."""

    def after(self, opened: int, ticks: str, indent: int) -> int | None:
        """The line behind `opened` that closes a fence: marks no fewer than opened it, no deeper. Ask in order."""
        if any(ticks.startswith(vain) and indent <= deepest for vain, deepest in self._vain):
            return None
        while self._begin < len(self._marks) and self._marks[self._begin][0] <= opened:
            self._begin += 1
        for place in range(self._begin, len(self._marks)):
            at, mark, depth = self._marks[place]
            if depth <= indent and mark.startswith(ticks):
                return at
        self._vain.append((ticks, indent))
        return None


def _unfenced(text: str) -> tuple[str, str]:
    if "```" not in text:
        begin = _BEGIN.search(text)
        for start in [0] if begin is None else [0, begin.start()]:
            if _is_program(text[start:]):
                return text[start:].rstrip() + "\n", text[:start]
    raise PatchError(
        "no code was found: send the whole script in one block that begins with ```python and ends with ```"
    )


def _is_program(code: str) -> bool:
    """Whether the text is Python that imports something, as every script does, and prose hardly ever."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in the model's texts
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body)
