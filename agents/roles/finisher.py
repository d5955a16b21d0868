"""The Finisher: the hold-out decides.

    FinishCalled ──► every finalist again, several seeds, on data without the hold-out's labels ──► who wins
                 ──► an ensemble of all trials that are complete, where it is better out of fold
                 ──► the winner's splits again, without the hold-out ──► how it is submitted ──► RunFinished

What ships is the winner's, or the ensemble's: in each case either the mean of the models of the splits, which is there
already, or a refit on all rows. Where the hold-out is set apart, the models of a mean are made anew, on the splits of
all rows: only now, when nothing is decided by the hold-out any more, do scripts get its labels. The private grade is
computed after the choice.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

import anyio

from gome.agents.method.ranking import candidates_of, choose_shipping, default_shipping, rank, rank_ensemble, why
from gome.agents.protocol.final_selection import Ensemble, Finalist, FinalRanking, Shipped
from gome.agents.protocol.messages import Diagnosis
from gome.agents.protocol.run_messages import FinishCalled, RunFinished
from gome.agents.protocol.types import Record
from gome.agents.roles.role import Role
from gome.agents.scripts.script_run import FINISH, Forward, ScriptRan, finish_run, run_script, shipped_views
from gome.bus.actors.actor import ActivityResult, Context
from gome.bus.events import DeadLetter
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.evidence import Evaluation, Grade

__all__ = [
    "Averaged",
    "Averaging",
    "Blended",
    "Blending",
    "Ensembled",
    "Ensembling",
    "Finisher",
    "Graded",
    "Grader",
    "Grading",
    "Mixer",
]


class Grading(Record):
    """A submission to be graded."""

    submission_ref: str


class Graded(ActivityResult):
    """Its grade; None where the task has no private answers."""

    grade: Grade | None


class Blending(Record):
    """Predictions on views without the hold-out's labels, whose mean is to be scored on it."""

    predictions_refs: tuple[str, ...]


class Blended(ActivityResult):
    """What the mean is worth on the hold-out."""

    evaluation: Evaluation


class Ensembling(Record):
    """Out-of-fold predictions of candidates, the winner's first, for an ensemble of at most `most` members."""

    oof_refs: tuple[str, ...]
    most: int


class Ensembled(ActivityResult):
    """One weight per candidate, with the evaluations of the ensemble and of the winner alone; empty if none can be."""

    weights: tuple[float, ...] = ()
    evaluation: Evaluation | None = None
    single: Evaluation | None = None


class Averaging(Record):
    """Submissions to be averaged with these weights."""

    submission_refs: tuple[str, ...]
    weights: tuple[float, ...]


class Averaged(ActivityResult):
    """Their mean, a submission."""

    submission_ref: str


Grader = Callable[[Grading], Awaitable[Graded]]


class Mixer(Protocol):
    """Who takes means of predictions: the harness."""

    async def blend(self, request: Blending) -> Blended:
        """Score a mean on the hold-out."""

    async def ensemble(self, request: Ensembling) -> Ensembled:
        """Select an ensemble."""

    async def average(self, request: Averaging) -> Averaged:
        """The mean of submissions."""


class Finisher(Role):
    """Re-runs the finalists, names the winner, and makes what is submitted."""

    handles = frozenset({"finish_called"})
    notes = frozenset({"run_opened", "diagnosis", "dead_letter"})

    def __init__(self, forward: Forward, grader: Grader, mixer: Mixer, artefacts: Artefacts) -> None:
        super().__init__("finisher", None, artefacts)
        self.forward = forward
        self.grader = grader
        self.mixer = mixer
        self.trials = self.accepted = self.dead_letters = 0

    def remember(self, envelope: Envelope) -> None:
        """Count what came of the steps."""
        match envelope.message:
            case Diagnosis(verdict="surveyed"):
                pass
            case Diagnosis() as diagnosis:
                self.trials += 1
                self.accepted += diagnosis.accepted
            case DeadLetter():
                self.dead_letters += 1
            case _:
                pass

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Run, rank, select an ensemble, grade."""
        call = envelope.message
        if not isinstance(call, FinishCalled):
            raise TypeError(f"a finisher handles finish_called, not {envelope.kind}")
        settings = self.scenario.method.finish
        reruns = await self._rerun(call, context)
        evaluations = [[ran.evaluation if ran else None for ran in row] for row in reruns]
        ranking = rank(call.finalists, evaluations, self.opened.task.direction, settings.misaligned)
        by_finalist = dict(zip(call.finalists, reruns, strict=True))
        ensemble = await self._ensemble(ranking, call, context)
        winner = ranking[0].finalist if ranking else None
        finished = RunFinished(
            winner=winner,
            ranking=ranking,
            ensemble=ensemble,
            why=why(ranking, ensemble, call.reason),
            grade=None,
            trials=self.trials,
            accepted=self.accepted,
            dead_letters=self.dead_letters,
        )
        if winner is None:
            return [Draft(finished)]
        shipped = await self._shipping(winner, by_finalist[winner], call, context)
        shipped, submission_ref = await self._submission(finished, shipped, context)
        grade = await self._grade(submission_ref, context)
        return [
            Draft(finished.model_copy(update={"shipped": shipped, "submission_ref": submission_ref, "grade": grade}))
        ]

    async def _rerun(self, call: FinishCalled, context: Context) -> list[list[ScriptRan | None]]:
        """The re-runs on the hold-out, a row a finalist and a column a seed; None where one failed.

        A task that the harness cannot split has no hold-out.
        """
        if self.opened.task.split.kind == "own":
            return [[] for _ in call.finalists]
        asked = [(finalist, "holdout", column) for finalist in call.finalists for column in range(call.seeds)]
        ran = await self._run_all(asked, context)
        return [ran[row * call.seeds : (row + 1) * call.seeds] for row in range(len(call.finalists))]

    async def _run_all(self, asked: Sequence[tuple[Finalist, str, int]], context: Context) -> list[ScriptRan | None]:
        """Runs of finalists on views, side by side; a seed counts from that of the trials. None where one failed."""
        outcomes: list[ScriptRan | None] = [None] * len(asked)

        async def run(place: int, finalist: Finalist, view: str, column: int) -> None:
            request = finish_run(self.scenario, finalist.script_ref, view, column)
            label = f"{view} run of {finalist.trace}.{finalist.step}, seed {request.seed}"
            owner = f"{self.name}-{finalist.trace}.{finalist.step}"
            ran = await run_script(self.forward, request, owner, context, label, turn=FINISH)
            outcomes[place] = ran if ran.good else None

        # Tasks start in the order they are given, so each run gets the same ordinal at every delivery.
        async with anyio.create_task_group() as group:
            for place, each in enumerate(asked):
                group.start_soon(run, place, *each)
        return outcomes

    async def _ensemble(self, ranking: Sequence[FinalRanking], call: FinishCalled, context: Context) -> Ensemble | None:
        """The ensemble of the trials that are complete. [L]"""
        candidates = candidates_of(ranking, call.pool)
        refs = tuple(each.oof_ref for each in candidates if each.oof_ref is not None)
        if len(refs) < 2:
            return None
        request = Ensembling(oof_refs=refs, most=call.members)
        select = partial(self.mixer.ensemble, request)
        found = await context.perform("ensemble", request, Ensembled, select, label="ensemble")
        if found.evaluation is None or found.single is None:
            return None
        direction = self.opened.task.direction
        return rank_ensemble(candidates, found.weights, found.evaluation, found.single, direction)

    async def _mixed(self, runs: Sequence[ScriptRan | None], context: Context) -> Evaluation:
        refs = tuple(ran.predictions_ref for ran in runs if ran is not None and ran.predictions_ref is not None)
        request = Blending(predictions_refs=refs)
        blended = await context.perform("blend", request, Blended, partial(self.mixer.blend, request), label="blend")
        return blended.evaluation

    async def _shipping(
        self, winner: Finalist, reruns: Sequence[ScriptRan | None], call: FinishCalled, context: Context
    ) -> Shipped:
        """How predictions are submitted: as set, or as the hold-out shows to be better for the winner. [O]"""
        settings, rule = self.scenario.method.finish, self.opened.task.split
        if settings.ship != "auto":
            return Shipped(mode=settings.ship, reason="as the scenario has it")
        refit = next((ran.evaluation for ran in reruns if ran is not None), None)
        if not call.compares or refit is None:
            return default_shipping(rule)
        runs = await self._run_all([(winner, f"holdout-{split}", 0) for split in winner.splits], context)
        if not all(runs):
            return default_shipping(rule)
        mean = await self._mixed(runs, context)
        return choose_shipping(mean, refit, rule, self.opened.task.direction, self.scenario.method.near_tie)

    async def _submission(self, finished: RunFinished, shipped: Shipped, context: Context) -> tuple[Shipped, str]:
        """What is submitted, and how it was made: where a refit fails, the mean of the splits' models is."""
        members = finished.members
        refs = None
        if shipped.mode == "refit" and (refs := await self._again(members, shipped, context)) is None:
            reason = f"{shipped.reason}; but a refit on all rows failed"
            shipped = shipped.model_copy(update={"mode": "mean", "reason": reason})
        if shipped.mode == "mean" and self.scenario.method.finish.apart:
            whole = shipped.model_copy(update={"whole": True})
            if refs := await self._again(members, whole, context):
                shipped = whole
            else:
                reason = f"{shipped.reason}; made without the rows of the hold-out, as a run on all rows failed"
                shipped = shipped.model_copy(update={"reason": reason})
        refs = refs or [member.submission_ref for member in members]
        return shipped, await self._averaged(refs, finished.weights, context)

    async def _again(self, members: Sequence[Finalist], shipped: Shipped, context: Context) -> list[str] | None:
        """The submission of each member, made anew as `shipped` says; None where a run fails."""
        asked = [(member, view, 0) for member in members for view in shipped_views(shipped, member)]
        runs = await self._run_all(asked, context)
        made = [ran.submission_ref for ran in runs if ran is not None and ran.submission_ref is not None]
        if len(made) < len(asked):
            return None
        left = iter(made)
        parts = [[next(left) for _ in shipped_views(shipped, member)] for member in members]
        return [await self._averaged(refs, (1.0,) * len(refs), context) for refs in parts]

    async def _averaged(self, refs: Sequence[str], weights: Sequence[float], context: Context) -> str:
        """The weighted mean of submissions; the mean of one is that one."""
        if len(refs) == 1:
            return refs[0]
        request = Averaging(submission_refs=tuple(refs), weights=tuple(weights))
        call = partial(self.mixer.average, request)
        averaged = await context.perform("average", request, Averaged, call, label="mean of submissions")
        return averaged.submission_ref

    async def _grade(self, submission_ref: str, context: Context) -> Grade | None:
        request = Grading(submission_ref=submission_ref)
        graded = await context.perform("grade", request, Graded, partial(self.grader, request), label="private grade")
        return graded.grade
