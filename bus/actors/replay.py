"""Replay: feed every actor its recorded inputs in log order, and compare its outputs with the log.

Side effects are answered from the log, so no model is called and no script is run. Nothing here enforces that: the
caller may block sockets around a replay.
"""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from gome.bus.actors.activity import Recorded, canonical, difference, recorded, request_hash
from gome.bus.actors.actor import ActivityResult, Actor
from gome.bus.actors.handled import Turn, Turns, is_output
from gome.bus.events import ACTIVITIES, ActivityStarted, DeadLetter
from gome.bus.message import Draft, Envelope, message_id
from gome.bus.store.reader import LogReader
from gome.errors import LogError, ReplayDiverged

__all__ = ["Replayed", "replay"]

R = TypeVar("R", bound=ActivityResult)


@dataclass(slots=True)
class Replayed:
    """Counts of a replay without differences: messages handled, messages sent, activities answered from the log.

    `buried` counts dead letters: their handlers had failed and are not run again.
    """

    handled: int = 0
    said: int = 0
    activities: int = 0
    buried: int = 0


async def replay(reader: LogReader, actors: Sequence[Actor]) -> Replayed:
    """Replay the log on newly created actors.

    Raises ReplayDiverged at the first difference, and LogDamaged where an artefact is missing or corrupt.
    """
    done = Replayed()
    records: defaultdict[tuple[str, str | None], list[Envelope]] = defaultdict(list)
    for envelope in reader.envelopes(kinds=ACTIVITIES):
        records[envelope.sender, envelope.cause].append(envelope)
    turns = Turns(actors, reader.cursors(), reader.answers())
    for envelope in reader.envelopes():
        for turn in turns.feed(envelope):
            if not is_output(turn.heard, turn.actor.name):
                turn.actor.apply(turn.heard)
            if turn.handled:
                await _repeat(turn, records.pop((turn.actor.name, turn.heard.id), []), reader, done)
            for sent in turn.said:
                turn.actor.apply(sent)
    return done


async def _repeat(turn: Turn, records: list[Envelope], reader: LogReader, done: Replayed) -> None:
    """Handle the message of a turn again and compare the outputs."""
    if turn.said and isinstance(turn.said[0].message, DeadLetter):
        done.buried += 1
        return
    context = _ReplayContext(turn, records, reader)
    try:
        drafts = await turn.actor.handle(turn.heard, context)
    except Exception as error:
        inner = _log_error(error)
        if inner is not None:
            raise inner from error
        raise _diverged(
            turn.heard, f"{turn.actor.name} handled it, and now fails with {type(error).__name__}: {error}"
        ) from error
    context.close()
    for place, sent in enumerate(turn.said):
        if place >= len(drafts):
            raise _diverged(sent, f"{turn.actor.name} sent it, and now does not")
        _compare(turn, place, sent, drafts[place])
    if len(drafts) > len(turn.said):
        extra = drafts[len(turn.said)].message.kind
        raise _diverged(turn.heard, f"{turn.actor.name} now answers it with {extra}, which it did not")
    done.handled += 1
    done.said += len(turn.said)
    done.activities += context.asked


def _compare(turn: Turn, place: int, sent: Envelope, draft: Draft) -> None:
    """Raise ReplayDiverged unless the draft equals the recorded message, with the same id, trace and step."""
    identifier = message_id(turn.heard.id, turn.actor.name, place)
    correlation = identifier if draft.opens else turn.heard.correlation
    then = {"id": sent.id, "kind": sent.kind, "trace": sent.trace, "step": sent.step, "correlation": sent.correlation}
    now = {
        "id": identifier,
        "kind": draft.message.kind,
        "trace": draft.trace,
        "step": draft.step,
        "correlation": correlation,
    }
    where = difference(then, now)
    if where is None and draft.message != sent.message:
        where = difference(sent.message.model_dump(mode="json"), draft.message.model_dump(mode="json")) or "payload"
    if where is not None:
        raise _diverged(sent, where)


class _ReplayContext:
    """The `Context` of a replay: returns recorded results and makes no call."""

    def __init__(self, turn: Turn, records: list[Envelope], reader: LogReader) -> None:
        self._turn = turn
        self._known = recorded(records)
        self._named = {each.message.ordinal: each for each in records if isinstance(each.message, ActivityStarted)}
        self._reader = reader
        self.asked = 0  # calls of `perform` so far

    @property
    def envelope(self) -> Envelope:
        """The message being handled."""
        return self._turn.heard

    def tell(self, event: str, **detail: str | float | None) -> None:
        """Discard telemetry."""

    def perform(
        self, kind: str, request: BaseModel, result: type[R], call: Callable[[], Awaitable[R]], label: str = ""
    ) -> Coroutine[Any, Any, R]:
        """The recorded result. Raises ReplayDiverged where the log has no such request at this ordinal."""
        ordinal = self.asked
        self.asked += 1
        return self._answer(self._known.get(ordinal), kind, canonical(request), result)

    async def _answer(self, known: Recorded | None, kind: str, text: str, result: type[R]) -> R:
        if known is None:
            raise _diverged(self.envelope, f"{self._turn.actor.name} now performs {kind}, which it did not")
        started = self._named[known.started.ordinal]
        if known.started.request_hash != request_hash(kind, text):
            then = json.loads(await self._reader.artefacts.text(known.started.request_ref))
            where = difference(then, json.loads(text)) or f"activity: {known.started.activity}, now {kind}"
            raise _diverged(started, f"{self._turn.actor.name} now makes a different request: {where}")
        if known.finished is None:
            raise _diverged(started, "no result is recorded, although the message was handled")
        return result.model_validate_json(await self._reader.artefacts.read(known.finished.result_ref))

    def close(self) -> None:
        """Raise ReplayDiverged where the log has more activities than were performed now."""
        for ordinal in sorted(self._known):
            if ordinal >= self.asked:
                started = self._named[ordinal]
                raise _diverged(started, f"{self._turn.actor.name} requested it, and now does not")


def _diverged(envelope: Envelope, what: str) -> ReplayDiverged:
    """The error for a difference at this message."""
    place = "" if envelope.trace is None else f", trace {envelope.trace}"
    place += "" if envelope.step is None else f", step {envelope.step}"
    return ReplayDiverged(
        f"message {envelope.id} (seq {envelope.seq}, {envelope.kind} of {envelope.sender}{place}): {what}. "
        "If the code has changed since the run, replay with the version of gome that wrote it; if not, this is a bug."
    )


def _log_error(error: BaseException) -> LogError | None:
    """The LogError that this error is or contains (a handler's task group wraps it)."""
    if isinstance(error, LogError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for each in error.exceptions if (found := _log_error(each)) is not None), None)
    return None
