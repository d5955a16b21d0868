"""The Director: opens traces and steps, watches the budget, calls the finish.

    RunOpened  ──► TraceOpened for each trace
    Diagnosis  ──► with `traces: auto`, TraceFolded for a trace that is behind, or TraceOpened where the best one stalls
    Diagnosis  ──► StepOpened where the budget allows one more, after a TraceRestarted where the trace stagnates;
                   FinishCalled when nothing is left in the air

Every step is opened here and nowhere else, so the budget is kept in one place, and lockstep's barrier is that a
step opens when every open trace has its diagnosis of the one before.
"""

import math
from collections.abc import Sequence

from gome.agents.method.ranking import default_shipping
from gome.agents.method.stages import stage_of
from gome.agents.method.trace_count import Racer, loser, opens_another, roots
from gome.agents.method.trace_order import in_order
from gome.agents.method.validation import compare
from gome.agents.protocol.backend_choice import Choices
from gome.agents.protocol.messages import (
    Diagnosis,
    Proposal,
    SolutionCompleted,
    StepOpened,
    TraceFolded,
    TraceOpened,
    TraceRestarted,
)
from gome.agents.protocol.run_messages import (
    DeadlineReached,
    FinishCalled,
    FinishRequested,
    RunOpened,
    SessionOpened,
    TrialsSpent,
)
from gome.agents.protocol.types import Challenge
from gome.agents.roles.role import Role, place
from gome.agents.state.backend_records import BackendRecords
from gome.agents.state.budget import Ledger, fit_finish
from gome.agents.state.finalists import chosen, pool
from gome.agents.state.kind_records import KindRecords
from gome.agents.state.pause import Pause
from gome.agents.state.trace_progress import TraceProgress
from gome.bus.actors.actor import Context
from gome.bus.events import ActivityFinished
from gome.bus.message import Draft, Envelope, Message
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.config.scenario import Budget

__all__ = ["Director"]

_KEPT = TraceRestarted.model_fields.keys() - {"kind", "reason"}
"""What a restart takes from the diagnosis of the solution that it continues from."""


class Director(Role):
    """Decides who may take another step, and when it is enough."""

    handles = frozenset(
        {
            *("run_opened", "session_opened", "proposal", "diagnosis"),
            *("finish_requested", "deadline_reached", "pause_requested"),
        }
    )
    notes = frozenset({"activity_finished", "solution_completed", "trial"})

    def __init__(self, artefacts: Artefacts) -> None:
        super().__init__("director", None, artefacts)
        self.traces: dict[int, TraceProgress] = {}
        self.busy: set[int] = set()
        self.roomy: set[int] = set()
        self.leader: Diagnosis | None = None
        self.survey: tuple[Challenge, ...] | None = None
        self.ledger = Ledger()
        self.records = KindRecords()
        self.backends = BackendRecords()
        self.finishing = False
        self.pause = Pause()
        self.slots = 1

    def remember(self, envelope: Envelope) -> None:
        """Keep what was opened, what came of it, and what it cost."""
        self.ledger.time = max(self.ledger.time, envelope.time)
        self.pause.heard(envelope.message)
        self._heard(envelope)
        self.records.heard(envelope, timed=self.scenario.timed)
        self.backends.heard(envelope)
        if envelope.trace is not None:
            self._sort(envelope.trace)

    def _sort(self, trace: int) -> None:
        """Keep `busy`, who has something in the air, and `roomy`, who may take a step.

        A thousand traces cannot all be looked through for each message.
        """
        state = self.traces[trace]
        (self.busy.discard if state.idle else self.busy.add)(trace)
        free = not state.closed and state.has_room(self.scenario.ahead, self.optimizer.keeps_all)
        (self.roomy.add if free else self.roomy.discard)(trace)

    def _heard(self, envelope: Envelope) -> None:
        match envelope.message:
            case RunOpened():
                self.ledger.budget = self.scenario.budget
                count = 1 if self.scenario.adapts else self.scenario.teams
                self.traces = {index: TraceProgress() for index in range(count)}
                self.busy = set(self.traces)
            case TraceOpened() if envelope.trace is not None:
                self.traces.setdefault(envelope.trace, TraceProgress())
            case TraceFolded() if envelope.trace is not None:
                self.traces[envelope.trace].folded = True
            case StepOpened():
                trace, step = place(envelope)
                self.traces[trace].opened = step
                self.traces[trace].unproposed.add(step)
                self.ledger.opened((trace, step))
            case Proposal():
                trace, step = place(envelope)
                self.traces[trace].unproposed.discard(step)
            case Diagnosis() as diagnosis:
                self._diagnosed(envelope, diagnosis)
            case TraceRestarted() as restart if envelope.trace is not None:
                state = self.traces[envelope.trace]
                state.since_accept, state.best_ref, state.best = 0, restart.script_ref, restart.evaluation
            case SolutionCompleted() as message if envelope.trace is not None:
                self._completed(self.traces[envelope.trace], message)
            case ActivityFinished() as activity:
                self.ledger.spend(activity.meter, place(envelope) if envelope.trace is not None else None)
            case _:
                self._concluded(envelope.message)

    def _concluded(self, message: Message) -> None:
        match message:
            case DeadlineReached() | FinishRequested():
                self.ledger.closed = True
            case FinishCalled():
                self.finishing = True
            case SessionOpened() as session:
                self.slots = session.slots
                if session.budget is not None:
                    self.ledger.rebudget(Budget.model_validate(session.budget))
                    self.finishing = False
            case _:
                pass

    def _diagnosed(self, envelope: Envelope, diagnosis: Diagnosis) -> None:
        trace, step = place(envelope)
        self.ledger.ended((trace, step))
        self.traces[trace].concluded(trace, step, diagnosis, keeps_all=self.optimizer.keeps_all)
        if diagnosis.verdict == "surveyed" and self.survey is None:
            self.survey = diagnosis.challenges
        if diagnosis.accepted and (self.leader is None or self._gain(diagnosis, self.leader) > 0):
            self.leader = diagnosis

    def _completed(self, state: TraceProgress, message: SolutionCompleted) -> None:
        """Take the figures of a solution on more splits."""
        state.completed(message)
        leader, found = self.leader, message.evaluation
        if leader and leader.evaluation and message.adds_to(leader.script_ref, leader.evaluation.splits):
            whole = {"evaluation": found, "score": found.score, "oof_ref": message.oof_ref}
            self.leader = leader.model_copy(update=whole | {"diagnostics_ref": message.diagnostics_ref})

    def _gain(self, diagnosis: Diagnosis, reference: Diagnosis) -> float:
        if diagnosis.evaluation is None or reference.evaluation is None:
            return -math.inf
        effect = compare(diagnosis.evaluation, reference.evaluation, self.opened.task.direction)
        return effect.gain if effect else -math.inf

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Open what may be opened; call the finish when nothing is left to wait for."""
        if isinstance(envelope.message, RunOpened):
            first = list(self.traces)[:1] if self.optimizer.structured else self.traces
            return [Draft(TraceOpened(), trace, 0, opens=True) for trace in first]
        if self.finishing:
            return []
        others = self._other_traces(envelope)
        if self.pause.on:
            return others
        opened = others or self._another_trace()
        folded = self._folded()
        steps = self._next_steps(folded) if not (opened and self.lockstep) else []
        if opened or steps:
            return [*opened, *folded, *steps]
        return [] if self.busy else [self._finish()]

    def _other_traces(self, envelope: Envelope) -> list[Draft]:
        """The task is surveyed once: the other traces begin with what the first one has found, if it has."""
        survey = envelope.message
        if not self.optimizer.structured or not isinstance(survey, Diagnosis) or place(envelope) != (0, 0):
            return []
        count = len(self.traces)
        if self.scenario.adapts:
            count = roots(self._trials_left, self.slots, self.scenario.method.traces)
        return [Draft(TraceOpened(challenges=self.survey), trace, 0, opens=True) for trace in range(1, count)]

    @property
    def _trials_left(self) -> float | None:
        return self.ledger.trials_left(timed=not self.lockstep)

    @property
    def _waits(self) -> bool:
        """Whether lockstep waits for a trace that has something in the air."""
        return self.lockstep and not all(self.traces[trace].closed for trace in self.busy)

    def _open_traces(self) -> dict[int, Racer]:
        return {trace: state.racing for trace, state in self.traces.items() if not state.closed}

    def _folded(self) -> list[Draft]:
        """The traces that are folded now. A step of theirs that is in the air comes to its end."""
        if not self.scenario.adapts or self._waits:
            return []
        traces, folded = self._open_traces(), []
        settings, direction = self.scenario.method.traces, self.opened.task.direction
        while (found := loser(traces, self._trials_left, direction, settings)) is not None:
            del traces[found[0]]
            folded.append(Draft(TraceFolded(reason=found[1]), found[0]))
        return folded

    def _another_trace(self) -> list[Draft]:
        """One more trace, with the survey of the first, where the best trace has stalled."""
        settings, count = self.scenario.method.traces, len(self.traces)
        if not self.scenario.adapts or self._waits or self.survey is None:
            return []
        if not opens_another(self._open_traces(), count, self._trials_left, self.opened.task.direction, settings):
            return []
        return [Draft(TraceOpened(challenges=self.survey), count, 0, opens=True)]

    def _next_steps(self, folded: Sequence[Draft]) -> list[Draft]:
        """Steps for the traces that have room for one; in lockstep only when all of them wait."""
        if self._waits:
            return []
        left_out = {draft.trace for draft in folded}
        wanted = [trace for trace in self._scheduled() if trace not in left_out]
        most = self.pause.most(len(wanted), whole=self.lockstep)
        opened = wanted[: self.ledger.steps_allowed(most, timed=not self.lockstep)]
        traces = len(self._open_traces()) - len(folded) if self.scenario.adapts else len(self.traces)
        steps = [
            draft
            for place, (trace, backends) in enumerate(zip(opened, self.backends.next(len(opened)), strict=True))
            for draft in self._open(trace, place, traces, backends)
        ]
        spent = opened and self.ledger.left(len(opened), traces).none
        return [*steps, Draft(TrialsSpent())] if spent else steps

    def _scheduled(self) -> Sequence[int]:
        """The traces that may step now, in the order of the scenario's scheduling."""
        settings, direction = self.scenario.method.scheduling, self.opened.task.direction
        standings = {trace: self.traces[trace].standing(direction) for trace in self.roomy}
        order = in_order(standings, settings, self.seed(0, self.ledger.trials, "schedule"))
        if settings.at_once is None:
            return order
        return order[: max(0, settings.at_once - sum(self.traces[trace].stepping for trace in self.busy))]

    def _restart(self, trace: int) -> TraceRestarted | None:
        """A restart of an idle trace long without an accept: from the best of all, or afresh if that is its own. [O]"""
        settings, state = self.scenario.method.stagnation, self.traces[trace]
        if self.optimizer.keeps_all or settings.steps is None or not state.idle or state.since_accept < settings.steps:
            return None
        source = self.leader if settings.restart == "best" and self.optimizer.remembers else None
        if source is not None and source.script_ref == state.best_ref:
            source = None
        if source is None and self.scenario.adapts:
            return None  # another trace is opened instead
        solution = {name: getattr(source, name) for name in _KEPT} if source else {}
        return TraceRestarted(reason=f"{state.since_accept} trials without an accept", **solution)

    def _open(self, trace: int, place: int, traces: int, backends: Choices) -> list[Draft]:
        """Open the trace's next step, the one at `place` (from 0) of those opened together, among `traces` traces."""
        restart, used = self._restart(trace), self.ledger.used(place, timed=not self.lockstep)
        left = self.ledger.left(place + 1, traces, timed=not self.lockstep)
        first = (restart.script_ref if restart else self.traces[trace].best_ref) is None
        stage = stage_of(used, self.scenario.method, first=first)
        opened = StepOpened(used=used, stage=stage, left=left, records=self.records.told, backends=backends)
        step = Draft(opened, trace, self.traces[trace].opened + 1, opens=True)
        return [Draft(restart, trace), step] if restart else [step]

    def _finish(self) -> Draft:
        """The best over all traces, a few a trace [I], as many seeds as time allows [P], and the ensemble's pool."""
        settings, direction, splits = self.scenario.method.finish, self.opened.task.direction, len(self.opened.splits)
        finalists = [each for trace in self.traces.values() for each in trace.finalists]
        refused = [each for trace in self.traces.values() for each in trace.refused]
        best = chosen(finalists, settings.per_trace, direction)
        whole = pool([*finalists, *refused], splits, direction)
        left = None if self.lockstep else self.ledger.time_left
        ship = default_shipping(self.opened.task.split).mode if settings.ship == "auto" else settings.ship
        members = min(self.scenario.members, len(whole) or 1)
        again = {"refit": 1, "mean": splits if settings.apart else 0}[ship]
        fitted = fit_finish(settings, best, left, self.slots, splits, members, again)
        finish = FinishCalled(
            finalists=tuple(best[: fitted.candidates]),
            seeds=fitted.seeds,
            reason=self.ledger.why(),
            compares=fitted.compares,
            pool=whole if fitted.members > 1 else (),
            members=fitted.members,
        )
        return Draft(finish)
