"""Replay: every actor is fed what it heard, in log order, and what it returns is compared with what the log holds.

Side effects are answered from the record, so nothing is called, run or paid. Block the sockets around it to be sure.
"""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from gome.bus.actors.activity import Recorded, canonical, difference, recorded, request_hash
from gome.bus.actors.actor import ActivityResult, Actor
from gome.bus.actors.turns import Turn, Turns, is_output
from gome.bus.events import ACTIVITIES, ActivityStarted, DeadLetter
from gome.bus.message import Draft, Envelope, message_id
from gome.bus.store.reader import LogReader
from gome.errors import LogError, ReplayDiverged

__all__ = ["Replayed", "replay"]

R = TypeVar("R", bound=ActivityResult)


@dataclass(slots=True)
class Replayed:
    """What was identical: messages handled again, messages said again, activities answered from the record.

    `buried` are dead letters: their handlers failed, and are not repeated.
    """

    handled: int = 0
    said: int = 0
    activities: int = 0
    buried: int = 0


async def replay(reader: LogReader, actors: Sequence[Actor]) -> Replayed:
    """Replay what these (fresh) actors have handled. Raises ReplayDiverged at the first message that differs."""
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
            for said in turn.said:
                turn.actor.apply(said)
    return done


async def _repeat(turn: Turn, records: list[Envelope], reader: LogReader, done: Replayed) -> None:
    """Handle the message of a turn again and compare."""
    if turn.said and isinstance(turn.said[0].message, DeadLetter):
        done.buried += 1
        return
    context = _ReplayContext(turn, records, reader)
    try:
        drafts = await turn.actor.handle(turn.heard, context)
    except Exception as error:
        inner = _diverged(error)
        if inner is not None:
            raise inner from error
        raise ReplayDiverged(
            f"{_name(turn.heard)}: {turn.actor.name} handled it, and now fails with {type(error).__name__}: {error}"
        ) from error
    context.close()
    for place, said in enumerate(turn.said):
        if place >= len(drafts):
            raise ReplayDiverged(f"{_name(said)}: {turn.actor.name} said it, and now does not")
        _compare(turn, place, said, drafts[place])
    if len(drafts) > len(turn.said):
        extra = drafts[len(turn.said)].message.kind
        raise ReplayDiverged(f"{_name(turn.heard)}: {turn.actor.name} now says {extra} to it, which it did not")
    done.handled += 1
    done.said += len(turn.said)
    done.activities += context.asked


def _compare(turn: Turn, place: int, said: Envelope, draft: Draft) -> None:
    """Raise ReplayDiverged unless the draft is what was said, at the same place of the run."""
    identifier = message_id(turn.heard.id, turn.actor.name, place)
    correlation = identifier if draft.opens else turn.heard.correlation
    then = {"id": said.id, "kind": said.kind, "trace": said.trace, "step": said.step, "correlation": said.correlation}
    now = {
        "id": identifier,
        "kind": draft.message.kind,
        "trace": draft.trace,
        "step": draft.step,
        "correlation": correlation,
    }
    where = difference(then, now)
    if where is None and draft.message != said.message:
        where = difference(said.message.model_dump(mode="json"), draft.message.model_dump(mode="json")) or "payload"
    if where is not None:
        raise ReplayDiverged(f"{_name(said)}: {where}")


class _ReplayContext:
    """The `Context` of a replay: knows what was asked then, and asks nothing."""

    def __init__(self, turn: Turn, records: list[Envelope], reader: LogReader) -> None:
        self._turn = turn
        self._known = recorded(records)
        self._named = {each.message.ordinal: each for each in records if isinstance(each.message, ActivityStarted)}
        self._reader = reader
        self.asked = 0

    @property
    def envelope(self) -> Envelope:
        """The message being handled."""
        return self._turn.heard

    def tell(self, event: str, **detail: str | float | None) -> None:
        """Tell nobody."""

    def perform(
        self, kind: str, request: BaseModel, result: type[R], call: Callable[[], Awaitable[R]], label: str = ""
    ) -> Coroutine[Any, Any, R]:
        """The recorded result. Raises ReplayDiverged where this was not asked then."""
        ordinal = self.asked
        self.asked += 1
        return self._answer(self._known.get(ordinal), kind, canonical(request), result)

    async def _answer(self, known: Recorded | None, kind: str, text: str, result: type[R]) -> R:
        if known is None:
            raise ReplayDiverged(
                f"{_name(self.envelope)}: {self._turn.actor.name} now asks for {kind}, which it did not"
            )
        started = self._named[known.started.ordinal]
        if known.started.request_hash != request_hash(kind, text):
            then = json.loads(await self._reader.artefacts.text(known.started.request_ref))
            where = difference(then, json.loads(text)) or f"activity: {known.started.activity}, now {kind}"
            raise ReplayDiverged(f"{_name(started)}: {self._turn.actor.name} asks for something else: {where}")
        if known.finished is None:
            raise ReplayDiverged(f"{_name(started)}: no result is recorded, though its message was handled")
        return result.model_validate_json(await self._reader.artefacts.read(known.finished.result_ref))

    def close(self) -> None:
        """Raise ReplayDiverged where more was asked then."""
        for ordinal in sorted(self._known):
            if ordinal >= self.asked:
                started = self._named[ordinal]
                raise ReplayDiverged(f"{_name(started)}: {self._turn.actor.name} asked for it, and now does not")


def _name(envelope: Envelope) -> str:
    """How a message is named in words."""
    place = "" if envelope.trace is None else f", trace {envelope.trace}"
    place += "" if envelope.step is None else f", step {envelope.step}"
    return f"message {envelope.id} (seq {envelope.seq}, {envelope.kind} of {envelope.sender}{place})"


def _diverged(error: BaseException) -> LogError | None:
    """The divergence that this is or holds (a task group of the handler puts it into a group)."""
    if isinstance(error, LogError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for each in error.exceptions if (found := _diverged(each)) is not None), None)
    return None
