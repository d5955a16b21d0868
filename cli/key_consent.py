"""Consent to send an API key to a server: required once per (server, key variable), stored in the user's settings.

Scenarios may come from untrusted sources. Without this check, a scenario could name its author's server and the
variable of a well-known key, and the key would be sent there.
"""

import json
import os
from pathlib import Path

from gome.errors import UsageError
from gome.scenarios.config.providers import is_loopback, is_own_key
from gome.scenarios.config.scenario import AutoGenBackend, Scenario, ServedModel
from gome.scenarios.reading.home import home_folder

__all__ = ["check_consent", "trusted_file"]

Pair = tuple[str, str]
"""A server's URL and the environment variable with the key sent to it."""


_ELSEWHERE = "set XDG_CONFIG_HOME to a folder in which gome may keep what you have trusted"


def trusted_file() -> Path:
    """The file with the pairs that the user has agreed to."""
    home = os.environ.get("XDG_CONFIG_HOME") or home_folder(_ELSEWHERE) / ".config"
    return Path(home) / "gome" / "trusted.json"


def check_consent(scenario: Scenario, *, trust: bool) -> None:
    """Check that the user has agreed to every (server, key variable) of the scenario; with `trust`, record agreement.

    No consent is needed for a provider's own server with the variable of its key, for a server on this machine, and for
    a variable that is not set. Raises UsageError where a pair is new and `trust` is false.
    """
    pairs = _pairs(scenario)
    if not pairs:
        return
    path = trusted_file()
    known = _read(path)
    new = [pair for pair in pairs if pair not in known]
    if not new:
        return
    if not trust:
        url, variable = new[0]
        raise UsageError(
            f"the key in {variable} would be sent to {url} for the first time; "
            f"to allow it, pass --trust once (remembered in {path})"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(sorted([*known, *new]), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): {_ELSEWHERE}") from error


def _pairs(scenario: Scenario) -> list[Pair]:
    pairs: set[Pair] = set()
    for backend in scenario.backends.values():
        if isinstance(backend, ServedModel | AutoGenBackend) and backend.api_key_env:
            pairs.add((backend.url, backend.api_key_env))
    return sorted(
        (url, variable)
        for url, variable in pairs
        if not is_loopback(url) and not is_own_key(url, variable) and os.environ.get(variable)
    )


def _read(path: Path) -> set[Pair]:
    """The pairs in the file; empty where there is no file. Raises UsageError where the file is malformed."""
    try:
        return {(str(url), str(variable)) for url, variable in json.loads(path.read_text(encoding="utf-8"))}
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): {_ELSEWHERE}") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} is damaged ({error}): repair or delete it") from error
