"""What a verb prints: words for people, cleaned; or one JSON document with its schema; and what to type next."""

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


def say(words: str = "", to: TextIO | None = None) -> None:
    """Print words on standard output, without what could steer the terminal."""
    print(text.clean(words), file=to or sys.stdout)


def say_aside(words: str) -> None:
    """Print words on standard error: what is told beside a verb's answer."""
    sys.stdout.flush()
    say(words, sys.stderr)


def hint(*commands: str) -> None:
    """Name the next useful commands, on standard error so that a pipe gets the screen alone."""
    say_aside("next: " + " · ".join(commands))


def document(verb: str, data: Any) -> str:
    """The JSON that `--json` prints. Escapes of JSON make every control character harmless."""
    return json.dumps({"schema": f"gome.{verb}/1", "data": as_data(data)})


def emit(verb: str, data: Any) -> None:
    """Print a verb's answer as JSON, in one line."""
    print(document(verb, data), flush=True)


def as_data(value: Any) -> Any:
    """Plain data of models, dataclasses, tuples and mappings; infinities and NaN become null, which JSON has not."""
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
    """A message in its envelope as plain data: the shape of a line of `log --json` and of `--display json`."""
    data: dict[str, Any] = as_data(envelope)
    return data


def screen_width() -> int | None:
    """How many columns the terminal has; None where standard output is none, so that nothing is cut for a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    words: str | None = None,
    spare: Sequence[str] = (),
    width: int | None = None,
) -> str:
    """Columns in line, two spaces apart; figures to the right.

    Where they do not fit the terminal (or `width`) the columns named in `spare` are left out, the first of them first,
    then the texts of the column `words` are cut; what is still too long is cut at its end.
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
    """The width of a table with these columns."""
    return sum(widths.values()) + 2 * (len(widths) - 1)


def tree(value: Any, indent: int = 0) -> str:
    """Plain data as an indented outline, one thing a line; longer texts keep their lines."""
    pad = "  " * indent
    if isinstance(value, dict):
        return "\n".join(_branch(f"{pad}{key}:", each, indent) for key, each in value.items())
    if isinstance(value, list):
        return "\n".join(_branch(f"{pad}-", each, indent) for each in value)
    return f"{pad}{_leaf(value)}"


def _branch(label: str, value: Any, indent: int) -> str:
    if isinstance(value, dict | list) and value:
        return f"{label}\n{tree(value, indent + 1)}"
    if isinstance(value, str) and "\n" in value:
        pad = "  " * (indent + 1)
        return f"{label}\n" + "\n".join(f"{pad}{each}" for each in value.rstrip().split("\n"))
    return f"{label} {_leaf(value)}"


def _leaf(value: Any) -> str:
    if value is None:
        return text.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return "none"
    return str(value)


def _figure(cell: str) -> bool:
    return cell in ("", text.UNKNOWN) or _FIGURE.fullmatch(cell) is not None
