"""Recorded activities: the harness analyses a solution's errors, or compares two solutions. Requests, results, code."""

from collections.abc import Awaitable, Callable
from functools import partial

from gome.agents.protocol.types import Record
from gome.bus.actors.actor import ActivityResult, Context
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evidence import Complement, Evaluation

__all__ = ["Analysed", "Analyser", "Analysing", "Paired", "Pairer", "Pairing", "analyse", "analysed", "pair", "paired"]


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
    """Result: evaluations of both, and of means of their predictions, on the splits that both were run on; see `Pair`.

    None where they have no split in common.
    """

    own: Evaluation | None = None
    other: Evaluation | None = None
    mean: Evaluation | None = None
    complement: Complement | None = None
    weights: tuple[float, ...] | None = None
    weighted: Evaluation | None = None


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


async def analysed(
    analyser: Analyser, oof_ref: str | None, best_oof_ref: str | None, rows: int, context: Context
) -> str | None:
    """Analyse errors as a recorded activity; None where the predictions are unknown, or no row has a finite loss."""
    if oof_ref is None:
        return None
    request = Analysing(oof_ref=oof_ref, best_oof_ref=best_oof_ref, rows=rows)
    call = partial(analyser, request)
    return (await context.perform("analyse", request, Analysed, call, label="error analysis")).diagnostics_ref


async def paired(pairer: Pairer, own: str | None, other: str | None, context: Context) -> Paired:
    """Compare two solutions as a recorded activity; empty where the predictions of one are unknown, or they are one."""
    if own is None or other is None or own == other:
        return Paired()
    request = Pairing(own_ref=own, other_ref=other)
    return await context.perform("pair", request, Paired, partial(pairer, request), label="two compared")
