"""Errors of calls to models and how they are handled, whichever client makes the call.

408, 409, 429, 5xx, timeout, broken connection, invalid body ──► Fault: retried with growing waits
prompt too long, too large a request, or against a policy    ──► PromptRefusedError: concerns this prompt only
everything else, and a Fault that persists                   ──► Outage: the run pauses and can be resumed
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

import anyio
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from gome.agents.backends.llm.refusals import is_policy, is_too_long
from gome.agents.redaction import redact_parts
from gome.errors import Outage

__all__ = [
    "Fault",
    "Patience",
    "PromptRefusedError",
    "Refusal",
    "SchemaRefusedError",
    "Server",
    "persevere",
    "retry_after",
]

T = TypeVar("T")
_LOG = logging.getLogger(__name__)

_LONGEST_WAIT = 120.0
"""Seconds. If a server asks to wait longer, it counts as an outage: the run pauses instead of sleeping."""


class PromptRefusedError(Exception):
    """The endpoint refuses this prompt; `too_long`: a shorter prompt may be accepted."""

    def __init__(self, message: str, too_long: bool) -> None:
        super().__init__(message)
        self.too_long = too_long


class SchemaRefusedError(Exception):
    """The endpoint refuses the schema, and the prompt does not say what reply is asked: it must be rendered again."""


class Fault(Exception):
    """A transient failure of a call. `after`: seconds that the server asks to wait, if it does; `answered`: the server
    responded, with an error status.
    """

    def __init__(self, message: str, after: float | None = None, *, answered: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.answered = answered


@dataclass(frozen=True, slots=True)
class Patience:
    """Retry policy: seconds per call, number of retries, seconds before the first retry (then doubling)."""

    timeout: float
    retries: int
    first_wait: float = 1.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response with an error; `words` is the server's message. Status 200: the body of an answer is an error."""

    status: int
    code: str | None
    words: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Server:
    """A server as shown in errors: its URL without secrets, the variable of its key, whether it is on this machine."""

    shown_url: str
    key_name: str | None
    is_local: bool
    secrets: frozenset[str]

    def words(self, text: str) -> str:
        """An error message of the server, made fit to show: without secrets, one line, at most 400 characters."""
        return " ".join(redact_parts(text, self.secrets).split())[:400]

    def judge(self, refusal: Refusal, model: str) -> Exception:
        """Classify a response with an error: a Fault, a PromptRefusedError or an Outage."""
        status, code = refusal.status, refusal.code
        words = self.words(refusal.words.removeprefix(f"Error code: {status} - "))  # the client library's prefix
        asked = 400 if status == 200 else status
        if is_too_long(asked, code, refusal.words):
            return PromptRefusedError(f"the prompt is too long for {model}: {words}", too_long=True)
        if is_policy(asked, code, refusal.words):
            return PromptRefusedError(f"the endpoint does not answer this prompt: {words}", too_long=False)
        if status == 200 and code != "insufficient_quota":
            return Fault(f"the answer reports an error: {words or 'without words'}", answered=True)
        if status in {200, 408, 409, 429} or status >= 500:
            if code == "insufficient_quota":
                return Outage(
                    f"{self.shown_url}: the quota of the key is used up: {words}. Top up the quota, then resume the run"
                )
            return Fault(f"status {status}: {words}", retry_after(refusal.headers), answered=True)
        if status in {401, 403}:
            # The server's message may contain a part of the key, so it is not shown.
            if self.key_name:
                what, remedy = f"the key in {self.key_name}", "correct the key"
            else:
                what, remedy = "calls without a key", "name its variable as `api_key_env`"
            return Outage(f"{self.shown_url} refuses {what} (status {status}): {remedy}, then resume the run")
        if status == 404:
            return Outage(
                f"{self.shown_url} has no model {model!r} (status 404): {words}. Check `model` and `base_url`"
            )
        if 300 <= status < 400:
            place = redact_parts(str(refusal.headers.get("location", "another address")), self.secrets)
            return Outage(
                f"{self.shown_url} redirects to {place.partition('?')[0][:200]} (status {status}), and prompts are "
                "sent to the named server only: set `base_url` to that address if you trust it"
            )
        return Outage(f"{self.shown_url} refuses the request for {model} (status {status}): {words}")

    def outage(self, fault: Fault, model: str) -> Outage:
        """The outage, with remedy, for a fault that persisted."""
        if fault.after is not None and fault.after > _LONGEST_WAIT:
            remedy = f"It asks to wait {fault.after:.0f} s: resume the run after that time"
        elif self.is_local and not fault.answered:
            remedy = "Check that the local server is running and that `base_url` is right, then resume the run"
        else:
            remedy = "Resume the run when the server is available again"
        does = "cannot answer" if fault.answered else "does not answer"
        return Outage(f"{self.shown_url} {does} for {model}: {fault}. {remedy}")


async def persevere(once: Callable[[], Awaitable[T]], patience: Patience, *, down: bool = False) -> T:
    """Call `once`, retrying Faults as `patience` allows; no retries if the server is known to be `down`.

    Raises the last Fault if all tries fail; other exceptions at once.
    """
    retrying = AsyncRetrying(
        stop=stop_after_attempt(1 if down else patience.retries + 1),
        wait=_Wait(patience.first_wait),
        retry=retry_if_exception(_may_pass),
        before_sleep=_log_retry,
        sleep=anyio.sleep,
        reraise=True,
    )
    result: T = await retrying(once)
    return result


class _Wait:
    """Seconds before a retry: what the server asks for in Retry-After, else growing waits with jitter."""

    def __init__(self, first: float) -> None:
        self._growing = wait_random_exponential(multiplier=first, max=_LONGEST_WAIT / 2)

    def __call__(self, state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        if isinstance(fault, Fault) and fault.after is not None:
            return fault.after
        return self._growing(state)


def _log_retry(state: RetryCallState) -> None:
    """Log a call that is made again; without the server's words, which stand in the error if no try succeeds."""
    answered = isinstance(fault := state.outcome and state.outcome.exception(), Fault) and fault.answered
    what = "was answered with an error that may pass" if answered else "was not answered"
    _LOG.warning("model call %s, try %d; again in %.1f s", what, state.attempt_number, state.upcoming_sleep)


def _may_pass(error: BaseException) -> bool:
    """Whether to retry: a Fault, unless the server asks to wait longer than `_LONGEST_WAIT`."""
    return isinstance(error, Fault) and (error.after is None or error.after <= _LONGEST_WAIT)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, given as a number or as a date on the server's own clock; None if neither."""
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
