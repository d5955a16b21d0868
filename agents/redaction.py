"""Remove secrets from text, so that no key of the environment appears in a prompt, an answer or an error."""

import re
from collections.abc import Iterable, Mapping

__all__ = ["REDACTED", "redact", "secrets_of"]

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_|$)", re.IGNORECASE)
_SHORTEST = 8  # a shorter value is hardly a key, and would match ordinary words


def secrets_of(environment: Mapping[str, str], names: Iterable[str] = ()) -> frozenset[str]:
    """Values of the variables in `names` (of any length), and of those whose name looks like that of a secret."""
    named = {environment[name].strip() for name in names if name in environment}
    guessed = {value.strip() for name, value in environment.items() if _SECRET_NAME.search(name)}
    return frozenset({value for value in named if value} | {value for value in guessed if len(value) >= _SHORTEST})


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace the secrets in the text, longest first, so that a secret within another leaves no remainder."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return text
