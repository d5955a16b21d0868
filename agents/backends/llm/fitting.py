"""Fit an object to a reply's type where it differs in form alone: wrapped, in other letters, 8.5 for a whole 8.

A field that is null is one that was left out, unless null is a value of its own.
"""

import re
from copy import deepcopy
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gome.agents.protocol.types import Record, Scores

__all__ = ["fitted"]

_EXPECTED = re.compile(r"'([^']*)'")


def fitted(reply_type: type[Record], value: Any) -> Record:
    """The reply that the object is, or is but for its form. Raises ValidationError of the object as it was given."""
    try:
        return reply_type.model_validate(value)
    except ValidationError as error:
        given = error
    inner = _unwrapped(reply_type, value)
    for problem in _problems(reply_type, inner):
        _set(inner, problem)
    try:
        return reply_type.model_validate(inner)
    except ValidationError:
        raise given from None


def _problems(reply_type: type[Record], value: Any) -> list[ErrorDetails]:
    try:
        reply_type.model_validate(value)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _unwrapped(reply_type: type[Record], value: Any) -> Any:
    """A copy of the object within wrappers: objects of a single key that is none of the reply's."""
    while isinstance(value, dict) and len(value) == 1:
        name, inner = next(iter(value.items()))
        if name in reply_type.model_fields or not isinstance(inner, dict | list):
            break
        value = inner[0] if isinstance(inner, list) and len(inner) == 1 else inner
    return deepcopy(value)


def _set(value: Any, problem: ErrorDetails) -> None:
    """Replace what the problem is about in its place, where there is one value that it can mean; leave out a null."""
    meant = _meant(problem)
    if meant is None and problem["input"] is not None:
        return
    *above, last = problem["loc"]
    here: Any = value
    try:
        for part in above:
            here = here[part]
        if meant is not None:
            here[last] = meant
        elif isinstance(here, dict):
            del here[last]
    except (KeyError, IndexError, TypeError):
        return  # a name that pydantic adds for a member of a union


def _meant(problem: ErrorDetails) -> Any:
    given = problem["input"]
    if problem["type"] == "int_from_float" and isinstance(given, float) and problem["loc"][-1] in Scores.model_fields:
        return round(given)  # a rating; a number that refers to something, such as `choice`, is not rounded
    if problem["type"] == "literal_error" and isinstance(given, str):
        expected = _EXPECTED.findall(str(problem.get("ctx", {}).get("expected", "")))
        same = [each for each in expected if _letters(each) == _letters(given)]
        return same[0] if len(same) == 1 else None
    return None


def _letters(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).casefold()
