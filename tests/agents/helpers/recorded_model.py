"""A model that says what was recorded: it picks the reply by the request's kind and step, for every trace or for one.

    with ModelServer(RecordedModel.load("bike_demand").turn) as server: …

A recording is a folder of JSON files, each one reply: `request` and `step` say to what, and one of `reply` (the typed
reply as JSON), `text` (the answer word for word) or `words` with `script` (a file beside it, sent as a whole) what.
One with a `trace` is for that trace alone, which then hears no other. Several recordings of one request and step are
played in the order of their names; the last is repeated.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from tests.agents.helpers.model_server import Ask, Play, fail, say

__all__ = ["RECORDED", "RecordedModel"]

RECORDED = Path(__file__).parents[1] / "recorded"


@dataclass
class RecordedModel:
    """Replies by (request, step, trace); None is any trace."""

    replies: dict[tuple[str, int, int | None], list[str]]
    model: str = "recorded"
    _played: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def load(cls, name: str) -> "RecordedModel":
        """The recording in that folder under `recorded/`."""
        replies: dict[tuple[str, int, int | None], list[str]] = defaultdict(list)
        for path in sorted((RECORDED / name).glob("*.json")):
            said = json.loads(path.read_text())
            replies[said["request"], said["step"], said.get("trace")].append(_answer(said, path.parent))
        return cls(dict(replies))

    def turn(self, ask: Ask) -> Play:
        """The next reply for that request, trace and step; 400 where none was recorded."""
        recorded = self.replies.get((ask.kind, ask.step, ask.trace)) or self.replies.get((ask.kind, ask.step, None))
        if recorded is None:
            return fail(400, f"nothing was recorded for {ask.kind} at step {ask.step}")
        with self._lock:
            number = self._played[ask.kind, ask.trace, ask.step]
            self._played[ask.kind, ask.trace, ask.step] += 1
        return say(recorded[min(number, len(recorded) - 1)], model=self.model)


def _answer(said: dict[str, Any], folder: Path) -> str:
    if "reply" in said:
        return json.dumps(said["reply"])
    if "text" in said:
        text: str = said["text"]
        return text
    script = (folder / said["script"]).read_text()
    return f"{said['words']}\n\n```python\n{script}```\n"
