"""Conditions on the figures of two runs, for `compare --fail-on`. Parsed with this grammar, never passed to `eval`.

    condition  = comparison { ("and" | "or") comparison }      evaluated left to right
    comparison = sum ("<" | "<=" | ">" | ">=" | "==" | "!=") sum
    sum        = product { ("+" | "-") product }
    product    = value { ("*" | "/") value }
    value      = number [ "%" ] | ("a" | "b") "." figure

`b.score > a.score * 101%` is true if the score of the second run is more than one per cent above that of the first.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence

from gome.errors import UsageError

__all__ = ["Figures", "holds"]

Figures = Mapping[str, float | None]
"""Figures of a run by name; None where unknown."""

_TOKEN = re.compile(
    r"\s*(?:(\d+(?:\.\d+)?(?:e[+-]?\d+)?%?)|([ab]\.\w+)|(and|or)\b|(<=|>=|==|!=|[<>+\-*/]))", re.IGNORECASE
)
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_SUMS: dict[str, Callable[[float, float], float]] = {"+": operator.add, "-": operator.sub}
_PRODUCTS: dict[str, Callable[[float, float], float]] = {"*": operator.mul, "/": operator.truediv}
_LONGEST = 500


def holds(condition: str, a: Figures, b: Figures) -> bool:
    """Whether the condition is true for runs `a` and `b`.

    Raises UsageError for a syntax error, a figure that does not exist or is unknown, and a division by zero.
    """
    return _Reading(condition, {"a": a, "b": b}).condition()


class _Reading:
    """Recursive-descent parser that evaluates a condition as it reads."""

    def __init__(self, written: str, runs: Mapping[str, Figures]) -> None:
        self._written = written
        self._runs = runs
        self._tokens = self._split()
        self._at = 0

    def condition(self) -> bool:
        found = self._comparison()
        while (word := self._take(("and", "or"))) is not None:
            other = self._comparison()
            found = (found and other) if word == "and" else (found or other)
        if self._at < len(self._tokens):
            raise self._error(f"{self._tokens[self._at]!r} is unexpected here")
        return found

    def _comparison(self) -> bool:
        left = self._sum()
        sign = self._take(_COMPARED)
        if sign is None:
            raise self._error("a comparison needs one of < <= > >= == !=")
        return _COMPARED[sign](left, self._sum())

    def _sum(self) -> float:
        total = self._product()
        while (sign := self._take(_SUMS)) is not None:
            total = _SUMS[sign](total, self._product())
        return total

    def _product(self) -> float:
        product = self._value()
        while (sign := self._take(_PRODUCTS)) is not None:
            try:
                product = _PRODUCTS[sign](product, self._value())
            except ZeroDivisionError as error:
                raise self._error("division by zero") from error
        return product

    def _value(self) -> float:
        token = self._tokens[self._at] if self._at < len(self._tokens) else "end of condition"
        self._at += 1
        if token[0].isdigit():
            return float(token[:-1]) / 100 if token.endswith("%") else float(token)
        name, dot, figure = token.partition(".")
        if not dot:
            raise self._error(f"expected a number, a.FIGURE or b.FIGURE, found {token!r}")
        figures = self._runs[name]
        if figure not in figures:
            raise self._error(f"unknown figure {figure!r}; figures are {', '.join(figures)}")
        value = figures[figure]
        if value is None:
            raise self._error(f"{token} has no value, so the condition cannot be evaluated")
        return float(value)

    def _take(self, wanted: Sequence[str] | Mapping[str, object]) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at] in wanted:
            self._at += 1
            return self._tokens[self._at - 1]
        return None

    def _split(self) -> list[str]:
        if len(self._written) > _LONGEST:
            raise UsageError(f"--fail-on: a condition may have at most {_LONGEST} characters")
        tokens, at, end = [], 0, len(self._written.rstrip())
        while at < end:
            found = _TOKEN.match(self._written, at)
            if found is None:
                raise self._error(f"{self._written[at : at + 12].strip()!r} is not a valid token")
            tokens.append(found[found.lastindex or 0].lower())
            at = found.end()
        return tokens

    def _error(self, words: str) -> UsageError:
        return UsageError(f"--fail-on {self._written!r}: {words}. Example: 'b.score > a.score * 101%'")
