"""JSON Schemas of log messages and of the documents of `--json`.

`python -m gome.cli.documents.schemas` regenerates both files from the message classes and from `DOCUMENTS`.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from gome.agents.protocol.messages import VOCABULARY
from gome.cli.documents import DOCUMENTS

__all__ = ["MESSAGES_FILE", "OUTPUTS_FILE", "message_schema", "output_schema", "written"]

MESSAGES_FILE = Path(__file__).parent / "messages.schema.json"
OUTPUTS_FILE = Path(__file__).parent / "outputs.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def message_schema() -> dict[str, Any]:
    """The JSON Schema of all messages of the log."""
    kinds = sorted(VOCABULARY.classes)
    _, schema = models_json_schema([(VOCABULARY.classes[kind], "serialization") for kind in kinds])
    refs = [{"$ref": f"#/$defs/{VOCABULARY.classes[kind].__name__}"} for kind in kinds]
    return {"$schema": _DIALECT, "title": "A message of gome", "anyOf": refs, "$defs": schema["$defs"]}


def output_schema() -> dict[str, Any]:
    """The JSON Schema of all documents of `--json`."""
    names = sorted(DOCUMENTS)
    found, schema = TypeAdapter.json_schemas(
        [(name, "serialization", TypeAdapter[Any](DOCUMENTS[name])) for name in names]
    )
    documents = [
        {
            "properties": {"schema": {"const": f"gome.{name}/1"}, "data": found[name, "serialization"]},
            "required": ["schema", "data"],
        }
        for name in names
    ]
    return {"$schema": _DIALECT, "title": "A document of gome", "anyOf": documents, "$defs": schema["$defs"]}


def written(schema: dict[str, Any]) -> str:
    """Serialise a schema as the content of its file."""
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    MESSAGES_FILE.write_text(written(message_schema()), encoding="utf-8")
    OUTPUTS_FILE.write_text(written(output_schema()), encoding="utf-8")
    print(f"{MESSAGES_FILE} and {OUTPUTS_FILE} are up to date")
