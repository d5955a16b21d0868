"""The Memory-Keeper: momentum. One for all traces.

It keeps the success memory (accepted hypotheses with feedback, gain and score) and what every trace has proposed,
and answers Candidates with a Recollection: the global best, hypotheses drawn by the interaction kernel, and until a
trace has its first accepted solution, what its siblings try.

In lockstep a trace at step t sees what all had accepted by t−1, whoever was faster; at the root, traces are answered
in index order, each with its predecessors' selected hypotheses, so a request may have to wait for a Proposal.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import anyio.to_thread

from agents.backends.base import Embedded, Embedder, Texts
from agents.embedding import Room, embed, unit_vectors
from agents.ideas import Hypothesis, Recalled
from agents.messages import Candidates, Diagnosis, Proposal, Recollection, TraceRestarted
from agents.momentum import draw, interaction, signed_gain
from agents.role import Role, place
from bus.actor import Context
from bus.artefacts import Artefacts
from bus.message import Draft, Envelope
from errors import ReplyInvalid

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MemoryKeeper"]

_ROOT = 1


@dataclass(frozen=True, slots=True)
class _Entry:
    """One accepted hypothesis; `id` is its Diagnosis and its place in it."""

    id: str
    trace: int
    step: int
    hypothesis: Hypothesis
    feedback: str
    gain: float
    score: float

    def recalled(self, weight: float | None) -> Recalled:
        return Recalled(
            id=self.id,
            trace=self.trace,
            step=self.step,
            hypothesis=self.hypothesis,
            feedback=self.feedback,
            gain=self.gain,
            score=self.score,
            weight=weight,
            why="global-best" if weight is None else "sampled",
        )


def _in_order(entry: _Entry) -> tuple[int, int, str]:
    return entry.step, entry.trace, entry.id


class MemoryKeeper(Role):
    """Answers every trace's candidates with what has proven itself anywhere."""

    handles = frozenset({"candidates", "proposal", "diagnosis"})
    notes = frozenset({"run_opened", "trace_restarted"})

    def __init__(self, artefacts: Artefacts, embedder: Embedder | None = None) -> None:
        super().__init__("memory-keeper", None, artefacts)
        self.embedder = embedder
        self.entries: list[_Entry] = []
        self.room = Room()
        self.proposed: dict[tuple[int, int], tuple[Hypothesis, ...]] = {}
        self.rooted: set[int] = set()
        self.accepted: set[int] = set()
        self.restarted: set[int] = set()
        self.waiting: dict[int, Candidates] = {}

    def remember(self, envelope: Envelope) -> None:
        """Add what was accepted and proposed; a root's candidates wait until they are answered."""
        match envelope.message:
            case Candidates() as candidates if place(envelope)[1] == _ROOT:
                self.waiting[place(envelope)[0]] = candidates
            case Recollection() if place(envelope)[1] == _ROOT:
                self.waiting.pop(place(envelope)[0], None)
            case Proposal() as proposal:
                trace, step = place(envelope)
                self.proposed[trace, step] = proposal.hypotheses
                if step == _ROOT:
                    self.rooted.add(trace)
            case Diagnosis() as diagnosis:
                self._diagnosed(envelope, diagnosis)
            case TraceRestarted(script_ref=None) if envelope.trace is not None:
                self.accepted.discard(envelope.trace)
                self.restarted.add(envelope.trace)
            case _:
                pass

    def _diagnosed(self, envelope: Envelope, diagnosis: Diagnosis) -> None:
        trace, step = place(envelope)
        if step == _ROOT:
            self.rooted.add(trace)
            self.waiting.pop(trace, None)
        if not diagnosis.accepted or diagnosis.score is None:
            return
        self.accepted.add(trace)
        gain = diagnosis.effect.gain if diagnosis.effect else 0.0
        for index, hypothesis in enumerate(diagnosis.hypotheses):
            name = f"{envelope.id}.{index}"
            entry = _Entry(name, trace, step, hypothesis, diagnosis.observations, gain, diagnosis.score)
            insort(self.entries, entry, key=_in_order)

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Answer candidates at once, except a lockstep root that must hear its predecessors first."""
        trace, step = place(envelope)
        if not self.optimizer.remembers:
            answered = isinstance(envelope.message, Candidates)
            return [Draft(Recollection(recalled=(), siblings=()), trace, step)] if answered else []
        if isinstance(envelope.message, Candidates) and not (self.lockstep and step == _ROOT):
            return [Draft(await self._recollect(trace, step, envelope.message, context), trace, step)]
        if not self.lockstep or step > _ROOT:
            return []
        return [
            Draft(await self._recollect(waiter, _ROOT, candidates, context), waiter, _ROOT)
            for waiter, candidates in sorted(self.waiting.items())
            if all(predecessor in self.rooted for predecessor in range(waiter))
        ]

    async def _recollect(self, trace: int, step: int, candidates: Candidates, context: Context) -> Recollection:
        seen = bisect_left(self.entries, (step, -1, ""), key=_in_order) if self.lockstep else len(self.entries)
        entries = self.entries[:seen]
        recalled: tuple[Recalled, ...] = ()
        if entries:
            vectors = await self._vectors(entries, candidates, context)
            # In a thread: the first use imports torch, which takes seconds.
            recalled = await anyio.to_thread.run_sync(self._recall, entries, trace, step, candidates, vectors)
        return Recollection(
            recalled=recalled,
            siblings=() if trace in self.accepted else self._siblings(trace, step),
        )

    async def _vectors(
        self, entries: Sequence[_Entry], candidates: Candidates, context: Context
    ) -> dict[str, tuple[float, ...]] | None:
        """Each statement's vector by the scenario's model, a recorded activity; None where words are hashed instead.

        Raises ReplyInvalid where the model gives none.
        """
        settings = self.scenario.roles.memory_keeper
        if self.embedder is None or settings.model is None:
            return None
        statements = [entry.hypothesis.statement for entry in entries] + [
            hypothesis.statement for hypothesis in candidates.hypotheses
        ]
        request = Texts(model=settings.model, texts=tuple(dict.fromkeys(statements)), price=settings.price)
        call = partial(self.embedder.embed, request)
        embedded = await context.perform("embed", request, Embedded, call, label="embedding")
        if embedded.failure:
            raise ReplyInvalid(embedded.failure)
        return dict(zip(request.texts, embedded.vectors, strict=True))

    def _siblings(self, trace: int, step: int) -> tuple[Hypothesis, ...]:
        """What other traces have proposed [P]: in lockstep in earlier steps, and at the root by predecessors.

        A trace that began afresh is also to differ from what it tried before.
        """
        return tuple(
            hypothesis
            for (other, when), hypotheses in sorted(self.proposed.items())
            if (other != trace or (trace in self.restarted and when < step))
            and (not self.lockstep or when < step or (when == step == _ROOT and other < trace))
            for hypothesis in hypotheses
        )

    def _recall(
        self,
        entries: Sequence[_Entry],
        trace: int,
        step: int,
        candidates: Candidates,
        vectors: dict[str, tuple[float, ...]] | None,
    ) -> tuple[Recalled, ...]:
        method, direction = self.scenario.method, self.opened.task.direction

        def embedded(hypotheses: Iterable[Hypothesis], room: Room | None = None) -> "Tensor":
            statements = [hypothesis.statement for hypothesis in hypotheses]
            return embed(statements, room) if vectors is None else unit_vectors([vectors[each] for each in statements])

        best = max(entries, key=lambda entry: signed_gain(entry.score, 0.0, direction))
        probabilities = interaction(
            embedded(candidates.hypotheses),
            embedded((entry.hypothesis for entry in entries), self.room),
            [entry.score for entry in entries],
            candidates.best_score,
            direction,
            candidates.path_length,
            method,
        )
        drawn = draw(probabilities, method.draws, method.recalled, self.seed(trace, step, "recall"))
        sampled = [entries[index].recalled(weight) for index, weight in drawn.items() if entries[index] is not best]
        return (best.recalled(None), *sampled)
