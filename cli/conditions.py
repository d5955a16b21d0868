"""Conditions on the figures of two runs, for `compare --fail-on`: read by a grammar of five lines, never evaluated.

    condition  = comparison { ("and" | "or") comparison }      read from left to right
    comparison = sum ("<" | "<=" | ">" | ">=" | "==" | "!=") sum
    sum        = product { ("+" | "-") product }
    product    = value { ("*" | "/") value }
    value      = number [ "%" ] | ("a" | "b") "." figure

`b.score > a.score * 101%` is true where the second run's score is more than one per cent above the first's.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence

from gome.errors import UsageError

__all__ = ["Figures", "holds"]

Figures = Mapping[str, float | None]
"""The figures of a run by name; None where one is unknown."""

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
    """Whether the condition is true of run `a` and run `b`.

    Raises UsageError for what is no condition, a figure that does not exist or is unknown, and a division by zero.
    """
    return _Reading(condition, {"a": a, "b": b}).condition()


class _Reading:
    """Reads a condition from left to right."""

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
            raise self._error(f"{self._tokens[self._at]!r} is not expected there")
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
                raise self._error("it divides by zero") from error
        return product

    def _value(self) -> float:
        token = self._tokens[self._at] if self._at < len(self._tokens) else "its end"
        self._at += 1
        if token[0].isdigit():
            return float(token[:-1]) / 100 if token.endswith("%") else float(token)
        name, dot, figure = token.partition(".")
        if not dot:
            raise self._error(f"{token!r} stands where a number, a.FIGURE or b.FIGURE belongs")
        figures = self._runs[name]
        if figure not in figures:
            raise self._error(f"there is no figure {figure!r}; there are {', '.join(figures)}")
        value = figures[figure]
        if value is None:
            raise self._error(f"{token} is unknown, so nothing can be said")
        return float(value)

    def _take(self, wanted: Sequence[str] | Mapping[str, object]) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at] in wanted:
            self._at += 1
            return self._tokens[self._at - 1]
        return None

    def _split(self) -> list[str]:
        if len(self._written) > _LONGEST:
            raise UsageError(f"--fail-on: a condition has at most {_LONGEST} characters")
        tokens, at, end = [], 0, len(self._written.rstrip())
        while at < end:
            found = _TOKEN.match(self._written, at)
            if found is None:
                raise self._error(f"{self._written[at : at + 12].strip()!r} is not understood")
            tokens.append(found[found.lastindex or 0].lower())
            at = found.end()
        return tokens

    def _error(self, words: str) -> UsageError:
        return UsageError(f"--fail-on {self._written!r}: {words}. Write it like 'b.score > a.score * 101%'")
