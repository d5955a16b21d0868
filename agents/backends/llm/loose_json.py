"""Read an object that is JSON but for slips that leave one meaning: trailing commas, Python's literals, line breaks.

What lacks a comma, a quote or a bracket is not repaired: there would be more than one way.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["read_object"]

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', re.DOTALL)
_QUOTE = re.compile(r"\\.|\"", re.DOTALL)
_COMMA = re.compile(r",(?=\s*[}\]])")
_LITERALS = {"True": "true", "False": "false", "None": "null"}
_LITERAL = re.compile(r"\b(?:True|False|None)\b")
_DECODER = json.JSONDecoder(strict=False)  # a raw line break within a text is that line break


def read_object(text: str, at: int) -> tuple[Any, int]:
    """The object that begins at `at`, and where it ends.

    Raises:
        ValueError: there is no object, or it has a slip of another kind; RecursionError where it is nested too deeply.
    """
    try:
        return _DECODER.raw_decode(text, at)
    except ValueError as error:
        end = _end_of(text, at)
        if end is None:
            raise
        try:
            return _DECODER.decode("".join(_plain(text[at:end]))), end
        except ValueError:
            raise error from None


def _end_of(text: str, at: int) -> int | None:
    """Where the brackets that open at `at` are all closed again, ignoring those within texts; None if they are not."""
    depth, here = 0, at
    while here < len(text):
        letter = text[here]
        if letter in "\"'":
            string = _STRING.match(text, here)
            if string is None:
                return None
            here = string.end()
            continue
        depth += (letter in "{[") - (letter in "}]")
        here += 1
        if depth == 0:
            return here
    return None


def _plain(text: str) -> Iterator[str]:
    """The parts of the text as JSON: between texts without trailing commas, texts in double quotes."""
    here = 0
    for string in _STRING.finditer(text):
        yield _between(text[here : string.start()])
        written = string[0]
        yield written if written[0] == '"' else _in_double_quotes(written)
        here = string.end()
    yield _between(text[here:])


def _between(text: str) -> str:
    return _LITERAL.sub(lambda found: _LITERALS[found[0]], _COMMA.sub("", text))


def _in_double_quotes(written: str) -> str:
    inner = _QUOTE.sub(lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), written[1:-1])
    return f'"{inner}"'
