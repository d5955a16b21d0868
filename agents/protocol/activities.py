"""Names of the recorded activities, under which calls and script runs stand in the log."""

__all__ = ["EMBEDDING", "QUESTION", "SCRIPT"]

QUESTION = "reason"
"""A model call."""
EMBEDDING = "embed"
"""An embedding call."""
SCRIPT = "script"
"""A script run. `script_seconds` in its meter excludes the wait for a slot."""
