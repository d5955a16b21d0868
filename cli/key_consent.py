"""Consent to send an API key to a server, to run an interpreter, and to load a model: once for each, kept by the user.

Scenarios may come from untrusted sources. Without this check, a scenario could name its author's server and the
variable of a well-known key, and the key would be sent there; it could name any program as the interpreter, and a
folder with code as the model of the Memory-Keeper's embeddings.
"""

import os
from pathlib import Path

from gome.agents.backends.local_embeddings import SentenceEmbedder, strange_model
from gome.agents.runtime.placement import python_of, strange_python
from gome.errors import UsageError
from gome.scenarios.config.providers import is_loopback, is_own_key
from gome.scenarios.config.scenario import AutoGenBackend, Scenario, ServedModel
from gome.scenarios.reading.trusted import Pair, agree, agreed, trusted_file

__all__ = ["check_consent", "trusted_file"]


def check_consent(scenario: Scenario, beside: Path, *, trust: bool) -> None:
    """Check that the user has agreed to every (server, key variable) of the scenario, its interpreter and its model.

    `beside` is the scenario's folder. With `trust`, the agreement is recorded. No consent is needed for a provider's
    own server with the variable of its key, for a server on this machine, for a variable that is not set, and for an
    interpreter of the system. Raises UsageError where something is new and `trust` is false.
    """
    pairs = _pairs(scenario)
    python = strange_python(scenario.executors)
    model = strange_model(scenario.roles.memory_keeper, beside)
    pairs += [each for each in (python, model) if each is not None]
    if not pairs:
        return
    known = agreed()
    new = [pair for pair in pairs if pair not in known]
    if not new:
        return
    if trust:
        agree(new)
        return
    if new[0] == python:
        python_of(scenario.executors)  # raises, as wherever it would be run
    if new[0] == model:
        SentenceEmbedder(new[0][0], beside)  # raises before it loads anything
    url, variable = new[0]
    raise UsageError(
        f"the key in {variable} would be sent to {url} for the first time; "
        f"to allow it, pass --trust once (remembered in {trusted_file()})"
    )


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
