"""Validate a document with a pydantic model; errors become problems with positions and suggestions."""

import json
import re
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gome.scenarios.reading.document import Document, KeyPath
from gome.scenarios.reading.problems import closest

__all__ = ["check_document"]

Checked = TypeVar("Checked", bound=BaseModel)

_QUOTED = re.compile(r"'([^']*)'")


def check_document(document: Document, model: type[Checked]) -> Checked | None:
    """Validate a document. Returns the model, or None after adding the errors to `document.problems`.

    Types are strict, as for JSON: text is not converted to a number.
    """
    if document.value is None:
        return None
    try:
        return model.model_validate_json(json.dumps(document.value), strict=True)
    except ValidationError as invalid:
        known = {problem_place(document, path) for path in _reported(document)}
        for error in invalid.errors(include_url=False):
            path = _real_path(error["loc"], document.value, is_missing=error["type"] == "missing")
            if problem_place(document, path) not in known or error["type"] == "missing":
                _report(document, model, path, error)
        return None


def problem_place(document: Document, path: KeyPath) -> tuple[int | None, int | None]:
    """Line and column of a path, used to detect duplicate reports."""
    place = document.place(path)
    return place.line, place.column


def _reported(document: Document) -> Iterator[KeyPath]:
    places = {(problem.line, problem.column) for problem in document.problems if problem.code == "number"}
    return (path for path, place in document.places.items() if (place.line, place.column) in places)


def _real_path(location: tuple[str | int, ...], value: Any, *, is_missing: bool) -> KeyPath:
    """Remove the union tags that pydantic adds to a location, leaving the keys and indices of the document.

    With `is_missing` the last part is a key that the document lacks.
    """
    path: list[str | int] = []
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(value, dict):
            if not (last and is_missing) and (part not in value or (part == value.get("kind") and not last)):
                continue
            value = value.get(str(part))
        elif isinstance(value, list):
            if not isinstance(part, int):
                continue
            value = value[part] if part < len(value) else None
        elif isinstance(value, str | int | float):
            continue  # also a tag: a scalar was given for a mapping
        path.append(part)
    return tuple(path)


def _report(document: Document, model: type[BaseModel], path: KeyPath, error: ErrorDetails) -> None:
    kind = error["type"]
    given = _shown(error["input"])
    expected = _QUOTED.findall(
        str(error.get("ctx", {}).get("expected") or error.get("ctx", {}).get("expected_tags", ""))
    )
    if kind == "extra_forbidden":
        keys = _keys_at(model, path[:-1], document.value)
        hint = closest(str(path[-1]), keys)
        document.report("unknown-key", path, "unknown key" if hint else f"unknown key; known: {', '.join(keys)}", hint)
    elif kind == "backend_kind" and isinstance(error["input"], Mapping) and "kind" in error["input"]:
        word = error["input"]["kind"]
        near = closest(str(word), error.get("ctx", {}).get("kinds", ()))
        document.report("unknown-value", (*path, "kind"), f"{_shown(word)} {error['msg']}", near)
    elif kind in ("missing", "union_tag_not_found", "backend_kind"):
        path = path if kind == "missing" else (*path, "kind")
        document.report("missing", path, "required but missing")
    elif kind in ("literal_error", "union_tag_invalid"):
        path = (*path, "kind") if kind == "union_tag_invalid" else path
        word = str(error.get("ctx", {}).get("tag", error["input"]))
        expected = [each for each in expected if each != "plugin"]  # an internal tag, not a valid value
        document.report(
            "unknown-value", path, f"{_shown(word)} is not one of {', '.join(expected)}", closest(word, expected)
        )
    elif kind == "value_error":
        message = str(error.get("ctx", {}).get("error", error["msg"]))
        document.report("value", path, f"{given} is {message}" if message.startswith("not ") else message)
    elif kind.endswith(("_type", "_parsing", "_from_float")):
        document.report(
            "wrong-type",
            path,
            f"{_lowered(error['msg']).removeprefix('input ').replace('an object', 'a mapping')}, not {given}",
        )
    else:
        document.report("out-of-range", path, f"{_lowered(error['msg']).removeprefix('input ')}, not {given}")


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _keys_at(model: type[BaseModel], path: KeyPath, value: Any) -> list[str]:
    """The keys that the model allows at a path of the document."""
    annotation: Any = model
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
        annotation = _step(annotation, part)
    models = list(_models(annotation))
    if isinstance(value, Mapping) and len(models) > 1:
        models = [each for each in models if value.get("kind") in _tags(each)] or models
    return list(dict.fromkeys(name for each in models for name in each.model_fields))


def _step(annotation: Any, part: str | int) -> Any:
    for each in _models(annotation):
        if isinstance(part, str) and part in each.model_fields:
            return each.model_fields[part].annotation
    inner = get_args(annotation)
    return inner[-1] if inner else None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType) or hasattr(annotation, "__metadata__"):
        for inner in get_args(annotation):
            yield from _models(inner)


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
