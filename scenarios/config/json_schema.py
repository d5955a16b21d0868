"""Write the JSON Schema of scenario files, for editors: `python -m gome.scenarios.config.json_schema`.

The description of a property is the docstring below the field. Pydantic can read these itself, but does so whenever
the settings are imported, which doubles the time that takes.
"""

import ast
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from gome.scenarios.config.fields import Model
from gome.scenarios.config.scenario import Scenario

__all__ = ["SCHEMA_FILE", "scenario_schema"]

SCHEMA_FILE = Path(__file__).parents[1] / "scenario.schema.json"


def scenario_schema() -> str:
    """The text of `scenario.schema.json`."""
    schema = Scenario.model_json_schema()
    by_class = _described_fields()
    for name, definition in [("Scenario", schema), *schema["$defs"].items()]:
        for field, text in by_class[name].items():
            definition["properties"][field]["description"] = text
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def _described_fields() -> dict[str, dict[str, str]]:
    """For each class of settings, the docstrings of its fields, inherited ones included."""
    own: dict[str, dict[str, str]] = {}
    for path in Path(__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                own[node.name] = dict(_field_docstrings(node))
    found: dict[str, dict[str, str]] = {}
    for model in _subclasses(Model):
        inherited = [own.get(base.__name__, {}) for base in reversed(model.__mro__)]
        found[model.__name__] = {name: text for texts in inherited for name, text in texts.items()}
    return found


def _field_docstrings(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(node.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            text: Any = ast.literal_eval(below.value)
            yield field.target.id, " ".join(str(text).split())


def _subclasses(model: type[Model]) -> Iterator[type[Model]]:
    for each in model.__subclasses__():
        yield each
        yield from _subclasses(each)


if __name__ == "__main__":
    SCHEMA_FILE.write_text(scenario_schema(), encoding="utf-8")
    print(f"{SCHEMA_FILE} is up to date")
