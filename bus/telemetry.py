"""Telemetry: what an actor does now, progress, idle time. Lossy, outside the sequence, never folded nor replayed.

The bus itself tells `handle.begin` and `handle.end` (kind, message, trace, step), `handle.failed` (attempt, error), and
`activity.begin` and `activity.end` (kind, label, ordinal); a handler tells what it likes through its context.
"""

import json
from dataclasses import dataclass
from typing import Any

from gome.bus.log import Log

__all__ = ["Telemetry", "Told"]

MAX_DETAIL = 4000


@dataclass(frozen=True, slots=True)
class Told:
    """A line of telemetry as a viewer reads it back. `time` is in live seconds, like an envelope's."""

    seq: int
    time: float
    actor: str
    event: str
    detail: dict[str, Any]


class Telemetry:
    """Tells viewers what goes on. Never waits, never fails: what cannot be kept is lost."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def tell(self, actor: str, event: str, **detail: str | float | None) -> None:
        """Tell one thing; long texts are cut."""
        cut = {key: value[:MAX_DETAIL] if isinstance(value, str) else value for key, value in detail.items()}
        self._log.tell(actor, event, json.dumps(cut, ensure_ascii=False))
