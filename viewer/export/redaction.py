"""What leaves the house without its words: figures, verdicts, names of roles and hashes stay, texts go.

The rule is a list of what may stay, so that a field that is added later is left out until somebody has thought of it.
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
"""Fields whose very keys may be the user's words, such as names of columns."""


def without_words(value: Any, field: str = "") -> Any:
    """Plain data with every text replaced that is not known to be a name of ours; hashes (`…_ref`) stay."""
    if field in _WHOLE:
        return REDACTED if value else value
    if isinstance(value, dict):
        return {key: without_words(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [without_words(each, field) for each in value]
    if isinstance(value, str) and not (field in _KEPT or field.endswith(("_ref", "sha256"))):
        return REDACTED
    return value
