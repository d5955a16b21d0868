"""The JSON Schema of a reply: only the subset that strict endpoints accept, without parts the model need not read.

The schema is narrowed to what the request allows, so that a server that enforces the schema enforces that as well. What
a schema cannot express is checked when the reply is parsed (`replies.py`).

Providers that cache prompts put the schema before the prompt: a narrowed one would part the cache of each request
from that of the next. They are sent `constant_schema`, that of the type, and the prompt has the narrowed one.
"""

import json
from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import BaseModel

from gome.agents.protocol.replies import Assessment, Survey
from gome.agents.protocol.requests import AssessTrial, ProposeStep, Request, SurveyTask

__all__ = ["closed_schema", "constant_schema", "reply_schema", "reply_shape"]

# Descriptions are in the prompt, and lengths are checked when the reply is parsed.
_LEFT_OUT = ("default", "title", "description", "minLength", "maxLength")


def reply_schema(request: Request[Any]) -> dict[str, Any]:
    """JSON Schema of the reply to this request, without its unrequested fields (`Request.unasked`)."""
    schema = closed_schema(request.reply_type())
    fields = {name: each for name, each in schema["properties"].items() if name not in request.unasked}
    match request:
        case SurveyTask():
            _drop(schema["$defs"]["Challenge"], "source", "category")
        case AssessTrial():
            _narrow_assessment(request, fields, schema["$defs"])
        case ProposeStep():
            _narrow_step(request, fields, schema["$defs"]["Idea"])
        case _:
            pass
    return _without_unused(schema | {"properties": fields, "required": list(fields)})


def constant_schema(reply_type: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema of all replies of a type, the same for each request; what a request need not ask may be null.

    A survey has that of the assessments, for which it then warms the cache. Callers must not change it.
    """
    return _nullable(Assessment if reply_type is Survey else reply_type)


@cache
def _nullable(model: type[BaseModel]) -> dict[str, Any]:
    schema: dict[str, Any] = _closed(_with_nulls(model.model_json_schema()))
    return schema


def _with_nulls(schema: Any) -> Any:
    """The schema in which every field that has a default may be null."""
    if isinstance(schema, list):
        return [_with_nulls(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _with_nulls(each) for key, each in schema.items()}
    if isinstance(made.get("properties"), dict):
        made["properties"] = {name: _or_null(each) for name, each in made["properties"].items()}
    return made


def _or_null(field: dict[str, Any]) -> dict[str, Any]:
    if "default" not in field or {"type": "null"} in field.get("anyOf", ()):
        return field
    return {"anyOf": [field, {"type": "null"}]}


def reply_shape(request: Request[Any]) -> str:
    """The same schema in the notation of a type, with a third of the characters: used in the first prompt."""
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
    _drop(parts["Challenge"], "category")
    if len(request.wanted) == 1:
        _drop(parts["Challenge"], "source")
    elif request.wanted:
        parts["Challenge"]["properties"]["source"] = {"type": "string", "enum": list(request.wanted)}
    if request.wanted:
        fields["challenges"]["maxItems"] = 5 * len(request.wanted)
    if "contradicts" in fields:
        fields["contradicts"]["items"] = _numbers(len(request.findings))
    if "hypothesis_verdict" in fields and not request.repairs:
        fields["hypothesis_verdict"]["enum"].remove("untested")


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
    """Remove properties from an object's schema."""
    for name in names:
        part["properties"].pop(name, None)
    part["required"] = list(part["properties"])


def _numbers(most: int, least: int = 1) -> dict[str, Any]:
    """Schema of an integer from `least` to `most`."""
    return {"type": "integer", "enum": list(range(least, most + 1))}


def _without_unused(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without definitions that are no longer referenced."""
    parts, used, pending = schema.get("$defs", {}), set[str](), [schema["properties"]]
    while pending:
        text = json.dumps(pending.pop())
        more = {name for name in parts if f'"#/$defs/{name}"' in text} - used
        used |= more
        pending += [parts[name] for name in more]
    kept = {name: each for name, each in parts.items() if name in used}
    return {key: kept if key == "$defs" else each for key, each in schema.items() if key != "$defs" or kept}


def closed_schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema of a model with closed objects, every field required, no descriptions and no titles."""
    return deepcopy(_schema_of(model))


@cache
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The same schema, cached; callers must not change it."""
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
