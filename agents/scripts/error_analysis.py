"""Recorded activities: the harness analyses a solution's errors, or compares two solutions. Requests, results, code."""

from collections.abc import Awaitable, Callable

from gome.agents.protocol.types import Record
from gome.bus.actors.actor import ActivityResult
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.evaluation.harness import Harness

__all__ = ["Analysed", "Analyser", "Analysing", "Paired", "Pairer", "Pairing", "analyse", "pair"]


class Analysing(Record):
    """Request: the errors of the out-of-fold predictions `oof_ref`.

    `best_oof_ref` are those of the solution to compare with, None if unknown. `rows` is how many rows may be shown;
    with 0 no cell of a table is.
    """

    oof_ref: str
    best_oof_ref: str | None = None
    rows: int = 10


class Analysed(ActivityResult):
    """Result: `diagnostics_ref` refers to a `Diagnostics` as JSON, None where no row has a finite loss."""

    diagnostics_ref: str | None


class Pairing(Record):
    """Request: a comparison of two solutions, by their out-of-fold predictions."""

    own_ref: str
    other_ref: str


class Paired(ActivityResult):
    """Result: scores of both, and of the mean of their predictions, on the splits that both were run on.

    None where they have no split in common.
    """

    splits: int = 0
    own: float | None = None
    other: float | None = None
    mean: float | None = None


Analyser = Callable[[Analysing], Awaitable[Analysed]]
Pairer = Callable[[Pairing], Awaitable[Paired]]


def analyse(harness: Harness, artefacts: Artefacts, request: Analysing) -> Analysed:
    """Analyse errors, and store the analysis as an artefact."""
    best = artefacts.read_now(request.best_oof_ref).decode() if request.best_oof_ref is not None else None
    found = harness.analyse(artefacts.read_now(request.oof_ref).decode(), best, request.rows)
    return Analysed(diagnostics_ref=artefacts.put_now(found.model_dump_json()) if found is not None else None)


def pair(harness: Harness, artefacts: Artefacts, request: Pairing) -> Paired:
    """Compare two solutions."""
    found = harness.pair(artefacts.read_now(request.own_ref).decode(), artefacts.read_now(request.other_ref).decode())
    return Paired(**vars(found)) if found is not None else Paired()
