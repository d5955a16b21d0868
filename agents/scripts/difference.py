"""What changed from one script to another, as prompts show it."""

import difflib

__all__ = ["difference"]


def difference(before: str, after: str) -> str:
    """A unified diff; empty where there was none before."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=2)
    return "\n".join(lines) if before else ""
