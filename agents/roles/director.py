"""The Director: opens traces and steps, watches the budget, calls the finish.

    RunOpened  ──► TraceOpened for each trace
    Diagnosis  ──► StepOpened where the budget allows one more, after a TraceRestarted where the trace stagnates;
                   FinishCalled when nothing is left in the air

Every step is opened here and nowhere else, so the budget is kept in one place, and lockstep's barrier is that a
step opens when every open trace has its diagnosis of the one before.
"""

import math
from collections import Counter
from collections.abc import Sequence

from gome.agents.method.momentum import signed_gain
from gome.agents.method.ranking import default_shipping
from gome.agents.method.stages import stage_of
from gome.agents.method.trace_order import in_order
from gome.agents.protocol.finish_types import Finalist
from gome.agents.protocol.messages import (
    Diagnosis,
    Proposal,
    SolutionCompleted,
    StepOpened,
    TraceOpened,
    TraceRestarted,
)
from gome.agents.protocol.run_messages import DeadlineReached, FinishCalled, FinishRequested, RunOpened, SessionOpened
from gome.agents.roles.role import Role, place
from gome.agents.state.budget import Ledger, fit_finish
from gome.agents.state.trace_progress import TraceProgress
from gome.bus.actors.actor import Context
from gome.bus.events import ActivityFinished
from gome.bus.message import Draft, Envelope, Message
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.config.scenario import Budget

__all__ = ["Director"]

_MEMBERS = 6
"""Default limit of an ensemble's members; each costs a run when new rows are predicted."""
_POOL = 24
"""Candidates of an ensemble: the time of the selection grows with them."""


class Director(Role):
    """Decides who may take another step, and when it is enough."""

    handles = frozenset(
        {"run_opened", "session_opened", "proposal", "diagnosis", "finish_requested", "deadline_reached"}
    )
    notes = frozenset({"activity_finished", "solution_completed"})

    def __init__(self, artefacts: Artefacts) -> None:
        super().__init__("director", None, artefacts)
        self.traces: dict[int, TraceProgress] = {}
        self.busy: set[int] = set()
        self.roomy: set[int] = set()
        self.leader: Diagnosis | None = None
        self.ledger = Ledger()
        self.finishing = False
        self.slots = 1

    def remember(self, envelope: Envelope) -> None:
        """Keep what was opened, what came of it, and what it cost."""
        self.ledger.time = max(self.ledger.time, envelope.time)
        self._heard(envelope)
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
                self.traces = {index: TraceProgress() for index in range(self.scenario.teams)}
                self.busy = set(self.traces)
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
                state.since_accept, state.best_ref = 0, restart.script_ref
            case SolutionCompleted() as completed if envelope.trace is not None:
                self._completed(self.traces[envelope.trace], completed)
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
        state = self.traces[trace]
        state.diagnosed += 1
        state.unproposed.discard(step)
        self.ledger.ended((trace, step))
        state.dead_in_a_row = state.dead_in_a_row + 1 if diagnosis.verdict == "dead" else 0
        state.since_accept = 0 if diagnosis.accepted else state.since_accept + (diagnosis.verdict != "surveyed")
        if diagnosis.accepted:
            state.best_ref = diagnosis.script_ref
            if self.leader is None or self._gain(diagnosis, self.leader) > 0:
                self.leader = diagnosis
        stopped_early = diagnosis.evaluation is not None and diagnosis.evaluation.partial
        kept = diagnosis.accepted or (self.optimizer.keeps_all and not stopped_early)
        if diagnosis.score is not None and diagnosis.script_ref and diagnosis.submission_ref:
            (state.finalists if kept else state.refused).append(
                Finalist(
                    trace=trace,
                    step=step,
                    script_ref=diagnosis.script_ref,
                    submission_ref=diagnosis.submission_ref,
                    score=diagnosis.score,
                    standard_error=diagnosis.evaluation.standard_error if diagnosis.evaluation else None,
                    seconds=diagnosis.seconds,
                    splits=diagnosis.evaluation.splits if diagnosis.evaluation else (),
                    oof_ref=diagnosis.oof_ref,
                )
            )

    def _completed(self, state: TraceProgress, completed: SolutionCompleted) -> None:
        """The finalist with all of its splits; its submission is then the mean of all of their models."""
        whole = completed.evaluation
        state.finalists = [
            each.model_copy(
                update={
                    "submission_ref": completed.submission_ref,
                    "oof_ref": completed.oof_ref,
                    "score": whole.score,
                    "standard_error": whole.standard_error,
                    "splits": whole.splits,
                }
            )
            if each.script_ref == completed.script_ref and whole.score is not None
            else each
            for each in state.finalists
        ]

    def _gain(self, diagnosis: Diagnosis, reference: Diagnosis) -> float:
        if diagnosis.score is None or reference.score is None:
            return -math.inf
        return signed_gain(diagnosis.score, reference.score, self.opened.task.direction)

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Open what may be opened; call the finish when nothing is left to wait for."""
        if isinstance(envelope.message, RunOpened):
            first = list(self.traces)[:1] if self.optimizer.structured else self.traces
            return [Draft(TraceOpened(), trace, 0, opens=True) for trace in first]
        if self.finishing:
            return []
        opened = self._other_traces(envelope)
        steps = self._next_steps()
        if opened or steps:
            return [*opened, *steps]
        return [] if self.busy else [self._finish()]

    def _other_traces(self, envelope: Envelope) -> list[Draft]:
        """The task is surveyed once: the other traces begin with what the first one has found, if it has."""
        survey = envelope.message
        if not self.optimizer.structured or not isinstance(survey, Diagnosis) or place(envelope) != (0, 0):
            return []
        found = survey.challenges if survey.verdict == "surveyed" else None
        return [Draft(TraceOpened(challenges=found), trace, 0, opens=True) for trace in self.traces if trace]

    def _next_steps(self) -> list[Draft]:
        """Steps for the traces that have room for one; in lockstep only when all of them wait."""
        if self.lockstep and not all(self.traces[trace].closed for trace in self.busy):
            return []
        wanted = self._scheduled()
        opened = wanted[: self.ledger.steps_allowed(len(wanted), timed=not self.lockstep)]
        return [
            draft
            for place, trace in enumerate(opened)
            for draft in (*self._restart(trace), self._open(trace, self.traces[trace].opened + 1, place, len(opened)))
        ]

    def _scheduled(self) -> Sequence[int]:
        """The traces that may step now, in the order of the scenario's scheduling."""
        settings, direction = self.scenario.method.scheduling, self.opened.task.direction
        standings = {trace: self.traces[trace].standing(direction) for trace in self.roomy}
        order = in_order(standings, settings, self.seed(0, self.ledger.trials, "schedule"))
        if settings.at_once is None:
            return order
        return order[: max(0, settings.at_once - sum(self.traces[trace].stepping for trace in self.busy))]

    def _restart(self, trace: int) -> Sequence[Draft]:
        """A restart before the next step, where the trace has long had no accept and nothing of it is in the air. [O]

        It goes on from the best of all traces, or begins afresh where that is its own or the setting says so.
        """
        settings, state = self.scenario.method.stagnation, self.traces[trace]
        if self.optimizer.keeps_all or settings.steps is None or not state.idle or state.since_accept < settings.steps:
            return ()
        source = self.leader if settings.restart == "best" and self.optimizer.remembers else None
        if source is not None and source.script_ref == state.best_ref:
            source = None
        restart = TraceRestarted(
            reason=f"{state.since_accept} trials without an accept",
            script_ref=source.script_ref if source else None,
            evaluation=source.evaluation if source else None,
            seconds=source.seconds if source else 0.0,
            challenges=source.challenges if source else (),
        )
        return (Draft(restart, trace),)

    def _open(self, trace: int, step: int, place: int, together: int) -> Draft:
        """Open a step, the one at `place` (from 0) of those that are opened `together`."""
        timed = not self.lockstep
        used = self.ledger.used(place, timed=timed)
        left = self.ledger.left(place + 1, len(self.traces), timed=timed)
        left = left.model_copy(update={"over": self.ledger.left(together, len(self.traces), timed=timed).none})
        opened = StepOpened(used=used, stage=stage_of(used, self.scenario.method), left=left)
        return Draft(opened, trace, step, opens=True)

    def _place(self, finalist: Finalist) -> tuple[float, int, int]:
        """Where a solution stands among all: the best score first, then the earliest."""
        return -signed_gain(finalist.score, 0.0, self.opened.task.direction), finalist.step, finalist.trace

    def _finish(self) -> Draft:
        """The best over all traces, a few a trace [I], as many seeds as the time allows [P], and the ensemble's pool.

        Traces that learn from each other may come to the same predictions; these run again once.
        """
        settings = self.scenario.method.finish
        distinct: dict[str, Finalist] = {}
        for finalist in sorted((each for trace in self.traces.values() for each in trace.finalists), key=self._place):
            distinct.setdefault(finalist.submission_ref, finalist)
        taken: Counter[int] = Counter()
        chosen: list[Finalist] = []
        for finalist in distinct.values():
            taken[finalist.trace] += 1
            if taken[finalist.trace] <= settings.per_trace:
                chosen.append(finalist)
        left = None if self.lockstep else self.ledger.time_left
        ship = default_shipping(self.opened.task.split).mode if settings.ship == "auto" else settings.ship
        pool = self._pool()
        members = min(settings.ensemble or (1 if self.scenario.is_control else _MEMBERS), len(pool) or 1)
        splits = len(self.opened.splits)
        fitted = fit_finish(settings, chosen, left, self.slots, splits, members, refits=ship == "refit")
        finish = FinishCalled(
            finalists=tuple(chosen[: fitted.candidates]),
            seeds=fitted.seeds,
            reason=self.ledger.why(),
            compares=fitted.compares,
            pool=pool if fitted.members > 1 else (),
            members=fitted.members,
        )
        return Draft(finish)

    def _pool(self) -> tuple[Finalist, ...]:
        """The best solutions that ran on all splits, no two with the same predictions: candidates of an ensemble."""
        solutions = (each for trace in self.traces.values() for each in (*trace.finalists, *trace.refused))
        whole = [each for each in solutions if each.oof_ref and len(each.splits) == len(self.opened.splits)]
        distinct = {each.submission_ref: each for each in sorted(whole, key=self._place, reverse=True)}
        return tuple(sorted(distinct.values(), key=self._place))[:_POOL]
