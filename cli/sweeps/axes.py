"""Axes of a sweep, parsed from texts such as `traces=1,2,4` and `seed=1..5`; a sweep runs their Cartesian product."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from gome.errors import UsageError

__all__ = ["SEED", "Axis", "parse_axes", "settings"]

SEED = "seed"
"""The axis whose values are repetitions of one setting; figures are averaged over it."""
_MOST = 10_000
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")


@dataclass(frozen=True, slots=True)
class Axis:
    """A setting's path and the values it takes, in the syntax of `--set`."""

    path: str
    values: tuple[str, ...]


def parse_axes(texts: Sequence[str]) -> tuple[Axis, ...]:
    """Parse the texts of `--over`, in order. Raises UsageError for a malformed text, a repeated path, or no axis."""
    axes = tuple(map(_axis, texts))
    if not axes:
        raise UsageError("nothing to sweep over; for example: --over traces=1,2,4 --over seed=1..5")
    paths = [axis.path for axis in axes]
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"--over {path}: given twice; list all values in one --over")
    return axes


def settings(axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    """Every combination of one value per axis; the last axis varies fastest."""
    return list(product(*(axis.values for axis in axes)))


def _axis(text: str) -> Axis:
    path, equals, written = text.partition("=")
    if not equals or not path.strip() or not written.strip():
        raise UsageError(f"--over {text}: write it as path=value,value or path=first..last, such as seed=1..5")
    values = [value for piece in _pieces(written) for value in _expanded(piece, text)]
    if "" in values or len(set(values)) < len(values):
        raise UsageError(f"--over {text}: values must be distinct and not empty")
    return Axis(path.strip(), tuple(values))


def _pieces(written: str) -> list[str]:
    """The text split at commas, except commas within brackets."""
    pieces, depth = [""], 0
    for letter in written:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth:
            pieces.append("")
        else:
            pieces[-1] += letter
    return [piece.strip() for piece in pieces]


def _expanded(piece: str, text: str) -> list[str]:
    """Every integer of a range such as `1..5`; any other piece as it is."""
    found = _RANGE.fullmatch(piece)
    if found is None:
        return [piece]
    first, last = int(found[1]), int(found[2])
    if not 0 <= last - first < _MOST:
        raise UsageError(f"--over {text}: {piece} is not a valid range; write the smaller number first, such as 1..5")
    return [str(number) for number in range(first, last + 1)]
