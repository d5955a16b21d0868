"""The types of tools' arguments, and what turns a mistake of the caller into words.

Everything that an assistant sends is checked here or by these types: a run is named by its id, never by a path.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from gome.errors import GomeError, UsageError
from gome.viewer import text
from gome.viewer.run_folders import find_run

__all__ = [
    "MOST_TEXT",
    "Count",
    "Kinds",
    "Number",
    "RunName",
    "StepName",
    "Words",
    "folder_in",
    "guarded",
    "is_in",
    "shortened",
]

P = ParamSpec("P")
R = TypeVar("R")

MOST_TEXT = 60_000
"""Characters of one text of an answer; an assistant's context is small."""

RunName = Annotated[
    str, Field(pattern=r"^@?[A-Za-z0-9][\w.-]{0,199}$", description="a run's id, a unique prefix of it, @last or @best")
]
StepName = Annotated[str, Field(pattern=r"^\d{1,4}\.\d{1,6}$", description="a step as trace.step, such as 0.3")]
Number = Annotated[int, Field(ge=0, le=1_000_000)]
Count = Annotated[int, Field(ge=1, le=200)]
Words = Annotated[str, Field(max_length=4000)]
Kinds = Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=20)]


def folder_in(root: Path, run: str) -> Path:
    """The folder of the run in `root`. Raises RunNotFound where there is none, UsageError where it is elsewhere."""
    folder = find_run(root, run)
    if not is_in(root, folder):
        raise UsageError(f"the run {run} is not in the folder of runs that is served")
    return folder


def is_in(root: Path, folder: Path) -> bool:
    """Whether the folder of a run is itself in `root`, and no link to another place."""
    return folder.resolve().parent == root.resolve()


def guarded(tool: Callable[P, R]) -> Callable[P, R]:
    """The tool, whose GomeErrors tell the assistant what to do, as they tell a user."""

    @functools.wraps(tool)
    def run(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return tool(*arguments, **named)
        except GomeError as error:
            raise ToolError(text.clean(f"[{error.code}] {error}")) from None

    return run


def shortened(words: str, most: int = MOST_TEXT) -> str:
    """The text without control characters; beyond `most` characters the rest is left out, and that is said."""
    clean = text.clean(words)
    return clean if len(clean) <= most else f"{clean[:most]}\n[… {len(clean) - most} more characters]"
