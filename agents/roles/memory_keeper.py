"""The Memory-Keeper, one for all traces: sends each step what the run knows (the momentum).

StepOpened ──► what the run knows that may help this step ──► Recollection

The content comes from `agents/state/memory.py`: accepted changes of other traces, drawn by the interaction kernel,
failures, findings, the best of every trace, and what other steps are trying now.

In lockstep a step sees the memory at the opening of its round, and the steps of a round are answered one after the
other in log order, each with the proposals of those before it; a step may therefore wait for a Proposal. Up to four
traces are answered one after the other in other modes too, with the memory at the time of the answer.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import anyio.to_thread

from gome.agents.backends.base import Embedded, Embedder, Texts
from gome.agents.method.embedding import Room, embed, unit_vectors
from gome.agents.method.momentum import Matrix
from gome.agents.protocol.activities import EMBEDDING
from gome.agents.protocol.messages import Diagnosis, Proposal, Recollection, StepOpened
from gome.agents.protocol.types import Recalled, TraceBest, Underway
from gome.agents.roles.role import NOT_ASKED, Role, no_answer, place, unfinished
from gome.agents.state.deadline import Ending
from gome.agents.state.memory import Memory
from gome.agents.state.memory_entries import Picture, challenged, recall
from gome.bus.actors.actor import Context
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.errors import NotAsked

__all__ = ["MemoryKeeper"]

Place = tuple[int, int]
"""(trace, step)."""
_FEW = 4
"""Up to this number of traces propose one after the other, so that each sees the others' ideas, at the cost of time."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A step without an answer yet, with the memory at its opening."""

    place: Place
    picture: Picture


class MemoryKeeper(Role):
    """Sends a Recollection to every step."""

    handles = frozenset({"step_opened", "proposal", "diagnosis"})
    notes = frozenset({"run_opened", "trace_restarted", "solution_completed", "repair_called", "job"})

    def __init__(self, artefacts: Artefacts, embedder: Embedder | None = None, ending: Ending | None = None) -> None:
        super().__init__("memory-keeper", None, artefacts)
        self.embedder = embedder
        self.ending = ending or Ending()
        self.memory = Memory()
        self.room = Room()
        self.underway: dict[Place, Proposal] = {}
        self.landed: list[Place] = []
        self.waiting: deque[_Waiting] = deque()
        self.answered: Place | None = None

    def remember(self, envelope: Envelope) -> None:
        """Update the memory and the list of running steps."""
        self.memory.heard(envelope)
        match envelope.message:
            case StepOpened():
                # A round is opened at once, so that steps finished by now belong to earlier rounds.
                for landed in self.landed:
                    self.underway.pop(landed, None)
                self.landed.clear()
                if self._in_turn:
                    self.waiting.append(_Waiting(place(envelope), self.memory.picture(place(envelope)[0])))
            case Recollection() if self.waiting and self.waiting[0].place == place(envelope):
                self.answered = self.waiting.popleft().place
            case Proposal() as proposal:
                self.underway[place(envelope)] = proposal
                self._went_on(place(envelope))
            case Diagnosis():
                if self.lockstep:
                    self.landed.append(place(envelope))
                else:
                    self.underway.pop(place(envelope), None)
                self._went_on(place(envelope))
            case _:
                pass

    def _went_on(self, where: Place) -> None:
        """The last answered step has its proposal, or has ended: the next one may be answered."""
        if self.answered == where:
            self.answered = None
        elif self.waiting and self.waiting[0].place == where:
            self.waiting.popleft()  # it ended before it was answered

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Answer a step at once, or in turn, once the steps before it have their proposals."""
        where = place(envelope)
        if isinstance(envelope.message, StepOpened) and not self._in_turn:
            return [await self._answer(where, self.memory.picture(where[0]), context)]
        if self.answered is not None or not self.waiting:
            return []
        head = self.waiting[0]
        picture = head.picture if self.lockstep else self.memory.picture(head.place[0])
        return [await self._answer(head.place, picture, context)]

    @property
    def _in_turn(self) -> bool:
        """Whether a step waits for the proposals of those before it: in lockstep, or with at most four traces.

        Where nothing is shared between traces, a step is told nothing, and needs to wait for nothing.
        """
        return self.lockstep or (self.optimizer.remembers and self.scenario.traces_at_once <= _FEW)

    async def _answer(self, where: Place, picture: Picture, context: Context) -> Draft:
        trace, step = where
        if not self.optimizer.remembers:
            return Draft(Recollection(), trace, step)
        recalled: tuple[Recalled, ...] = ()
        if picture.successes:
            try:
                vectors = await self._vectors(picture, context)
            except NotAsked as end:
                return unfinished(where, f"not proposed: {end}")
            recalled = await anyio.to_thread.run_sync(self._recall, picture, where, vectors)
        said = Recollection(
            recalled=recalled,
            failures=picture.failures,
            findings=picture.findings,
            standings=tuple(map(self._as_timed, picture.standings)),
            underway=tuple(
                Underway(trace=other, step=at, hypotheses=proposal.hypotheses)
                for (other, at), proposal in sorted(self.underway.items())
            ),
            siblings=self.memory.siblings(trace),
        )
        return Draft(said, trace, step)

    def _as_timed(self, best: TraceBest) -> TraceBest:
        times = {"seconds": self.timed(best.seconds), "cpu_seconds": self.timed(best.cpu_seconds)}
        return best.model_copy(update=times)

    async def _vectors(self, picture: Picture, context: Context) -> dict[str, tuple[float, ...]] | None:
        """Embed the statements by the scenario's model, as a recorded activity; None where words are hashed instead.

        Raises ReplyInvalid where the model fails, and NotAsked where it is not asked.
        """
        settings, embedder = self.scenario.roles.memory_keeper, self.embedder
        if embedder is None or settings.model is None:
            return None

        async def call() -> Embedded:
            if self.ending.why:
                return Embedded(failure=self.ending.why, meter=NOT_ASKED)
            return await embedder.embed(request)

        statements = [*(each.statement for each in picture.successes), *challenged(picture)]
        request = Texts(model=settings.model, texts=tuple(dict.fromkeys(statements)), price=settings.price)
        embedded = await context.perform(EMBEDDING, request, Embedded, call, label="embedding")
        if embedded.failure:
            raise no_answer(embedded.failure, embedded.meter)
        return dict(zip(request.texts, embedded.vectors, strict=True))

    def _recall(
        self, picture: Picture, where: Place, vectors: dict[str, tuple[float, ...]] | None
    ) -> tuple[Recalled, ...]:
        def embedded(statements: Sequence[str], accepted: bool) -> Matrix:
            if vectors is not None:
                return unit_vectors([vectors[each] for each in statements])
            return embed(statements, self.room if accepted else None)

        direction, seed = self.opened.task.direction, self.seed(*where, "recall")
        return recall(picture, self.scenario.method, direction, seed, embedded)
