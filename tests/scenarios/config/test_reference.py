"""The reference of the scenario's keys."""

import json

from gome.scenarios.config.json_schema import scenario_schema
from gome.scenarios.config.reference import REFERENCE_FILE, scenario_reference


def test_the_reference_is_that_of_the_schema() -> None:
    assert REFERENCE_FILE.read_text(encoding="utf-8") == scenario_reference(), (
        "make it again: python -m gome.scenarios.config.reference"
    )


def test_every_key_stands_in_it_with_its_meaning() -> None:
    schema = json.loads(scenario_schema())
    text = scenario_reference()
    for part in (schema, *schema["$defs"].values()):
        for key, value in part.get("properties", {}).items():
            rows = [line for line in text.splitlines() if line.startswith(f"| `{key}` |")]
            words = " ".join(value.get("description", "").split()).replace("|", "\\|")
            assert any(line.endswith(f"| {words} |") for line in rows), key
    assert "duration such as `15min`" in text
    assert "size such as `4GiB`" in text
