"""What of a user's hint the expert cannot follow, in words for the user."""

from collections.abc import Iterator

from gome.agents.backends.expert.avoiding import imported, permitted
from gome.agents.backends.expert.code.imports import EVERY_IMPORT
from gome.agents.backends.expert.first_solution import starting_plan
from gome.agents.backends.expert.moves.catalogue import CATALOGUE
from gome.agents.backends.expert.situation import mentioned
from gome.agents.protocol.hint import Hint
from gome.executors.precheck import avoided_imports
from gome.scenarios.evidence import Profile, TaskBrief

__all__ = ["unfollowed"]


def unfollowed(task: TaskBrief, profile: Profile, hint: Hint) -> tuple[str, ...]:
    """One sentence for each part of the hint that the expert cannot follow; empty where it follows all of it."""
    return tuple(_unfollowed(task, profile, hint))


def _unfollowed(task: TaskBrief, profile: Profile, hint: Hint) -> Iterator[str]:
    if hint.words:
        yield (
            "it reads no free text, only what to avoid and to prefer: say it by --avoid and "
            "--prefer (gome hint), such as --prefer target-mean"
        )
    imports = avoided_imports(EVERY_IMPORT, hint.avoid)
    start = starting_plan(task, profile)
    needed = imported(task, profile, permitted(task, profile, start, hint.avoid), hint.avoid)
    for word in hint.avoid:
        if word in needed:
            yield f"no script of it does without {word}: with it avoided, each of its scripts will be refused"
        elif word not in imports and not _named(word):
            yield f"it makes nothing that is called {word} or imports it: avoiding it changes nothing"
    for word in hint.prefer:
        if not _named(word):
            yield f"it has no move that is called {word}: preferring it changes nothing"


def _named(word: str) -> bool:
    """Whether a move of the catalogue is meant by a word."""
    return any(mentioned((word,), (*move.key, move.statement)) for move in CATALOGUE)
