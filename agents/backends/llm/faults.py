"""What can go wrong with a call to a model, and what is done about it; the same for every way of calling.

429, 5xx, 408, a timeout, a broken connection, a body that is no completion ──► Fault: tried again, with growing waits
400 for a prompt that is too long, or against a policy ──► PromptRefusedError: a matter of this one prompt
everything else, and what stays broken ──► Outage: the run pauses, and goes on once it is mended
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

import anyio
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from gome.agents.backends.llm.wire import is_context_error, is_policy_error
from gome.agents.redaction import redact
from gome.errors import Outage

__all__ = ["Fault", "Patience", "PromptRefusedError", "Refusal", "Server", "persevere", "retry_after"]

T = TypeVar("T")

_LONGEST_WAIT = 120.0
"""Seconds; a server that asks for more patience is out, and the run pauses instead of sleeping."""


class PromptRefusedError(Exception):
    """The endpoint does not take this prompt; `too_long` where a shorter one might pass."""

    def __init__(self, message: str, too_long: bool) -> None:
        super().__init__(message)
        self.too_long = too_long


class Fault(Exception):
    """A call failed in a way that may pass. `after` is how many seconds the server asks to wait; `answered` that it did
    answer, and with what is wrong.
    """

    def __init__(self, message: str, after: float | None = None, *, answered: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.answered = answered


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try: seconds for one call, tries after the first, seconds before the second try (then doubling)."""

    timeout: float
    retries: int
    first_wait: float = 1.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status other than 200, with the server's own words."""

    status: int
    code: str | None
    words: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Server:
    """A server as errors name it: its URL without secrets, the variable its key came from, whether it runs here."""

    shown_url: str
    key_name: str | None
    is_local: bool
    secrets: frozenset[str]

    def words(self, text: str) -> str:
        """The server's own words as they may be shown."""
        return " ".join(redact(text, self.secrets).split())[:400]

    def judge(self, refusal: Refusal, model: str) -> Exception:
        """What a status other than 200 means: a Fault, a PromptRefusedError or an Outage."""
        status, code = refusal.status, refusal.code
        words = self.words(refusal.words.removeprefix(f"Error code: {status} - "))  # the client library's own
        if status in {408, 409, 429} or status >= 500:
            if code == "insufficient_quota":
                return Outage(
                    f"{self.shown_url}: the quota of the key is used up: {words}. Top it up, then resume the run"
                )
            return Fault(f"status {status}: {words}", retry_after(refusal.headers), answered=True)
        if status in {400, 422}:
            if is_context_error(code, words):
                return PromptRefusedError(f"the prompt is too long for {model}: {words}", too_long=True)
            if is_policy_error(code, words):
                return PromptRefusedError(f"the endpoint does not answer this prompt: {words}", too_long=False)
        if status in {401, 403}:
            # The words of such an answer may repeat a part of the key, so they are not passed on.
            where = f"the key in {self.key_name}" if self.key_name else "a call without a key: set `api_key_env`"
            return Outage(f"{self.shown_url} refuses {where} (status {status}): put it right, then resume the run")
        if status == 404:
            return Outage(
                f"{self.shown_url} has no model {model!r} (status 404): {words}. Check `model` and `base_url`"
            )
        return Outage(f"{self.shown_url} refuses the request for {model} (status {status}): {words}")

    def outage(self, fault: Fault, model: str) -> Outage:
        """The words for a fault that did not pass."""
        if fault.after is not None and fault.after > _LONGEST_WAIT:
            remedy = "Resume the run when that time has passed"
        elif self.is_local and not fault.answered:
            remedy = "Is the local server running, and is `base_url` right? Then resume the run"
        else:
            remedy = "Resume the run when it is back"
        does = "cannot answer" if fault.answered else "does not answer"
        return Outage(f"{self.shown_url} {does} for {model}: {fault}. {remedy}")


async def persevere(once: Callable[[], Awaitable[T]], patience: Patience, *, down: bool = False) -> T:
    """Call until it goes well; Faults are tried again, once only where the server is known to be `down`."""
    retrying = AsyncRetrying(
        stop=stop_after_attempt(1 if down else patience.retries + 1),
        wait=_Wait(patience.first_wait),
        retry=retry_if_exception(_may_pass),
        sleep=anyio.sleep,
        reraise=True,
    )
    result: T = await retrying(once)
    return result


class _Wait:
    """Growing waits with jitter; what the server asks for in Retry-After comes first."""

    def __init__(self, first: float) -> None:
        self._growing = wait_random_exponential(multiplier=first, max=_LONGEST_WAIT / 2)

    def __call__(self, state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        if isinstance(fault, Fault) and fault.after is not None:
            return fault.after
        return self._growing(state)


def _may_pass(error: BaseException) -> bool:
    """Whether trying again is worth it: not where the server asks for more patience than we have."""
    return isinstance(error, Fault) and (error.after is None or error.after <= _LONGEST_WAIT)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as a server asks for them: a number, or a date against the server's own clock."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    try:
        until, now = (parsedate_to_datetime(headers[name]) for name in ("retry-after", "date"))
        return max(0.0, (until - now).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
