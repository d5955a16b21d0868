"""What `--json` printed, held against the shape that is written down for it."""

import json
from typing import Any

from pydantic import TypeAdapter

from gome.cli.documents import DOCUMENTS


def data_of(line: str, name: str) -> Any:
    """The data of a printed document; it is of that name, and each field of it is there and of its type."""
    printed = json.loads(line)
    assert list(printed) == ["schema", "data"]
    assert printed["schema"] == f"gome.{name}/1"
    TypeAdapter[Any](DOCUMENTS[name]).validate_json(json.dumps(printed["data"]), strict=True)
    return printed["data"]
