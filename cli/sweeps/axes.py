"""What is swept over: `traces=1,2,4` and `seed=1..5` are two axes, and their product is the sweep's settings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from gome.errors import UsageError

__all__ = ["SEED", "Axis", "parse_axes", "settings"]

SEED = "seed"
"""The axis whose values are no settings but repetitions of one: figures are means over it."""
_MOST = 10_000
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")


@dataclass(frozen=True, slots=True)
class Axis:
    """A path of the scenario and the values that it takes, as `--set` reads them."""

    path: str
    values: tuple[str, ...]


def parse_axes(texts: Sequence[str]) -> tuple[Axis, ...]:
    """The axes that `--over` names, in the order given. Raises UsageError for a text that is none."""
    axes = tuple(map(_axis, texts))
    if not axes:
        raise UsageError("say what to sweep over, for example --over traces=1,2,4 --over seed=1..5")
    paths = [axis.path for axis in axes]
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"--over {path}: given twice; name all its values in one")
    return axes


def settings(axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    """Every combination, one value an axis; the last axis changes first."""
    return list(product(*(axis.values for axis in axes)))


def _axis(text: str) -> Axis:
    path, equals, written = text.partition("=")
    if not equals or not path.strip() or not written.strip():
        raise UsageError(f"--over {text}: write it as path=value,value or path=first..last, such as seed=1..5")
    values = [value for piece in _pieces(written) for value in _expanded(piece, text)]
    if "" in values or len(set(values)) < len(values):
        raise UsageError(f"--over {text}: each value is there once, and none is empty")
    return Axis(path.strip(), tuple(values))


def _pieces(written: str) -> list[str]:
    """The text cut at its commas, but for those within brackets."""
    pieces, depth = [""], 0
    for letter in written:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth:
            pieces.append("")
        else:
            pieces[-1] += letter
    return [piece.strip() for piece in pieces]


def _expanded(piece: str, text: str) -> list[str]:
    """A piece, or every whole number of the range that it is."""
    found = _RANGE.fullmatch(piece)
    if found is None:
        return [piece]
    first, last = int(found[1]), int(found[2])
    if not 0 <= last - first < _MOST:
        raise UsageError(f"--over {text}: {piece} is no range; write the smaller number first, such as 1..5")
    return [str(number) for number in range(first, last + 1)]
