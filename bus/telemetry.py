"""Telemetry: current activity and progress of actors. Lossy, stored outside the messages, never applied or replayed.

The bus publishes `handle.begin` and `handle.end` (kind, message, trace, step), `handle.failed` (attempt, error), and
`activity.begin` and `activity.end` (kind, label, ordinal). Handlers publish events of their own through their context.
"""

import json
from dataclasses import dataclass
from typing import Any

from gome.bus.log import Log

__all__ = ["Telemetry", "Told"]

MAX_DETAIL = 4000
"""Characters kept of each text in an event."""


@dataclass(frozen=True, slots=True)
class Told:
    """One telemetry event, read back. `seq` counts telemetry only; `time` is in live seconds, as in envelopes."""

    seq: int
    time: float
    actor: str
    event: str
    detail: dict[str, Any]


class Telemetry:
    """Publishes telemetry to viewers. Never blocks and never fails: events that cannot be kept are dropped."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def tell(self, actor: str, event: str, **detail: str | float | None) -> None:
        """Publish one event; texts are cut to MAX_DETAIL characters."""
        cut = {key: value[:MAX_DETAIL] if isinstance(value, str) else value for key, value in detail.items()}
        self._log.tell(actor, event, json.dumps(cut, ensure_ascii=False))
