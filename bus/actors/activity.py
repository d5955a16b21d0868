"""Activities: side effects whose request and result are written to the log before the handler gets the result.

    request ──► artefact ──► ActivityStarted ──► call ──► result ──► artefact ──► ActivityFinished ──► handler

If the process dies before ActivityStarted, nothing has happened. If it dies during the call, the next delivery makes
the call again as the next attempt. If it dies after ActivityFinished, the next delivery uses the recorded result.

An exception raised by `call` is not recorded: the activity stays open and the next delivery calls again. A failure that
the handler has to decide on must therefore be a result. WorkerLost is the exception to this: the call is repeated at
once, on another worker, and the new attempt's record holds the reason.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

from pydantic import BaseModel

from gome.bus.actors.actor import ActivityResult
from gome.bus.actors.flight import Flight
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.log import Log
from gome.bus.message import Draft, Envelope, Message
from gome.bus.store.artefacts import Artefacts
from gome.bus.telemetry import Telemetry
from gome.errors import ActivityChanged, WorkerLost

__all__ = ["LiveContext", "Recorded", "canonical", "difference", "recorded", "request_hash"]

R = TypeVar("R", bound=ActivityResult)
_LOG = logging.getLogger(__name__)

_LOSSES = 3
"""How often one call is repeated after the loss of its worker. The next loss is an outage of the run."""


@dataclass(slots=True)
class Recorded:
    """The log's record of one activity: its last attempt, and its result once there is one."""

    started: ActivityStarted
    finished: ActivityFinished | None = None


def recorded(envelopes: Iterable[Envelope]) -> dict[int, Recorded]:
    """The activities of one handled message, by ordinal, from their envelopes in log order."""
    found: dict[int, Recorded] = {}
    for envelope in envelopes:
        message = envelope.message
        if isinstance(message, ActivityStarted):
            found[message.ordinal] = Recorded(message)
        elif isinstance(message, ActivityFinished) and message.ordinal in found:
            found[message.ordinal].finished = message
    return found


def canonical(request: BaseModel) -> str:
    """The request as canonical JSON: equal requests give equal text."""
    return json.dumps(request.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def request_hash(kind: str, text: str) -> str:
    """Hash (32 hex digits) that identifies a request, together with the handled message and the ordinal."""
    return sha256(f"{kind}\n{text}".encode()).hexdigest()[:32]


def difference(old: Any, new: Any, place: str = "") -> str | None:
    """Describe the first difference between two JSON values as `path: old, now new`; None where they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            inner = f"{place}.{key}" if place else str(key)
            if key not in old or key not in new:
                return f"{inner}: {'added' if key in new else 'missing'}"
            if found := difference(old[key], new[key], inner):
                return found
        return None
    if isinstance(old, list) and isinstance(new, list):
        for index, (left, right) in enumerate(zip(old, new, strict=False)):
            if found := difference(left, right, f"{place}[{index}]"):
                return found
        return None if len(old) == len(new) else f"{place}: {len(old)} items, now {len(new)}"
    if old == new and type(old) is type(new):
        return None
    return f"{place or 'value'}: {_contrast(old, new)}"


def _contrast(old: Any, new: Any, room: int = 60) -> str:
    """Two different values side by side; long texts are cut to `room` characters around the first difference."""
    left, right = json.dumps(old, ensure_ascii=False), json.dumps(new, ensure_ascii=False)
    if len(left) <= room and len(right) <= room:
        return f"{left}, now {right}"
    pairs = zip(left, right, strict=False)
    common = next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))
    start = max(0, common - room // 3)
    dots = "…" if start else ""
    return f"{dots}{left[start : start + room]}…, now {dots}{right[start : start + room]}… (at character {common})"


class LiveContext:
    """The `Context` of a live delivery: makes the calls for which the log has no result yet."""

    def __init__(
        self,
        actor: str,
        envelope: Envelope,
        known: dict[int, Recorded],
        log: Log,
        artefacts: Artefacts,
        telemetry: Telemetry,
        flight: Flight,
        accept_changes: bool = False,
    ) -> None:
        self._actor = actor
        self._envelope = envelope
        self._known = known
        self._log = log
        self._artefacts = artefacts
        self._telemetry = telemetry
        self._flight = flight
        self._accept_changes = accept_changes
        self._ordinal = 0

    @property
    def envelope(self) -> Envelope:
        """The message being handled."""
        return self._envelope

    def tell(self, event: str, **detail: str | float | None) -> None:
        """Publish telemetry about this actor."""
        self._telemetry.tell(self._actor, event, **detail)

    def perform(
        self,
        kind: str,
        request: BaseModel,
        result: type[R],
        call: Callable[[], Awaitable[R]],
        label: str = "",
    ) -> Coroutine[Any, Any, R]:
        """Run a side effect once; see `Context.perform`. The ordinal is assigned by this call, not by awaiting it."""
        ordinal = self._ordinal
        self._ordinal += 1
        return self._perform(ordinal, kind, request, result, call, label)

    async def _perform(
        self, ordinal: int, kind: str, request: BaseModel, result: type[R], call: Callable[[], Awaitable[R]], label: str
    ) -> R:
        text = canonical(request)
        hashed = request_hash(kind, text)
        known = self._known.get(ordinal)
        if known is not None and known.started.request_hash != hashed:
            if not self._accept_changes:
                raise await self._changed(known.started, kind, text)
        elif known is not None and known.finished is not None:
            return result.model_validate_json(await self._artefacts.read(known.finished.result_ref))
        started = ActivityStarted(
            activity=kind,
            label=label,
            ordinal=ordinal,
            attempt=1 if known is None else known.started.attempt + 1,
            request_hash=hashed,
            request_ref=await self._artefacts.put(text),
        )
        await self._flight.begin(ordinal, kind)
        try:
            return await self._made(started, result, call)
        finally:
            self._flight.end(ordinal)

    async def _made(self, started: ActivityStarted, result: type[R], call: Callable[[], Awaitable[R]]) -> R:
        """Make a call, again where its worker is lost."""
        losses = 0
        while True:
            await self._record(started, "started")
            self._known[started.ordinal] = Recorded(started)
            try:
                return await self._call(started, result, call)
            except WorkerLost as lost:
                losses += 1
                if losses > _LOSSES:
                    raise
                kind, attempt = started.activity, started.attempt + 1
                _LOG.warning("%s of %s is made again, attempt %d: %s", kind, self._actor, attempt, lost)
                started = started.model_copy(update={"attempt": attempt, "lost": str(lost)})

    async def _call(self, started: ActivityStarted, result: type[R], call: Callable[[], Awaitable[R]]) -> R:
        begun = self._log.elapsed()
        self.tell("activity.begin", kind=started.activity, label=started.label, ordinal=started.ordinal)
        try:
            outcome = await call()
        finally:
            self.tell("activity.end", kind=started.activity, label=started.label, ordinal=started.ordinal)
        text = outcome.model_dump_json()
        # The handler gets the decoded record, so that a live delivery and a repeated one see equal values.
        read_back = result.model_validate_json(text)
        finished = ActivityFinished(
            activity=started.activity,
            label=started.label,
            ordinal=started.ordinal,
            attempt=started.attempt,
            request_hash=started.request_hash,
            result_ref=await self._artefacts.put(text),
            seconds=self._log.elapsed() - begun,
            meter=read_back.meter,
        )
        await self._record(finished, "finished")
        self._known[started.ordinal].finished = finished
        return read_back

    async def _record(self, message: ActivityStarted | ActivityFinished, phase: str) -> None:
        key = f"{phase}:{message.ordinal}:{message.attempt}"
        await self._log.append(self._actor, [self._draft(message)], cause=self._envelope, key=key)

    def _draft(self, message: Message) -> Draft:
        return Draft(message, self._envelope.trace, self._envelope.step)

    async def _changed(self, started: ActivityStarted, kind: str, text: str) -> ActivityChanged:
        old = json.loads(await self._artefacts.text(started.request_ref))
        where = difference(old, json.loads(text)) or f"activity: {started.activity}, now {kind}"
        return ActivityChanged(
            f"{self._actor} makes a request that differs from the recorded one for message {self._envelope.id} "
            f"({started.activity} {started.ordinal}{' ' + started.label if started.label else ''}): {where}. "
            "The code or the scenario has changed; use --accept-changes to make the new request."
        )
