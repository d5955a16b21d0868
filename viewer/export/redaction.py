"""Redaction for `export --redact`: keep numbers, verdicts, role names and hashes; replace all other text.

An allow-list, so that a field added later is redacted until it is listed here.
"""

from typing import Any

from gome.agents.redaction import REDACTED

__all__ = ["without_words"]

_OF_OURS = ("kind", "label", "id", "version", "view", "sandbox", "request_hash", "task_digest", "message_kind")
_CHOICES = ("action", "activity", "cause", "component", "hypothesis_verdict", "layer", "medal", "phase", "severity")
_KEPT = frozenset({*_OF_OURS, *_CHOICES, "source", "stage", "verdict"})
_WHOLE = frozenset(
    ("scenario", "task", "profile", "workplace", "budget", "roles", "reasoners", "residuals", "importance")
)
"""Fields redacted as a whole, because even their keys may be the user's text, such as column names."""


def without_words(value: Any, field: str = "") -> Any:
    """Replace every string of JSON data except in allowed fields and hashes (`…_ref`, `…sha256`)."""
    if field in _WHOLE:
        return REDACTED if value else value
    if isinstance(value, dict):
        return {key: without_words(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [without_words(each, field) for each in value]
    if isinstance(value, str) and not (field in _KEPT or field.endswith(("_ref", "sha256"))):
        return REDACTED
    return value
