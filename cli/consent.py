"""Consent to send a key to a server: asked once for each pair, and kept beside the user's other settings.

A scenario is a file that may come from anybody; without this, one that names a strange server and the variable of a
well-known key would be handed that key.
"""

import json
import os
from pathlib import Path

from gome.errors import UsageError
from gome.scenarios.config.prices import OPENAI_URL, is_loopback
from gome.scenarios.config.scenario import AutoGenBackend, OpenAIBackend, Scenario

__all__ = ["check_consent", "trusted_file"]

Pair = tuple[str, str]
"""A server's URL and the variable whose key it gets."""


def trusted_file() -> Path:
    """Where the pairs are kept that the user has agreed to."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "gome" / "trusted.json"


def check_consent(scenario: Scenario, *, trust: bool) -> None:
    """Keep the scenario's pairs as agreed to where `trust` is set; else raise UsageError for one that is new.

    OpenAI's own server with OpenAI's own variable needs no word, nor does a server on this machine, nor a key that is
    not set.
    """
    path = trusted_file()
    known = _read(path)
    new = [pair for pair in _pairs(scenario) if pair not in known]
    if not new:
        return
    if not trust:
        url, variable = new[0]
        raise UsageError(
            f"the key in {variable} would be sent to {url} for the first time; "
            f"if that is right, say it once with --trust (kept in {path})"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sorted([*known, *new]), indent=1) + "\n", encoding="utf-8")


def _pairs(scenario: Scenario) -> list[Pair]:
    pairs: set[Pair] = set()
    for backend in scenario.backends.values():
        if isinstance(backend, OpenAIBackend | AutoGenBackend) and backend.api_key_env:
            own = backend.base_url or OPENAI_URL if isinstance(backend, OpenAIBackend) else backend.url or ""
            pairs.add((own, backend.api_key_env))
    return sorted(
        (url, variable)
        for url, variable in pairs
        if not is_loopback(url) and (url, variable) != (OPENAI_URL, "OPENAI_API_KEY") and os.environ.get(variable)
    )


def _read(path: Path) -> set[Pair]:
    """The pairs in the file, none where it is not there. Raises UsageError where it is not what we wrote."""
    try:
        return {(str(url), str(variable)) for url, variable in json.loads(path.read_text(encoding="utf-8"))}
    except FileNotFoundError:
        return set()
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} is damaged ({error}): mend or delete it") from error
