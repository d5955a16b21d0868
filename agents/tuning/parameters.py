"""Constants that a script declares for tuning: read from its text, never by running it, and written back into it.

    PARAMS = {
        "learning_rate": (0.1, 0.01, 0.3, "log"),   # value, lowest, highest; on a logarithmic scale
        "leaves": (31, 4, 255),                     # integers stay integers
        "loss": ("squared_error", ["squared_error", "poisson"]),   # value, choices
    }

The script reads its values from there (`PARAMS["leaves"][0]`). So a tuned script is a plain script too: only the first
entries differ. Entries of another form, such as a bare number, are constants that are not tuned.
"""

import ast
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gome.agents.protocol.types import Record
from gome.scenarios.figures import plain

__all__ = ["Declaration", "Parameter", "Value", "declared", "with_values"]

Value = int | float | str
_NAME = "PARAMS"
_MOST = 16
_MOST_CHOICES = 16
_LONGEST = 60
_LARGEST = 1e9
_WORD = re.compile(r"[A-Za-z_]\w{0,39}")


class Parameter(Record):
    """One constant: its value and its range. `choices` are given in place of a range, else `low` and `high`."""

    name: str
    value: Value
    scale: Literal["integer", "real", "choice"]
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Value, ...] = ()

    def shown(self, value: Value) -> str:
        """The value in a few characters."""
        return f"{self.name} {plain(value, 4)}" if isinstance(value, float) else f"{self.name} {value}"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a script declares. `faults` say, with line and remedy, which entries look tunable and are not."""

    parameters: tuple[Parameter, ...] = ()
    faults: tuple[str, ...] = ()


class _FaultError(Exception):
    """An entry that cannot be tuned."""


@lru_cache(maxsize=64)  # a step asks many times about the same few scripts
def declared(script: str) -> Declaration:
    """The constants that a script declares; none where it does not parse. Never runs anything."""
    found, faults = _read(script)
    return Declaration(tuple(parameter for parameter, _ in found), faults)


def with_values(script: str, values: Mapping[str, Value]) -> str:
    """The script with these values of constants that it declares; the rest of its text stays as it is."""
    lines = script.encode().split(b"\n")
    places = {parameter.name: node for parameter, node in _read(script)[0]}
    for name, node in sorted(places.items(), key=lambda item: (-item[1].lineno, -item[1].col_offset)):
        last = (node.end_lineno or node.lineno) - 1
        if name in values:
            before, after = lines[node.lineno - 1][: node.col_offset], lines[last][node.end_col_offset :]
            lines[node.lineno - 1 : last + 1] = [before + repr(values[name]).encode() + after]
    return b"\n".join(lines).decode()


def _read(script: str) -> tuple[list[tuple[Parameter, ast.expr]], tuple[str, ...]]:
    """The parameters, each with the node of its value, and the faults."""
    if "\r" in script.replace("\r\n", ""):  # ends a line for Python, not for `with_values`
        return [], ()
    try:
        statements = ast.parse(script).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [], ()
    tables = [value for each in statements if (value := _assigned(each)) is not None]
    if not tables:
        return [], ()
    if len(tables) > 1:
        return [], (f"line {tables[1].lineno}: {_NAME} is assigned twice; assign it once, as one dictionary",)
    table = tables[0]
    if not isinstance(table, ast.Dict):
        return [], ()
    found: dict[str, tuple[Parameter, ast.expr]] = {}
    faults: list[str] = []
    for key, entry in zip(table.keys, table.values, strict=True):
        if not isinstance(entry, ast.Tuple):
            continue
        try:
            parameter = _parameter(key, entry, found)
            found[parameter.name] = (parameter, entry.elts[0])
        except _FaultError as fault:
            name = key.value[:_LONGEST] if isinstance(key, ast.Constant) and isinstance(key.value, str) else "an entry"
            faults.append(f"line {entry.lineno}: {name} of {_NAME} is not tuned: {fault}")
    if len(found) > _MOST:
        return [], (f"line {table.lineno}: {_NAME} has {len(found)} ranges; at most {_MOST} can be searched",)
    return list(found.values()), tuple(faults)


def _assigned(statement: ast.stmt) -> ast.expr | None:
    """The expression that a statement at the top level assigns to `PARAMS`."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == _NAME:
            return value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name == _NAME:
            return value
        case _:
            return None


def _parameter(key: ast.expr | None, entry: ast.Tuple, known: Container[str]) -> Parameter:
    if not isinstance(key, ast.Constant) or not isinstance(key.value, str) or not _WORD.fullmatch(key.value):
        raise _FaultError("its name must be a plain word in quotes, of at most 40 characters")
    if key.value in known:
        raise _FaultError("it is declared twice")
    match entry.elts:
        case [value, ast.List(elts=choices) | ast.Tuple(elts=choices)]:
            return _chosen(key.value, value, choices)
        case [value, low, high]:
            return _ranged(key.value, value, low, high, log=False)
        case [value, low, high, ast.Constant(value="log")]:
            return _ranged(key.value, value, low, high, log=True)
        case _:
            raise _FaultError('write (value, lowest, highest), (value, lowest, highest, "log") or (value, [choices])')


def _ranged(name: str, value: ast.expr, low: ast.expr, high: ast.expr, *, log: bool) -> Parameter:
    numbers = [_literal(each) for each in (value, low, high)]
    if any(isinstance(each, str) for each in numbers):
        raise _FaultError("a range is given in numbers; texts are given as (value, [choices])")
    own, lowest, highest = (each for each in numbers if not isinstance(each, str))
    if not lowest < highest:
        raise _FaultError(f"its lowest value {lowest} is not below its highest {highest}")
    if not lowest <= own <= highest:
        raise _FaultError(f"its value {own} is outside {lowest} to {highest}")
    if log and lowest <= 0:
        raise _FaultError('a range with "log" begins above 0')
    whole = all(isinstance(each, int) for each in numbers)
    scale: Literal["integer", "real"] = "integer" if whole else "real"
    return Parameter(
        name=name, value=own if whole else float(own), scale=scale, low=float(lowest), high=float(highest), log=log
    )


def _chosen(name: str, value: ast.expr, choices: list[ast.expr]) -> Parameter:
    own, options = _literal(value), tuple(_literal(each) for each in choices[: _MOST_CHOICES + 1])
    if not 2 <= len(options) <= _MOST_CHOICES or len({(type(each), each) for each in options}) < len(options):
        raise _FaultError(f"give 2 to {_MOST_CHOICES} different choices")
    if (type(own), own) not in {(type(each), each) for each in options}:
        raise _FaultError(f"its value {own!r} is not among its choices")
    return Parameter(name=name, value=own, scale="choice", choices=options)


def _literal(node: ast.expr) -> Value:
    """The number or text that a node is; a minus may precede a number."""
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, str) and sign == 1:
        if len(value) > _LONGEST:
            raise _FaultError(f"texts may have at most {_LONGEST} characters")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise _FaultError("a text has half a character (a lone surrogate), which no message can hold")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _FaultError("values are numbers or texts that stand there as such")
    if not abs(value) <= _LARGEST:  # no conversion: a whole number may be too large for a float
        raise _FaultError(f"numbers lie between -{_LARGEST:g} and {_LARGEST:g}")
    return sign * value
