"""Scores that a script prints without having computed them."""

import ast
import re

from scenarios.source_tree import name_of, parse

__all__ = ["claimed_scores"]

_CLAIM = re.compile(r"(score|valid|oof|out.of.fold|\bcv\b|metric|\bfinal\b)", re.IGNORECASE)
_NO_CLAIM = re.compile(
    r"(train|baseline|dummy|previous|parent|best so far|target|threshold|goal|before|was)", re.IGNORECASE
)
_FIGURE = re.compile(r"(?<![\w.])\d*\.\d+(?:e-?\d+)?", re.IGNORECASE)


def claimed_scores(source: str, metric: str) -> tuple[tuple[int, float], ...]:
    """Scores that a script prints without having computed them: the line and the figure, written out in its text."""
    tree = parse(source)
    if tree is None:
        return ()
    constants = _constants(tree)
    named = re.compile(re.escape(metric).replace(r"\-", "[- _]?"), re.IGNORECASE)
    claims = []
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and name_of(call.func) in ("print", "log", "info", "write"):
            text = " ".join(_literal(argument, constants) for argument in call.args)
            if (_CLAIM.search(text) or named.search(text)) and not _NO_CLAIM.search(text):
                claims += [(call.lineno, float(figure)) for figure in _FIGURE.findall(text)]
    return tuple(claims)


def _constants(tree: ast.AST) -> dict[str, float]:
    """Names that are given one number and never anything else."""
    values: dict[str, set[float | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.For | ast.NamedExpr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            number = _number(node.value) if isinstance(node, ast.Assign | ast.AnnAssign) else None
            for name in (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)):
                values.setdefault(name, set()).add(number)
    return {
        name: value for name, given in values.items() if len(given) == 1 and (value := next(iter(given))) is not None
    }


def _number(node: ast.AST | None) -> float | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, float) else None


def _literal(node: ast.AST, constants: dict[str, float]) -> str:
    """The text that an argument prints as far as it is written out."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return str(constants.get(node.id, ""))
    if isinstance(node, ast.JoinedStr):
        return "".join(_literal(part, constants) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _literal(node.value, constants)
    if isinstance(node, ast.BinOp):
        return f"{_literal(node.left, constants)} {_literal(node.right, constants)}"
    return ""
