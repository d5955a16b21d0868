"""Output of commands: sanitised text, JSON documents, hints at useful next commands."""

import dataclasses
import json
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from pydantic import BaseModel

from gome.bus.message import Envelope
from gome.viewer import text

__all__ = ["as_data", "document", "emit", "envelope_data", "hint", "say", "say_aside", "screen_width", "table", "tree"]


_FIGURE = re.compile(r"[+−-]?\$?\d[\d.,]*(e[+-]?\d+)?(%|k|M|s|m\d+s|h\d+m)?")


def say(message: str = "", to: TextIO | None = None) -> None:
    """Print text (default: on standard output), without terminal control sequences."""
    print(text.clean(message), file=to or sys.stdout)


def say_aside(message: str) -> None:
    """Print a progress message or warning on standard error."""
    sys.stdout.flush()
    say(message, sys.stderr)


def hint(*commands: str) -> None:
    """Print the next useful commands on standard error, so that a pipe gets only the result."""
    say_aside("next: " + " · ".join(commands))


def document(name: str, data: Any) -> str:
    """The JSON document `gome.NAME/1`. JSON escapes all control characters, so it is safe for a terminal."""
    return json.dumps({"schema": f"gome.{name}/1", "data": as_data(data)})


def emit(name: str, data: Any) -> None:
    """Print the result of a command as a JSON document, on one line."""
    print(document(name, data), flush=True)


def as_data(value: Any) -> Any:
    """Convert models, dataclasses, sequences and mappings to JSON data; infinity and NaN become null."""
    if isinstance(value, BaseModel):
        return as_data(value.model_dump(mode="json"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): as_data(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_data(each) for each in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def envelope_data(envelope: Envelope) -> dict[str, Any]:
    """A message with its envelope as JSON data, as in `log --json` and `--display json`."""
    data: dict[str, Any] = as_data(envelope)
    return data


def screen_width() -> int | None:
    """Width of the terminal in columns; None where standard output is not a terminal, so that nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    words: str | None = None,
    spare: Sequence[str] = (),
    width: int | None = None,
) -> str:
    """Format rows as aligned columns, two spaces apart; columns of numbers are right-aligned.

    Where the table is wider than the terminal (or `width` characters), columns in `spare` are dropped in that order,
    then cells of the column `words` are shortened, then lines are cut at the end.
    """
    width = width or screen_width()
    body = [[text.line(cell) for cell in row] for row in rows]
    columns = dict(zip(headers, zip(*body, strict=True) if body else [()] * len(headers), strict=True))
    widths = {head: max(map(len, (head, *column))) for head, column in columns.items()}
    for head in spare:
        if width is not None and _across(widths) > width:
            del columns[head], widths[head]
    if width is not None and words is not None and _across(widths) > width:
        widths[words] = max(12, len(words), widths[words] - (_across(widths) - width))
        columns[words] = tuple(text.cut(cell, widths[words]) for cell in columns[words])
    right = {head for head, column in columns.items() if column and all(_figure(cell) for cell in column)}
    lines = []
    for row in (tuple(columns), *zip(*columns.values(), strict=True)):
        cells = [
            cell.rjust(widths[head]) if head in right else cell.ljust(widths[head])
            for head, cell in zip(columns, row, strict=True)
        ]
        lines.append(text.cut("  ".join(cells).rstrip(), width))
    return "\n".join(lines)


def _across(widths: dict[str, int]) -> int:
    """The total width of a table with these columns."""
    return sum(widths.values()) + 2 * (len(widths) - 1)


def tree(value: Any, indent: int = 0) -> str:
    """Format JSON data as an indented outline, one value per line; multi-line texts keep their line breaks.

    Lists of numbers stand on one line: there may be hundreds in one.
    """
    pad = "  " * indent
    if isinstance(value, dict):
        return "\n".join(_branch(f"{pad}{key}:", each, indent) for key, each in value.items())
    if isinstance(value, list) and not _numbers(value):
        return "\n".join(_branch(f"{pad}-", each, indent) for each in value)
    return f"{pad}{_leaf(value)}"


def _branch(label: str, value: Any, indent: int) -> str:
    if isinstance(value, dict | list) and value and not _numbers(value):
        return f"{label}\n{tree(value, indent + 1)}"
    if isinstance(value, str) and "\n" in value:
        pad = "  " * (indent + 1)
        return f"{label}\n" + "\n".join(f"{pad}{each}" for each in value.rstrip().split("\n"))
    return f"{label} {_leaf(value)}"


def _leaf(value: Any) -> str:
    if _numbers(value):
        return ", ".join(map(str, value))
    if value is None:
        return text.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return "none"
    return str(value)


def _numbers(value: Any) -> bool:
    """Whether it is a list of numbers alone."""
    return isinstance(value, list) and bool(value) and all(type(each) in (int, float) for each in value)


def _figure(cell: str) -> bool:
    return cell in ("", text.UNKNOWN, text.money(None)) or _FIGURE.fullmatch(cell) is not None
