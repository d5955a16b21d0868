"""Extensions from other packages, found by their entry points.

A package adds an optimizer, backend, metric, executor or MLE-bench adapter by an entry point in one of GROUPS.
Scenarios and tasks can then use its name like a built-in one; built-in names win. docs/plugins.md says what an entry
point must load, and `examples/gome_example` has one of each.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from gome.errors import UsageError

__all__ = ["GROUPS", "forget", "load", "names"]

GROUPS = ("gome.adapters", "gome.backends", "gome.executors", "gome.metrics", "gome.optimizers")


@cache
def _found(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name. Reads the metadata of all installed packages, so it is called late."""
    return {each.name: each for each in entry_points(group=group)}


def names(group: str) -> tuple[str, ...]:
    """The names that installed packages add to a group, sorted."""
    return tuple(sorted(_found(group)))


def load(group: str, name: str) -> Any:
    """Import and return what the entry point of that name refers to.

    Raises KeyError where there is none, UsageError where it cannot be imported.
    """
    point = _found(group)[name]
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        package = point.dist.name if point.dist else "an unknown package"
        raise UsageError(f"{name!r} of {group} ({point.value}, from {package}) cannot be imported: {error}") from error


def forget() -> None:
    """Read the entry points anew at the next use, after a package was installed while this process runs."""
    _found.cache_clear()
