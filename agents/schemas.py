"""The JSON Schema of a reply: the subset that strict endpoints accept, and nothing that a model need not read.

It is narrowed to what the request allows, so that a server which holds a model to its schema holds it to that as well.
What no schema can say is checked when the reply is read (`backends/structured.py`).
"""

from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import BaseModel

from agents.requests import AssessTrial, PlanStep, ProposeHypotheses, Request, SelectHypothesis

__all__ = ["closed_schema", "reply_schema"]

_LEFT_OUT = ("default", "title", "minLength", "maxLength")  # what is left out is checked when the reply is read


def reply_schema(request: Request[Any]) -> dict[str, Any]:
    """The schema of the reply to this very request."""
    schema = closed_schema(request.reply_type())
    fields = schema["properties"]
    match request:
        case AssessTrial():
            fields["challenges"]["maxItems"] = 5 * len(request.wanted)
            if request.wanted:
                schema["$defs"]["Challenge"]["properties"]["source"] = {"type": "string", "enum": list(request.wanted)}
        case ProposeHypotheses():
            fields["hypotheses"]["maxItems"] = max(1, min(len(request.challenges), 10))
        case SelectHypothesis():
            actions = ["root"] if request.incumbent is None else ["select", "modify", "create"]
            fields["action"] = {"type": "string", "enum": actions}
            fields["hypotheses"]["maxItems"] = 1 if request.incumbent else max(1, len(request.candidates))
            fields["origin"] = _one_of([each.id for each in request.recalled])
        case PlanStep():
            fields["hypotheses"]["maxItems"] = 1 if request.action == "improve" else 10
            fields["origin"] = _one_of([each.id for each in request.recalled])
        case _:
            pass
    return schema


def _one_of(ids: list[str]) -> dict[str, Any]:
    """One of those ids, or null."""
    nothing = {"type": "null"}
    return {"anyOf": [{"type": "string", "enum": list(dict.fromkeys(ids))}, nothing]} if ids else nothing


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
