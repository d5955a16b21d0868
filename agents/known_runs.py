"""What scripts have been run in this run: nothing is run twice, whichever trace asks.

A run is known by its request, which names script, view, seed and limit. The log has every outcome; what is known when a
session begins is read from there.
"""

from collections.abc import Awaitable, Callable

import anyio

from agents.script_run import ScriptRan, ScriptRun
from bus.activity import canonical, request_hash
from bus.artefacts import Artefacts
from bus.lifecycle import ActivityFinished
from bus.reader import LogReader
from executors.launch import Cause

__all__ = ["KnownRuns"]

_SAME_AGAIN = frozenset({Cause.OK, Cause.EXIT, Cause.REFUSED})
"""What a script ends with by itself: it would again. Limits and losses may be of the moment."""


class KnownRuns:
    """Outcomes by request; two who ask for the same at once share one run."""

    def __init__(self, artefacts: Artefacts) -> None:
        self._artefacts = artefacts
        self._results: dict[str, str] = {}
        self._fresh: dict[str, ScriptRan] = {}
        self._running: dict[str, anyio.Event] = {}

    def learn(self, reader: LogReader) -> None:
        """Remember all runs that a log has the outcome of."""
        for envelope in reader.envelopes(kinds=["activity_finished"]):
            if isinstance(envelope.message, ActivityFinished) and envelope.message.activity == "script":
                self._results[envelope.message.request_hash] = envelope.message.result_ref

    async def get(self, request: ScriptRun, run: Callable[[], Awaitable[ScriptRan]]) -> ScriptRan:
        """The known outcome, marked as reused and without cost, or that of `run`."""
        key = request_hash("script", canonical(request))
        while (running := self._running.get(key)) is not None:
            await running.wait()
        known = await self._known(key)
        if known is not None:
            return known.model_copy(update={"reused": True, "meter": {}})
        self._running[key] = anyio.Event()
        try:
            ran = await run()
            self._fresh[key] = ran
            return ran
        finally:
            self._running.pop(key).set()

    async def _known(self, key: str) -> ScriptRan | None:
        ran = self._fresh.get(key)
        if ran is None and key in self._results:
            ran = ScriptRan.model_validate_json(await self._artefacts.read(self._results[key]))
        return ran if ran is not None and ran.cause in _SAME_AGAIN else None
