"""Messages of the bus itself: start and end of a side effect, and dead letters."""

from typing import Literal

from gome.bus.message import Message

__all__ = ["ACTIVITIES", "LIFECYCLE", "ActivityFinished", "ActivityStarted", "DeadLetter"]


class ActivityStarted(Message):
    """A side effect was started. `attempt` counts from 1; a later attempt means that the one before did not finish.

    `lost` is the reason where the previous attempt's worker was lost, and empty where gome's own process had died.
    """

    kind: Literal["activity_started"] = "activity_started"
    activity: str
    label: str
    ordinal: int
    attempt: int
    request_hash: str
    request_ref: str
    lost: str = ""


class ActivityFinished(Message):
    """The result of a side effect is recorded, so the call is not repeated."""

    kind: Literal["activity_finished"] = "activity_finished"
    activity: str
    label: str
    ordinal: int
    attempt: int
    request_hash: str
    result_ref: str
    seconds: float
    meter: dict[str, float]


class DeadLetter(Message):
    """Handling of a message was given up after `attempts` failures. Its step still gets a Diagnosis."""

    kind: Literal["dead_letter"] = "dead_letter"
    actor: str
    message: str
    message_kind: str
    attempts: int
    error: str
    traceback: str


LIFECYCLE: tuple[type[Message], ...] = (ActivityStarted, ActivityFinished, DeadLetter)
ACTIVITIES = frozenset(("activity_started", "activity_finished"))
"""Kinds that record a side effect. They have the handled message as cause, but are not outputs of the handler."""
