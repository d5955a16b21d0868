"""The JSON Schema of a reply: the subset that strict endpoints accept, and nothing that a model need not read.

It is narrowed to what the request allows, so that a server which holds a model to its schema holds it to that as well.
What no schema can say is checked when the reply is read (`backends/structured.py`).
"""

import json
from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import BaseModel

from gome.agents.protocol.requests import AssessTrial, ProposeStep, Request, SurveyTask

__all__ = ["closed_schema", "reply_schema", "reply_shape"]

# Words stand in the prompt, and lengths are checked when the reply is read.
_LEFT_OUT = ("default", "title", "description", "minLength", "maxLength")


def reply_schema(request: Request[Any]) -> dict[str, Any]:
    """The schema of the reply to this very request, without the fields that are not asked for."""
    schema = closed_schema(request.reply_type())
    fields = {name: each for name, each in schema["properties"].items() if name not in request.unasked}
    match request:
        case SurveyTask():
            _drop(schema["$defs"]["Challenge"], "source")
        case AssessTrial():
            _narrow_assessment(request, fields, schema["$defs"])
        case ProposeStep():
            _narrow_step(request, fields, schema["$defs"]["Idea"])
        case _:
            pass
    return _without_unused(schema | {"properties": fields, "required": list(fields)})


def reply_shape(request: Request[Any]) -> str:
    """The same schema as a type is written: a third of its characters, for a model that is asked for the first time."""
    schema = reply_schema(request)
    return _shape(schema, schema.get("$defs", {}))


def _shape(schema: dict[str, Any], parts: dict[str, Any]) -> str:
    match schema:
        case {"$ref": str(reference)}:
            return _shape(parts[reference.rpartition("/")[2]], parts)
        case {"enum": [int(first), *more]}:
            return f"integer from {first} to {more[-1]}" if more else str(first)
        case {"enum": list(values)}:
            return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
        case {"anyOf": list(kinds)}:
            return " | ".join(_shape(each, parts) for each in kinds)
        case {"properties": dict(fields)}:
            return "{" + ", ".join(f'"{name}": {_shape(each, parts)}' for name, each in fields.items()) + "}"
        case {"items": dict(item)}:
            most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
            return f"[{_shape(item, parts)}, …{most}]"
        case _:
            return str(schema.get("type", "any"))


def _narrow_assessment(request: AssessTrial, fields: dict[str, Any], parts: dict[str, Any]) -> None:
    if len(request.wanted) == 1:
        _drop(parts["Challenge"], "source")
    elif request.wanted:
        parts["Challenge"]["properties"]["source"] = {"type": "string", "enum": list(request.wanted)}
    if request.wanted:
        fields["challenges"]["maxItems"] = 5 * len(request.wanted)
    if "contradicts" in fields:
        fields["contradicts"]["items"] = _numbers(len(request.findings))


def _narrow_step(request: ProposeStep, fields: dict[str, Any], idea: dict[str, Any]) -> None:
    fields["candidates"]["maxItems"] = request.wanted
    if request.challenges:
        idea["properties"]["challenge"] = _numbers(len(request.challenges), least=0)
    if request.ranked:
        idea["properties"]["scores"] = {"$ref": "#/$defs/Scores"}
    left_out = {
        "challenge": not request.challenges,
        "scores": not request.ranked,
        "expected_gain": request.action == "draft",
    }
    _drop(idea, *(name for name, is_left_out in left_out.items() if is_left_out))
    if "kind" in fields:
        fields["kind"] = {"type": "string", "enum": list(request.kinds)}
    if "choice" in fields:
        fields["choice"]["items"] = _numbers(request.wanted)
    if "recalled" in fields:
        fields["recalled"] = {"anyOf": [_numbers(len(request.recalled)), {"type": "null"}]}
    if "source" in fields:
        others = [each.trace for each in request.standings if each.trace != request.trace]
        fields["source"] = {"anyOf": [{"type": "integer", "enum": others}, {"type": "null"}]}


def _drop(part: dict[str, Any], *names: str) -> None:
    """Take properties out of an object's schema."""
    for name in names:
        part["properties"].pop(name, None)
    part["required"] = list(part["properties"])


def _numbers(most: int, least: int = 1) -> dict[str, Any]:
    """One of the numbers of a list, counted from 1."""
    return {"type": "integer", "enum": list(range(least, most + 1))}


def _without_unused(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without definitions that nothing refers to any more."""
    parts, used, told = schema.get("$defs", {}), set[str](), [schema["properties"]]
    while told:
        text = json.dumps(told.pop())
        more = {name for name in parts if f'"#/$defs/{name}"' in text} - used
        used |= more
        told += [parts[name] for name in more]
    kept = {name: each for name, each in parts.items() if name in used}
    return {key: kept if key == "$defs" else each for key, each in schema.items() if key != "$defs" or kept}


def closed_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Closed objects with every field required, no words beside a reference, no titles."""
    return deepcopy(_schema_of(model))


@cache
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The same, made once: it is not to be changed."""
    schema: dict[str, Any] = _closed(model.model_json_schema())
    return schema


def _closed(schema: Any) -> Any:
    match schema:
        case {"$ref": str(reference)}:
            return {"$ref": reference}
        case dict():
            return _closed_object(schema)
        case list():
            return [_closed(each) for each in schema]
        case _:
            return schema


def _closed_object(schema: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in {"properties", "$defs"}:  # here keys are names of fields, such as a field called "title"
            kept[key] = {name: _closed(each) for name, each in value.items()}
        elif key not in _LEFT_OUT:
            kept[key] = _closed(value)
    return kept | {"required": list(kept["properties"])} if "properties" in kept else kept
