"""The JSON Schema of a scenario file, for an editor: `python -m gome.scenarios.config.json_schema` writes it anew."""

import json
from pathlib import Path

from gome.scenarios.config.scenario import Scenario

__all__ = ["SCHEMA_FILE", "scenario_schema"]

SCHEMA_FILE = Path(__file__).parents[1] / "scenario.schema.json"


def scenario_schema() -> str:
    """The text of `scenario.schema.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Scenario.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(scenario_schema(), encoding="utf-8")
    print(f"{SCHEMA_FILE} is up to date")
