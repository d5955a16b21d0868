"""The bus's own messages: a side effect's start and end, and a message that could not be handled."""

from typing import Literal

from gome.bus.message import Message

__all__ = ["ACTIVITIES", "LIFECYCLE", "ActivityFinished", "ActivityStarted", "DeadLetter"]


class ActivityStarted(Message):
    """A side effect was begun. `attempt` counts from 1: a second one means that the first came to no end.

    `lost` says why, where the worker that did it was lost; it is empty where this process itself had died.
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
    """A side effect's result is recorded: it is never paid for again."""

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
    """A message was given up after so many attempts. Its step gets its Diagnosis all the same, and the run goes on."""

    kind: Literal["dead_letter"] = "dead_letter"
    actor: str
    message: str
    message_kind: str
    attempts: int
    error: str
    traceback: str


LIFECYCLE: tuple[type[Message], ...] = (ActivityStarted, ActivityFinished, DeadLetter)
ACTIVITIES = frozenset(("activity_started", "activity_finished"))
"""The kinds that record a side effect: they come of a message as outputs do, and are none."""
