"""Names of the recorded activities, under which calls and script runs stand in the log."""

__all__ = ["EMBEDDING", "PASSED", "QUESTION", "SCRIPT"]

QUESTION = "reason"
"""A model call."""
PASSED = "passed"
"""Entry in its meter: how many backends were asked in vain before the one that answered."""
EMBEDDING = "embed"
"""An embedding call."""
SCRIPT = "script"
"""A script run. `script_seconds` in its meter excludes the wait for a slot."""
