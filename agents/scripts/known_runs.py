"""Cache of script runs, so that no trace repeats a run that any trace has made.

The key is the request (script, view, seed, time limit). When a run is resumed, the cache is filled from its log.
"""

from collections.abc import Awaitable, Callable

import anyio

from gome.agents.protocol.activities import SCRIPT
from gome.agents.scripts.script_run import ScriptRan, ScriptRun
from gome.bus.actors.activity import canonical, request_hash
from gome.bus.events import ActivityFinished
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.reader import LogReader
from gome.executors.launch import Cause

__all__ = ["KnownRuns"]

_SAME_AGAIN = frozenset({Cause.OK, Cause.EXIT, Cause.REFUSED})
"""Causes that would recur if the script ran again. Exceeded limits and lost workers may be transient."""


class KnownRuns:
    """Outcomes by request. Concurrent callers with the same request share one run."""

    def __init__(self, artefacts: Artefacts) -> None:
        self._artefacts = artefacts
        self._results: dict[str, str] = {}
        self._read: dict[str, ScriptRan] = {}
        self._running: dict[str, anyio.Event] = {}

    def learn(self, reader: LogReader) -> None:
        """Add all runs whose outcome the log has."""
        for envelope in reader.envelopes(kinds=["activity_finished"]):
            if isinstance(envelope.message, ActivityFinished) and envelope.message.activity == SCRIPT:
                self._results[envelope.message.request_hash] = envelope.message.result_ref

    async def get(
        self, request: ScriptRun, run: Callable[[], Awaitable[ScriptRan]], over: anyio.Event | None = None
    ) -> ScriptRan:
        """Return the known outcome, marked as reused and with an empty meter, or else the outcome of `run()`.

        Once `over` is set, this neither waits for another caller's run nor starts one: it returns an abandoned run.
        """
        key = request_hash(SCRIPT, canonical(request))
        while (known := await self._known(key)) is None:
            # No await from here until the run is registered, so that no other caller can start the same run.
            if over is not None and over.is_set():
                return ScriptRan.abandoned()
            if key not in self._running:
                return await self._run(key, run)
            await _first_of(self._running[key], over)
        return known.model_copy(update={"reused": True, "meter": {}})

    async def _run(self, key: str, run: Callable[[], Awaitable[ScriptRan]]) -> ScriptRan:
        self._running[key] = anyio.Event()
        try:
            self._read[key] = await run()
            return self._read[key]
        finally:
            self._running.pop(key).set()

    async def _known(self, key: str) -> ScriptRan | None:
        if key in self._results and key not in self._read:
            ran = ScriptRan.model_validate_json(await self._artefacts.read(self._results[key]))
            self._read.setdefault(key, ran)
        known = self._read.get(key)
        return known if known is not None and known.cause in _SAME_AGAIN else None


async def _first_of(event: anyio.Event, other: anyio.Event | None) -> None:
    """Wait until one of the events is set."""
    if other is None:
        await event.wait()
        return
    async with anyio.create_task_group() as group:

        async def wait(each: anyio.Event) -> None:
            await each.wait()
            group.cancel_scope.cancel()

        group.start_soon(wait, event)
        group.start_soon(wait, other)
