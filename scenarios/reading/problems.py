"""Problems of a file written by a user, each with its position and, if possible, a suggestion."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gome.errors import ScenarioError, TaskError

__all__ = ["Problem", "ScenarioProblems", "TaskProblems", "closest"]


@dataclass(frozen=True)
class Problem:
    """One problem. `line` and `column` count from 1 and are None if `file` is a command-line option."""

    file: str
    line: int | None
    column: int | None
    code: str
    path: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        where = f"{self.path}: " if self.path else ""
        hint = f"  did you mean {self.suggestion}?" if self.suggestion else ""
        return f"{place}: error[{self.code}] {where}{self.message}{hint}"


class ScenarioProblems(ScenarioError):
    """All problems of a scenario file, in order of position."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class TaskProblems(TaskError):
    """All problems of a task's manifest, in order of position."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known name most similar to `word`, for suggestions; None if there is none."""
    by_letters = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_letters, n=1, cutoff=0.6)
    return by_letters[found[0]] if found else None
