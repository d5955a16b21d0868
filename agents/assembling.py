"""The runs of a trial put together by the harness, as a recorded activity: what is asked and what comes back."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from agents.ideas import Record
from agents.predictions import unpacked
from agents.script_run import ScriptRan
from bus.actor import ActivityResult
from bus.artefacts import Artefacts
from scenarios.evidence import Evaluation
from scenarios.harness import Harness

__all__ = ["Assembled", "Assembler", "Assembling", "assemble"]


class Assembling(Record):
    """Good runs of one script on some of `planned` splits: what each was judged, and its predictions."""

    planned: int
    evaluations: tuple[Evaluation, ...]
    predictions_refs: tuple[str, ...]

    @classmethod
    def of(cls, runs: Sequence[ScriptRan], planned: int) -> Self:
        """Raises ValueError where one of the runs is not good."""
        evaluations = tuple(run.evaluation for run in runs if run.evaluation is not None)
        refs = tuple(run.predictions_ref for run in runs if run.predictions_ref is not None)
        if len(refs) < len(runs) or len(evaluations) < len(runs):
            raise ValueError("a run that is not good cannot be put together with others")
        return cls(planned=planned, evaluations=evaluations, predictions_refs=refs)


class Assembled(ActivityResult):
    """One evaluation, with out-of-fold predictions and the mean of the splits' predictions for the test rows."""

    evaluation: Evaluation
    oof_ref: str | None
    submission_ref: str


Assembler = Callable[[Assembling], Awaitable[Assembled]]


def assemble(harness: Harness, artefacts: Artefacts, request: Assembling) -> Assembled:
    """The harness's work on predictions that were kept as artefacts."""
    predictions = [unpacked(artefacts.read_now(ref)) for ref in request.predictions_refs]
    whole = harness.assemble(request.evaluations, predictions, request.planned)
    return Assembled(
        evaluation=whole.evaluation,
        oof_ref=artefacts.put_now(whole.oof) if whole.oof else None,
        submission_ref=artefacts.put_now(whole.submission),
    )
