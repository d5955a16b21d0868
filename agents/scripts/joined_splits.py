"""Recorded activity: the harness combines the runs of a trial into one evaluation. Request, result, implementation."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from gome.agents.protocol.types import Record
from gome.agents.scripts.predictions import unpacked
from gome.agents.scripts.script_run import ScriptRan
from gome.bus.actors.actor import ActivityResult
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evidence import Evaluation

__all__ = ["Assembled", "Assembler", "Assembling", "assemble"]


class Assembling(Record):
    """Request: the evaluations and predictions of successful runs of one script on some of `planned` splits."""

    planned: int
    evaluations: tuple[Evaluation, ...]
    predictions_refs: tuple[str, ...]

    @classmethod
    def of(cls, runs: Sequence[ScriptRan], planned: int) -> Self:
        """Make the request from runs. Raises ValueError where one of them is not good."""
        evaluations = tuple(run.evaluation for run in runs if run.evaluation is not None)
        refs = tuple(run.predictions_ref for run in runs if run.predictions_ref is not None)
        if len(refs) < len(runs) or len(evaluations) < len(runs):
            raise ValueError("every run must have ended well, with valid predictions, to be combined")
        return cls(planned=planned, evaluations=evaluations, predictions_refs=refs)


class Assembled(ActivityResult):
    """Result: one evaluation, out-of-fold predictions, and the mean of the splits' predictions for the test rows."""

    evaluation: Evaluation
    oof_ref: str | None
    submission_ref: str


Assembler = Callable[[Assembling], Awaitable[Assembled]]


def assemble(harness: Harness, artefacts: Artefacts, request: Assembling) -> Assembled:
    """Combine runs whose predictions are stored as artefacts, and store the results as artefacts."""
    predictions = [unpacked(artefacts.read_now(ref)) for ref in request.predictions_refs]
    whole = harness.assemble(request.evaluations, predictions, request.planned)
    return Assembled(
        evaluation=whole.evaluation,
        oof_ref=artefacts.put_now(whole.oof) if whole.oof else None,
        submission_ref=artefacts.put_now(whole.submission),
    )
