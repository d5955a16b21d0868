"""Supervisor: restores actors from a log, serves their mailboxes, retries failed handlers, and stops in order.

    restore ──► serve all actors ──► `until` matches, or stop(), or a failure ──► drain ──► return or raise
                  │
                  └─ a handler raises: retry with backoff, `attempts` in all ──► dead letter and closing messages

An Outage or LogError is not retried: it stops the run, and the message is handled when the run is resumed.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence

import anyio

from gome.bus.actors.activity import LiveContext, Recorded, recorded
from gome.bus.actors.actor import Actor
from gome.bus.actors.flight import Flight
from gome.bus.actors.handled import Turns, is_output
from gome.bus.events import DeadLetter
from gome.bus.log import Log, Mailbox
from gome.bus.message import Draft, Envelope, Subscription
from gome.bus.store.artefacts import Artefacts
from gome.bus.telemetry import Telemetry
from gome.errors import GomeError, LogError, Outage

__all__ = ["Epitaph", "Supervisor"]

Epitaph = Callable[[Actor, Envelope, DeadLetter], Sequence[Draft]]
"""Returns the messages to send after the dead letter of a message, so that its step is closed and the run continues."""

GRACE = 30.0
"""Default for `grace`: seconds that running handlers get to finish when the run stops."""
PAGE = 1000
"""Messages per read while the actors are restored."""


def _no_conclusion(actor: Actor, envelope: Envelope, letter: DeadLetter) -> Sequence[Draft]:  # noqa: ARG001 - an Epitaph
    return ()


class Supervisor:
    """Runs the actors of one run in this process. `run` may be called once; all methods on the event loop's thread."""

    def __init__(
        self,
        log: Log,
        artefacts: Artefacts,
        telemetry: Telemetry,
        actors: Sequence[Actor],
        *,
        conclude_dead_letter: Epitaph = _no_conclusion,
        attempts: int = 3,
        backoff: float = 0.2,
        grace: float = GRACE,
        patience: Mapping[str, float] | None = None,
        accept_changes: bool = False,
    ) -> None:
        """`backoff` is the pause in seconds before the first retry; it doubles for each further. `grace` is what
        handlers get to end when the run stops; one with a call of a kind in `patience` in flight gets that many seconds
        where a user stops the run.

        Raises ValueError where two actors have the same name.
        """
        names = [actor.name for actor in actors]
        if len(set(names)) != len(names):
            raise ValueError(f"two actors have one name: {sorted(names)}")
        self._log = log
        self._artefacts = artefacts
        self._telemetry = telemetry
        self._actors = tuple(actors)
        self._epitaph = conclude_dead_letter
        self._attempts = attempts
        self._backoff = backoff
        self._grace = grace
        self._patience = dict(patience or {})
        self._flights: set[Flight] = set()
        self._accept_changes = accept_changes
        self._mailboxes: list[Mailbox] = []
        self._known: dict[tuple[str, str], dict[int, Recorded]] = {}
        self._ended = anyio.Event()
        self._restored = 0
        self._found: Envelope | None = None
        self._failure: GomeError | None = None
        self._started = False

    async def run(self, until: Callable[[Envelope], bool]) -> Envelope | None:
        """Run until `until` is true for a message, and return it; it may be in the log already. None after `stop`.

        Delivery then stops, and handlers in progress get `grace` seconds to finish. Raises Outage, ActivityChanged and
        any other LogError that a handler raised, after the same grace period.
        """
        if self._started:
            raise RuntimeError("a supervisor runs once")
        self._started = True
        try:
            self._found = await self._restore(until)
            if self._found is None:
                await self._serve_all(until)
        finally:
            for mailbox in self._mailboxes:
                mailbox.close()
        if self._failure is not None:
            raise self._failure
        return self._found

    def stop(self, grace: float | None = None) -> None:
        """Stop delivery; handlers in progress get `grace` seconds to finish, then are cancelled.

        By default they get the time of the supervisor, with its patience; where the run stops already, none. May be
        called from a callback of the event loop, and again to shorten the grace period.
        """
        if grace is None and self.stopping:
            grace = 0.0
        self._ended.set()
        for mailbox in self._mailboxes:
            mailbox.close()
        for flight in self._flights:
            flight.stop(grace)

    @property
    def stopping(self) -> bool:
        """Whether the run stops: no message is delivered any more."""
        return self._ended.is_set()

    def in_flight(self, kind: str) -> int:
        """How many calls of this kind are in flight."""
        return sum(kind in flight.calls.values() for flight in self._flights)

    async def _restore(self, until: Callable[[Envelope], bool]) -> Envelope | None:
        """Apply the log to the actors and open their mailboxes. Returns the message that matches `until`, if any."""
        head = self._log.head
        turns = Turns(self._actors, self._log.cursors, await self._log.answers())
        place = 0
        while place < head:
            page = await self._log.read(place, head, limit=PAGE)
            for envelope in page:
                for turn in turns.feed(envelope):
                    _apply(turn.actor, turn.folded)
                if until(envelope):
                    return envelope
            place = page[-1].seq if page else head
        self._restored = head
        self._known = {key: recorded(envelopes) for key, envelopes in turns.activities.items()}
        self._mailboxes = [
            self._log.subscribe(actor.subscription, turns.resume_after.get(actor.name, head)) for actor in self._actors
        ]
        if self.stopping:
            self.stop()
        return None

    async def _serve_all(self, until: Callable[[Envelope], bool]) -> None:
        everything = Subscription(frozenset(self._log.vocabulary.classes))
        watched = self._log.subscribe(everything, self._restored)
        async with anyio.create_task_group() as watching:
            watching.start_soon(self._watch, watched, until)
            async with anyio.create_task_group() as serving:
                for actor, mailbox in zip(self._actors, self._mailboxes, strict=True):
                    serving.start_soon(self._serve, actor, mailbox)
            watched.close()

    async def _watch(self, mailbox: Mailbox, until: Callable[[Envelope], bool]) -> None:
        """Look for the message that ends the run, also among those that handlers send while the run drains."""
        try:
            while self._found is None and (envelope := await mailbox.next()) is not None:
                if until(envelope):
                    self._found = envelope
                    self.stop(self._grace)
        except (LogError, Outage) as error:
            self._fail(error)

    async def _serve(self, actor: Actor, mailbox: Mailbox) -> None:
        try:
            while (envelope := await mailbox.next()) is not None:
                if not is_output(envelope, actor.name):  # its own messages were applied when it sent them
                    _apply(actor, [envelope])
                if envelope.message.kind in actor.handles and not self.stopping:
                    await self._take_turn(actor, envelope)
        except Exception as error:
            failure = _stopping_error(error)
            if failure is None:
                raise
            self._fail(failure)

    def _fail(self, failure: GomeError) -> None:
        """Stop the run in order. `run` then raises the first failure; a LogError takes precedence over an Outage."""
        if self._failure is None or (isinstance(failure, LogError) and not isinstance(self._failure, LogError)):
            self._failure = failure
        self.stop(self._grace)

    async def _take_turn(self, actor: Actor, envelope: Envelope) -> None:
        """Handle a message and commit the outputs. Where the run stops between attempts, it stays unhandled."""
        message, flight = envelope.message, Flight(self._grace, self._patience)
        self._telemetry.tell(
            actor.name, "handle.begin", kind=message.kind, message=envelope.id, trace=envelope.trace, step=envelope.step
        )
        self._flights.add(flight)
        try:
            with flight.scope:
                _apply(actor, await self._handled(actor, envelope, flight))
        finally:
            self._flights.discard(flight)
            self._telemetry.tell(actor.name, "handle.end", kind=message.kind, message=envelope.id)

    async def _handled(self, actor: Actor, envelope: Envelope, flight: Flight) -> list[Envelope]:
        """What the actor says to it, committed; nothing where the run stops between two attempts."""
        known = self._known.pop((actor.name, envelope.id), {})
        for attempt in range(1, self._attempts + 1):
            context = LiveContext(
                actor.name, envelope, known, self._log, self._artefacts, self._telemetry, flight, self._accept_changes
            )
            try:
                return await self._log.commit(actor.name, envelope, await actor.handle(envelope, context))
            except Exception as error:
                if _stopping_error(error) is not None:
                    raise
                if attempt == self._attempts:
                    return await self._give_up(actor, envelope, error)
                if await self._pause(actor, attempt, error):
                    break
        return []

    async def _pause(self, actor: Actor, attempt: int, error: Exception) -> bool:
        """Wait before the next attempt; True where the run was stopped meanwhile."""
        self._telemetry.tell(actor.name, "handle.failed", attempt=attempt, error=_describe(error))
        with anyio.move_on_after(self._backoff * 2 ** (attempt - 1)):
            await self._ended.wait()
        return self.stopping

    async def _give_up(self, actor: Actor, envelope: Envelope, error: Exception) -> list[Envelope]:
        """Commit the dead letter of a message, with the messages that close its step."""
        letter = DeadLetter(
            actor=actor.name,
            message=envelope.id,
            message_kind=envelope.message.kind,
            attempts=self._attempts,
            error=_describe(error),
            traceback="".join(traceback.format_exception(error)),
        )
        drafts = [Draft(letter, envelope.trace, envelope.step), *self._epitaph(actor, envelope, letter)]
        return await self._log.commit(actor.name, envelope, drafts)


def _describe(error: BaseException) -> str:
    """Type and message of an error; of the first inner error where task groups have wrapped it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def _stopping_error(error: BaseException) -> GomeError | None:
    """The LogError or Outage that this error is or contains; None where the handler itself failed.

    A LogError takes precedence, because retrying later does not resolve it.
    """
    if isinstance(error, LogError | Outage):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    inner = [found for each in error.exceptions if (found := _stopping_error(each)) is not None]
    return next((each for each in inner if isinstance(each, LogError)), inner[0] if inner else None)


def _apply(actor: Actor, envelopes: Iterable[Envelope]) -> None:
    """Apply messages. An actor that fails here has an invalid state, so there is no retry: raises LogError."""
    for envelope in envelopes:
        try:
            actor.apply(envelope)
        except Exception as error:
            raise LogError(
                f"{actor.name} cannot apply message {envelope.id} ({envelope.message.kind}): {_describe(error)}. "
                "This is a bug in gome; the log is intact. Report it with this message."
            ) from error
