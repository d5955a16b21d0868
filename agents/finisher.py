"""The Finisher: the hold-out decides.

    FinishCalled ──► every finalist again, several seeds, on data without the hold-out's labels ──► RunFinished

What ships is the winner's submission from its trial on all data, or the same mean of the finalists' submissions where
their mean is better on the hold-out. The private grade is computed after the choice.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Literal

import anyio

from agents.forward import Forward, ScriptRan, ScriptRun, run_script
from agents.ideas import Blend, Finalist, FinalRanking, Record
from agents.messages import Diagnosis, FinishCalled, RunFinished
from agents.ranking import members_of, rank, rank_blend, why
from agents.role import Role
from bus.actor import ActivityResult, Context
from bus.artefacts import Artefacts
from bus.lifecycle import DeadLetter
from bus.message import Draft, Envelope
from scenarios.evidence import Evaluation, Grade

__all__ = ["Blended", "Blender", "Blending", "Finisher", "Graded", "Grading"]


class Grading(Record):
    """A submission to be graded."""

    submission_ref: str


class Graded(ActivityResult):
    """Its grade; None where the task has no private answers."""

    grade: Grade | None


class Blending(Record):
    """Submissions for the rows of one view to be averaged."""

    view: Literal["full", "holdout"]
    submission_refs: tuple[str, ...]


class Blended(ActivityResult):
    """Their average; its evaluation on the hold-out, None for the full view, whose rows nobody has labels of."""

    submission_ref: str
    evaluation: Evaluation | None


Grader = Callable[[Grading], Awaitable[Graded]]
Blender = Callable[[Blending], Awaitable[Blended]]


class Finisher(Role):
    """Re-runs the finalists and names the winner. Without a `blender` nothing is averaged."""

    handles = frozenset({"finish_called"})
    notes = frozenset({"run_opened", "diagnosis", "dead_letter"})

    def __init__(self, forward: Forward, grader: Grader, artefacts: Artefacts, blender: Blender | None = None) -> None:
        super().__init__("finisher", None, artefacts)
        self.forward = forward
        self.grader = grader
        self.blender = blender
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
        """Run, rank, blend, grade."""
        call = envelope.message
        if not isinstance(call, FinishCalled):
            raise TypeError(f"a finisher handles finish_called, not {envelope.kind}")
        settings = self.scenario.method.finish
        reruns = await self._rerun(call, context)
        evaluations = [[ran.evaluation if ran else None for ran in row] for row in reruns]
        ranking = rank(call.finalists, evaluations, self.opened.task.direction, settings.misaligned)
        blend = await self._blend(ranking, dict(zip(call.finalists, reruns, strict=True)), context)
        winner = ranking[0].finalist if ranking else None
        finished = RunFinished(
            winner=winner,
            ranking=ranking,
            blend=blend,
            why=why(ranking, blend, call.reason),
            grade=None,
            trials=self.trials,
            accepted=self.accepted,
            dead_letters=self.dead_letters,
        )
        return [Draft(finished.model_copy(update={"grade": await self._grade(finished.submission_ref, context)}))]

    async def _rerun(self, call: FinishCalled, context: Context) -> list[list[ScriptRan | None]]:
        """The re-runs on the hold-out, a row a finalist and a column a seed; None where one failed."""
        reruns: list[list[ScriptRan | None]] = [[None] * call.seeds for _ in call.finalists]

        async def run(row: int, column: int, request: ScriptRun) -> None:
            finalist = call.finalists[row]
            label = f"hold-out run of {finalist.trace}.{finalist.step}, seed {request.seed}"
            ran = await run_script(self.forward, request, f"{self.name}-{row}", context, label, urgent=True)
            reruns[row][column] = ran if ran.good else None

        # Tasks start in the order they are given, so each run gets the same ordinal at every delivery.
        async with anyio.create_task_group() as group:
            for row, finalist in enumerate(call.finalists):
                for column in range(call.seeds):
                    group.start_soon(run, row, column, self._request(finalist, column))
        return reruns

    def _request(self, finalist: Finalist, column: int) -> ScriptRun:
        return ScriptRun(
            script_ref=finalist.script_ref,
            view="holdout",
            seed=self.scenario.seed + 1 + column,
            seconds=self.scenario.executors.timeout.full,
        )

    async def _blend(
        self,
        ranking: Sequence[FinalRanking],
        reruns: dict[Finalist, list[ScriptRan | None]],
        context: Context,
    ) -> Blend | None:
        """The finalists' mean on the hold-out, seed by seed; on all data only where it is taken. [O]"""
        members = members_of(ranking)
        if not members or self.blender is None or not self.scenario.method.finish.blend:
            return None
        columns = zip(*(reruns[member] for member in members), strict=True)
        scored = [
            await self._average("holdout", [ran.submission_ref if ran else None for ran in column], context)
            for column in columns
        ]
        blend = rank_blend(members, [each.evaluation for each in scored], ranking, self.opened.task.direction)
        if not blend.taken:
            return blend
        shipped = await self._average("full", [member.submission_ref for member in members], context)
        return blend.model_copy(update={"submission_ref": shipped.submission_ref})

    async def _average(self, view: Literal["full", "holdout"], refs: Sequence[str | None], context: Context) -> Blended:
        if self.blender is None:
            raise ValueError("there is nothing to blend with")
        request = Blending(view=view, submission_refs=tuple(ref for ref in refs if ref is not None))
        return await context.perform("blend", request, Blended, partial(self.blender, request), label="blend")

    async def _grade(self, submission_ref: str | None, context: Context) -> Grade | None:
        if submission_ref is None:
            return None
        request = Grading(submission_ref=submission_ref)
        graded = await context.perform("grade", request, Graded, partial(self.grader, request), label="private grade")
        return graded.grade
