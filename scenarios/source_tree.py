"""A script's text as a tree, and the small questions that the probes of its text have in common."""

import ast
from collections.abc import Iterator
from typing import Literal

from scenarios.evidence import LeakNote

__all__ = ["mild", "name_of", "parse", "severe", "texts_of"]


def parse(source: str) -> ast.Module | None:
    """The tree; None of text that does not parse, which gives nothing away."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def name_of(node: ast.AST) -> str:
    """The last part of a name: `fit` of `model.fit`, nothing of what is no name."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def texts_of(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """All texts written in the script, and where. What is only said, such as a docstring, is none of them."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in said and isinstance(node.value, str | bytes):
            yield node, node.value if isinstance(node.value, str) else node.value.decode("latin-1")


def severe(code: str, node: ast.AST, words: str) -> LeakNote:
    """A sign that costs the score, with its line."""
    return _note(code, "severe", node, words)


def mild(code: str, node: ast.AST, words: str) -> LeakNote:
    """A sign that is noted, with its line."""
    return _note(code, "mild", node, words)


def _note(code: str, severity: Literal["mild", "severe"], node: ast.AST, words: str) -> LeakNote:
    return LeakNote(code=code, severity=severity, message=f"line {getattr(node, 'lineno', 1)}: {words}")
