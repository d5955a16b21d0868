"""The `replay` backend: answers from another run's log, looked up by the hash of the request.

It costs nothing and needs no network. A request that the log does not answer pauses the run; the error names the first
difference to the request that was recorded for the same trace and step.
"""

import json
from typing import Any

import anyio.to_thread

from gome.agents.backends.base import Answer
from gome.agents.protocol import activities
from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.requests import Request
from gome.bus.actors.activity import canonical, difference, request_hash
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.store.reader import LogReader
from gome.errors import Outage
from gome.scenarios.config.scenario import ReplayBackend as Settings
from gome.scenarios.reading.home import expanded

__all__ = ["RecordedBackend"]

Place = tuple[str, int | None, int | None]


class RecordedBackend:
    """Answers with what the run in `settings.run` recorded. Raises RunNotFound where there is no run."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._name = name
        self._folder = expanded(settings.run)
        self._answers: dict[str, str] = {}
        self._asked: dict[Place, str] = {}
        with LogReader(self._folder, VOCABULARY) as reader:
            self._artefacts = reader.artefacts
            for envelope in reader.envelopes(kinds=["activity_started", "activity_finished"]):
                match envelope.message:
                    case ActivityStarted(activity=activities.QUESTION) as started:
                        self._asked.setdefault((started.label, envelope.trace, envelope.step), started.request_ref)
                    case ActivityFinished(activity=activities.QUESTION) as finished:
                        self._answers.setdefault(finished.request_hash, finished.result_ref)
                    case _:
                        pass

    @property
    def label(self) -> str:
        """Display name."""
        return f"{self._name} (replay of {self._folder.name})"

    async def answer(self, request: Request[Any]) -> Answer:
        """The recorded answer, with an all-zero meter. Raises Outage where none is recorded."""
        text = canonical(request)
        ref = self._answers.get(request_hash(activities.QUESTION, text))
        if ref is None:
            raise Outage(await anyio.to_thread.run_sync(self._missing, request, text))
        recorded = Answer.model_validate_json(await self._artefacts.read(ref))
        return recorded.model_copy(update={"meter": {"calls": 0.0, "tokens": 0.0, "usd": 0.0}})

    async def aclose(self) -> None:
        """Nothing to close."""

    def _missing(self, request: Request[Any], text: str) -> str:
        kind = type(request).__name__
        words = f"{self.label} has no answer to {kind} of trace {request.trace}, step {request.step}"
        ref = self._asked.get((kind, request.trace, request.step))
        if ref is None:
            return (
                f"{words}: the recorded run has no such request. "
                "To continue with a live backend, use `gome fork` with --role ROLE=ANOTHER-BACKEND"
            )
        where = difference(json.loads(self._artefacts.read_now(ref)), json.loads(text))
        return f"{words}: the recorded request differs ({where}). Replay it with the same scenario and seed"
