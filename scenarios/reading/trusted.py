"""What the user has agreed to once, in a file of the user's settings: pairs of texts.

    [server's URL, variable of the key that it gets]        [path of an interpreter, "executors.python"]

Scenarios and runs may come from somebody else. They may name any server, and any program as the interpreter.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from gome.errors import UsageError
from gome.scenarios.reading.home import home_folder

__all__ = ["Pair", "agree", "agreed", "trusted_file"]

Pair = tuple[str, str]

_ELSEWHERE = "set XDG_CONFIG_HOME to a folder in which gome may keep what you have trusted"


def trusted_file() -> Path:
    """The file with the pairs that the user has agreed to."""
    home = os.environ.get("XDG_CONFIG_HOME") or home_folder(_ELSEWHERE) / ".config"
    return Path(home) / "gome" / "trusted.json"


def agreed() -> set[Pair]:
    """The pairs in the file; empty where there is no file. Raises UsageError where it cannot be read."""
    path = trusted_file()
    try:
        return {(str(one), str(other)) for one, other in json.loads(path.read_text(encoding="utf-8"))}
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): {_ELSEWHERE}") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} is damaged ({error}): repair or delete it") from error


def agree(pairs: Iterable[Pair]) -> None:
    """Add pairs to the file. Raises UsageError where it cannot be read or written."""
    path, known = trusted_file(), agreed()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(sorted(known.union(pairs)), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): {_ELSEWHERE}") from error
