"""Parse durations (`90s`) and sizes (`4GiB`) in a scenario."""

import re
from typing import Any

__all__ = ["DURATION_PATTERN", "SIZE_PATTERN", "parse_duration", "parse_size"]

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
DURATION_PATTERN = rf"^\s*\d+(\.\d+)?\s*({'|'.join(_SECONDS)})\s*$"
"""Regular expression of a duration, for the JSON Schema."""
SIZE_PATTERN = rf"^\s*\d+(\.\d+)?\s*({'|'.join(_BYTES)})\s*$"
"""Regular expression of a size, for the JSON Schema."""
_MOST = float(1 << 60)
_QUANTITY = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$")


def _parse(value: Any, units: dict[str, float] | dict[str, int], what: str) -> Any:
    if not isinstance(value, str):
        return value
    match = _QUANTITY.match(value)
    if match is None or match[2] not in units:
        raise ValueError(f"not a {what}: write a number with one of {', '.join(units)}")
    parsed = float(match[1]) * units[match[2]]
    if parsed > _MOST:
        raise ValueError(f"too large a {what}")
    return parsed


def parse_duration(value: Any) -> Any:
    """Convert text such as `90s` or `1.5h` to seconds; return other types unchanged. Raises ValueError if invalid."""
    return _parse(value, _SECONDS, "duration")


def parse_size(value: Any) -> Any:
    """Convert text such as `4GiB` to bytes; return other types unchanged. Raises ValueError if invalid."""
    parsed = _parse(value, _BYTES, "size")
    return int(parsed) if isinstance(value, str) else parsed
