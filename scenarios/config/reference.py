"""The reference of every key of a scenario file, made from its JSON Schema: `docs/reference/scenario.md`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gome.scenarios.config.json_schema import scenario_schema

__all__ = ["REFERENCE_FILE", "scenario_reference"]

REFERENCE_FILE = Path(__file__).parents[2] / "docs" / "reference" / "scenario.md"
_HEAD = """# Every key of a scenario

Made from the schema by `python -m gome.scenarios.config.reference`; a test keeps it equal. Editors complete and check
these keys with `scenarios/scenario.schema.json`; `gome validate FILE` names every fault of a file with its line. Each
key can be set for one run: `--set budget.trials=20`. A key without a default must be given.
"""
_DURATION, _SIZE = "ms|s|min|h|d", "iB"

Schema = dict[str, Any]


def scenario_reference() -> str:
    """The text of `docs/reference/scenario.md`."""
    schema = json.loads(scenario_schema())
    sections = [_section("Top level", schema, schema)]
    sections += [_section(path, definition, schema) for path, definition in _definitions(schema)]
    return "\n".join([_HEAD, *sections])


def _definitions(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Every definition with the path of its first use, parents before their parts."""
    seen: set[str] = set()
    waiting = [("", schema)]
    while waiting:
        path, definition = waiting.pop(0)
        for key, value in definition.get("properties", {}).items():
            for name, step in _named(value):
                if name in seen:
                    continue
                seen.add(name)
                part = schema["$defs"][name]
                where, kind = f"`{path}{key}{step}`", _kind(part)
                yield (f"{where}, kind {kind}" if kind else where), part
                waiting.append((f"{path}{key}{step}.", part))


def _named(value: Schema) -> Iterator[tuple[str, str]]:
    """The definitions that a value may be, each with what follows the key: `.NAME` for an entry of a mapping."""
    if "$ref" in value:
        yield value["$ref"].rpartition("/")[2], ""
    for each in (*value.get("anyOf", ()), *value.get("oneOf", ())):
        yield from _named(each)
    for name, step in (
        _named(value["additionalProperties"]) if isinstance(value.get("additionalProperties"), dict) else ()
    ):
        yield name, f".NAME{step}"
    if "items" in value:
        yield from _named(value["items"])


def _kind(definition: Schema) -> str:
    """The kinds that select these settings, in words; empty where nothing selects them."""
    kind = definition.get("properties", {}).get("kind", {})
    named = [kind["const"]] if "const" in kind else kind.get("enum", ())
    return ", ".join(f"`{each}`" for each in named) or ("of a plug-in" if kind else "")


def _section(title: str, definition: Schema, schema: Schema) -> str:
    """A heading, what the settings are, and a table of them."""
    required = definition.get("required", ())
    rows = []
    for key, value in definition.get("properties", {}).items():
        default = "" if key in required else _default(value)
        rows.append(
            f"| `{key}` | {_cell(_type(value, schema))} | {_cell(default)} | {_cell(value.get('description', ''))} |"
        )
    words = definition.get("description", "").strip()
    table = ["| key | value | default | meaning |", "|---|---|---|---|", *rows] if rows else []
    return "\n".join([f"## {title}", "", *([words, ""] if words else []), *table, ""])


def _default(value: Schema) -> str:
    if "default" not in value:
        return "its own defaults"
    default = value["default"]
    if isinstance(default, dict) and default:
        return "its own defaults"
    return "none" if default is None else f"`{json.dumps(default)}`"


def _type(value: Schema, schema: Schema) -> str:
    """The values that a key takes, in words."""
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    if "$ref" in value:
        kind = _kind(schema["$defs"][value["$ref"].rpartition("/")[2]])
        return f"settings of kind {kind}" if kind else "settings, see below"
    several = (*value.get("anyOf", ()), *value.get("oneOf", ()))
    if several:
        parts = [_type(each, schema) for each in several]
        return " or ".join(dict.fromkeys(part for part in parts if part != "null"))
    match value.get("type"):
        case "array":
            return f"list of: {_type(value.get('items', {}), schema)}"
        case "object":
            more = value.get("additionalProperties")
            return f"mapping of names to: {_type(more, schema)}" if isinstance(more, dict) else "mapping"
        case "string" if _DURATION in value.get("pattern", ""):
            return "duration such as `15min`"
        case "string" if _SIZE in value.get("pattern", ""):
            return "size such as `4GiB`"
        case "string":
            return "text"
        case "boolean":
            return "`true`, `false`"
        case "integer" | "number" as number:
            return f"{'whole number' if number == 'integer' else 'number'}{_limits(value)}"
        case other:
            return str(other or "anything")


def _limits(value: Schema) -> str:
    """The limits of a number: `from 1 to 5`, `above 0`."""
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    return "".join(f" {word} {value[key]}" for key, word in words.items() if key in value)


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")


if __name__ == "__main__":
    REFERENCE_FILE.parent.mkdir(parents=True, exist_ok=True)
    REFERENCE_FILE.write_text(scenario_reference(), encoding="utf-8")
    print(f"{REFERENCE_FILE} is up to date")
