"""Why a run accepted nothing: what its scripts ended with, in words for the one who started it."""

from collections import Counter
from collections.abc import Iterable

from agents.messages import RepairCalled, Trial
from bus.message import Envelope
from executors.launch import Cause
from viewer import text

__all__ = ["shortfall"]

_TIME = "a busy machine needs longer limits: executors.timeout.debug, executors.timeout.full and budget.time, by --set"
_REMEDIES = {
    Cause.TIMEOUT: _TIME,
    Cause.PROJECTED: _TIME,
    Cause.MEMORY: "the limit is executors.memory, by --set",
}


def shortfall(envelopes: Iterable[Envelope]) -> str | None:
    """What most of the attempts that failed ended with, and what may help; None where no script failed.

    Trials that were not run because the time was over are left out: they say nothing of the scripts.
    """
    failed: Counter[tuple[Cause, str]] = Counter()
    for envelope in envelopes:
        message = envelope.message
        late = isinstance(message, Trial) and message.late
        if isinstance(message, RepairCalled | Trial) and not late and message.cause != Cause.OK:
            failed[message.cause, message.words] += 1
    if not failed:
        return None
    causes: Counter[Cause] = Counter()
    for (cause, _), number in failed.items():
        causes[cause] += number
    cause, number = causes.most_common(1)[0]
    words = next(words for (each, words), _ in failed.most_common() if each == cause)
    said = f"{number} of {text.several(causes.total(), 'failed attempt')} ended with {cause}: {text.line(words)}"
    return f"{said}; {_REMEDIES[cause]}" if cause in _REMEDIES else said
