"""What the finish selects by: the finalists that are compared, and what is submitted of them."""

from typing import Literal

from gome.agents.protocol.types import Record

__all__ = ["Ensemble", "FinalRanking", "Finalist", "Shipped"]


class Finalist(Record):
    """One candidate of the finish. `splits` are those of its trial, `seconds` the time of one run."""

    trace: int
    step: int
    script_ref: str
    submission_ref: str
    score: float
    standard_error: float | None
    seconds: float
    splits: tuple[int, ...] = ()
    oof_ref: str | None = None


class FinalRanking(Record):
    """A finalist's hold-out scores, one per seed; None where the run failed. `gap` is hold-out minus out-of-fold."""

    finalist: Finalist
    scores: tuple[float | None, ...]
    mean: float | None
    spread: float | None
    gap: float | None
    misaligned: bool


class Ensemble(Record):
    """A weighted mean of trials' predictions, selected by their out-of-fold predictions. `weights` sum to 1.

    `score` is its out-of-fold score, `single` that of the winner alone on the same rows; each split was scored with
    weights selected without it. `gain` is their difference (positive: the ensemble is better), with its standard
    error. `taken` says that the ensemble is submitted.
    """

    members: tuple[Finalist, ...]
    weights: tuple[float, ...]
    score: float | None
    single: float | None
    gain: float
    standard_error: float | None
    taken: bool


class Shipped(Record):
    """How a submission was made: the mean of the splits' models, or a refit on all rows.

    `mean` and `refit` are the winner's hold-out scores for both ways, None where they were not compared. `whole`: the
    hold-out was set apart, and the models of a mean were made anew, on the splits of all rows.
    """

    mode: Literal["mean", "refit"]
    reason: str
    mean: float | None = None
    refit: float | None = None
    whole: bool = False
