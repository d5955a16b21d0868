"""Remove secrets from text, so that no key of the environment appears in a prompt, an answer or an error."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from gome.executors.command import SECRET_NAME

__all__ = ["REDACTED", "redact", "redact_parts", "secrets_of"]

REDACTED = "[redacted]"

_SHORTEST = 8  # a shorter value is hardly a key, and would match ordinary words


def secrets_of(environment: Mapping[str, str], names: Iterable[str] = ()) -> frozenset[str]:
    """Values of the variables in `names` (of any length), and of those whose name looks like that of a secret."""
    named = {environment[name].strip() for name in names if name in environment}
    guessed = {value.strip() for name, value in environment.items() if SECRET_NAME.search(name)}
    return frozenset({value for value in named if value} | {value for value in guessed if len(value) >= _SHORTEST})


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace the secrets in the text, longest first, so that a secret within another leaves no remainder."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return text


def redact_parts(text: str, secrets: Iterable[str]) -> str:
    """As `redact`, and parts of secrets too: for the words of a server, which may repeat the beginning of a key."""
    secrets = frozenset(secrets)
    text = redact(text, secrets)
    parts = {secret[at : at + _SHORTEST] for secret in secrets for at in range(len(secret) - _SHORTEST + 1)}
    hidden = [False] * len(text)
    for at in range(len(text) - _SHORTEST + 1):
        if text[at : at + _SHORTEST] in parts:
            hidden[at : at + _SHORTEST] = [True] * _SHORTEST
    runs = groupby(zip(text, hidden, strict=True), key=lambda pair: pair[1])
    return "".join(REDACTED if is_hidden else "".join(letter for letter, _ in run) for is_hidden, run in runs)
