"""Runs the actors of a log: restores them, feeds each its mailbox, retries, buries what cannot be handled, drains.

    restore ──► serve every actor ──► `until` is seen, or stop(), or a failure ──► drain ──► return or raise
                  │
                  └─ a handler's exception: again after a pause, `attempts` times in all ──► dead letter and epitaph

An outage is not the message's fault: it stops the run in order, and the message is handled when the run is resumed.
"""

import asyncio
import traceback
from collections.abc import Callable, Iterable, Sequence

import anyio

from gome.bus.actors.activity import LiveContext, Recorded, recorded
from gome.bus.actors.actor import Actor
from gome.bus.actors.turns import Turns, is_output
from gome.bus.events import DeadLetter
from gome.bus.log import Log, Mailbox
from gome.bus.message import Draft, Envelope, Subscription
from gome.bus.store.artefacts import Artefacts
from gome.bus.telemetry import Telemetry
from gome.errors import GomeError, LogError, Outage

__all__ = ["Epitaph", "Supervisor"]

Epitaph = Callable[[Actor, Envelope, DeadLetter], Sequence[Draft]]
"""What is said for a message that its actor could not handle, after the dead letter."""

GRACE = 30.0
PAGE = 1000


def _no_conclusion(actor: Actor, envelope: Envelope, letter: DeadLetter) -> Sequence[Draft]:  # noqa: ARG001 - an Epitaph
    return ()


class Supervisor:
    """Supervises one run in this process. `run` may be called once."""

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
        accept_changes: bool = False,
    ) -> None:
        """`backoff` is the pause in seconds before the first retry, doubled for each further; `grace` as in `stop`."""
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
        self._accept_changes = accept_changes
        self._mailboxes: list[Mailbox] = []
        self._known: dict[tuple[str, str], dict[int, Recorded]] = {}
        self._ended = anyio.Event()
        self._scope = anyio.CancelScope()
        self._restored = 0
        self._found: Envelope | None = None
        self._failure: GomeError | None = None
        self._started = False

    async def run(self, until: Callable[[Envelope], bool]) -> Envelope | None:
        """Run until a message for which `until` is true; it may stand in the log already. None after `stop`.

        Handlers in progress then get `grace` seconds to end; nothing more is delivered. Raises Outage, ActivityChanged
        and every other LogError that a handler met, after the same draining.
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
        """Deliver nothing more; handlers in progress get `grace` seconds, then are cancelled.

        May be called from a callback of the event loop, and again to shorten the grace.
        """
        self._ended.set()
        for mailbox in self._mailboxes:
            mailbox.close()
        now = asyncio.get_running_loop().time()
        self._scope.deadline = min(self._scope.deadline, now + (self._grace if grace is None else grace))

    async def _restore(self, until: Callable[[Envelope], bool]) -> Envelope | None:
        """Fold the log into the actors and open their mailboxes; the message for which `until` is true, if there."""
        head = self._log.head
        turns = Turns(self._actors, self._log.cursors, await self._log.answers())
        place = 0
        while place < head:
            page = await self._log.read(place, head, limit=PAGE)
            for envelope in page:
                for turn in turns.feed(envelope):
                    _fold(turn.actor, turn.folded)
                if until(envelope):
                    return envelope
            place = page[-1].seq if page else head
        self._restored = head
        self._known = {key: recorded(envelopes) for key, envelopes in turns.activities.items()}
        self._mailboxes = [
            self._log.subscribe(actor.subscription, turns.resume_after.get(actor.name, head)) for actor in self._actors
        ]
        if self._ended.is_set():
            self.stop()
        return None

    async def _serve_all(self, until: Callable[[Envelope], bool]) -> None:
        everything = Subscription(frozenset(self._log.vocabulary.classes))
        watched = self._log.subscribe(everything, self._restored)
        with self._scope:
            async with anyio.create_task_group() as watching:
                watching.start_soon(self._watch, watched, until)
                async with anyio.create_task_group() as serving:
                    for actor, mailbox in zip(self._actors, self._mailboxes, strict=True):
                        serving.start_soon(self._serve, actor, mailbox)
                watched.close()
        watched.close()

    async def _watch(self, mailbox: Mailbox, until: Callable[[Envelope], bool]) -> None:
        """Look for the message that ends the run, in what handlers in progress still say too."""
        try:
            while self._found is None and (envelope := await mailbox.next()) is not None:
                if until(envelope):
                    self._found = envelope
                    self.stop()
        except (LogError, Outage) as error:
            self._fail(error)

    async def _serve(self, actor: Actor, mailbox: Mailbox) -> None:
        try:
            while (envelope := await mailbox.next()) is not None:
                if not is_output(envelope, actor.name):  # what it said itself was applied then
                    _fold(actor, [envelope])
                if envelope.message.kind in actor.handles:
                    await self._take_turn(actor, envelope)
        except Exception as error:
            failure = _world_failure(error)
            if failure is None:
                raise
            self._fail(failure)

    def _fail(self, failure: GomeError) -> None:
        """The run cannot go on: stop it in order, and raise the first failure at its end."""
        if self._failure is None or (isinstance(failure, LogError) and not isinstance(self._failure, LogError)):
            self._failure = failure
        self.stop()

    async def _take_turn(self, actor: Actor, envelope: Envelope) -> None:
        """Handle a message and commit what comes of it. Leaves it for the next process when the run ends meanwhile."""
        message = envelope.message
        known = self._known.pop((actor.name, envelope.id), {})
        self._telemetry.tell(
            actor.name, "handle.begin", kind=message.kind, message=envelope.id, trace=envelope.trace, step=envelope.step
        )
        try:
            for attempt in range(1, self._attempts + 1):
                context = LiveContext(
                    actor.name, envelope, known, self._log, self._artefacts, self._telemetry, self._accept_changes
                )
                try:
                    said = await self._log.commit(actor.name, envelope, await actor.handle(envelope, context))
                except Exception as error:
                    if _world_failure(error) is not None:
                        raise
                    if attempt == self._attempts:
                        said = await self._bury(actor, envelope, error)
                    elif await self._pause(actor, attempt, error):
                        return
                    else:
                        continue
                _fold(actor, said)
                return
        finally:
            self._telemetry.tell(actor.name, "handle.end", kind=message.kind, message=envelope.id)

    async def _pause(self, actor: Actor, attempt: int, error: Exception) -> bool:
        """Wait before the next attempt; True when the run ended in the meantime."""
        self._telemetry.tell(actor.name, "handle.failed", attempt=attempt, error=_words(error))
        with anyio.move_on_after(self._backoff * 2 ** (attempt - 1)):
            await self._ended.wait()
        return self._ended.is_set()

    async def _bury(self, actor: Actor, envelope: Envelope, error: Exception) -> list[Envelope]:
        letter = DeadLetter(
            actor=actor.name,
            message=envelope.id,
            message_kind=envelope.message.kind,
            attempts=self._attempts,
            error=_words(error),
            traceback="".join(traceback.format_exception(error)),
        )
        drafts = [Draft(letter, envelope.trace, envelope.step), *self._epitaph(actor, envelope, letter)]
        return await self._log.commit(actor.name, envelope, drafts)


def _words(error: BaseException) -> str:
    """What went wrong, from within the groups that task groups put around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def _world_failure(error: BaseException) -> GomeError | None:
    """The failure of the world or of the log that this is, or holds; None where it is the handler's own.

    One of the log goes before an outage, since it does not pass by itself.
    """
    if isinstance(error, LogError | Outage):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    inner = [found for each in error.exceptions if (found := _world_failure(each)) is not None]
    return next((each for each in inner if isinstance(each, LogError)), inner[0] if inner else None)


def _fold(actor: Actor, envelopes: Iterable[Envelope]) -> None:
    """Apply messages. An actor that cannot has lost its state, which no retry mends."""
    for envelope in envelopes:
        try:
            actor.apply(envelope)
        except Exception as error:
            raise LogError(
                f"{actor.name} cannot fold message {envelope.id} ({envelope.message.kind}): {_words(error)}. "
                "This is a bug; the log is unharmed."
            ) from error
