"""The best script of another trace as a proposer is shown it, and what it would give together with its own."""

from pydantic import Field

from gome.agents.protocol.types import Effect, Record

__all__ = ["SourceScript", "Together"]


class Together(Record):
    """Scores of this trace's best, another's, and the mean of both, on common splits; `effect`: that mean on `own`.

    `weighted` is the score of the best mean with `weights` not below 0 (own, other), each split's chosen without it.
    """

    own: float
    other: float
    mean: float
    effect: Effect
    weights: tuple[float, ...] | None = Field(default=None, exclude_if=lambda weights: weights is None)
    weighted: float | None = Field(default=None, exclude_if=lambda score: score is None)


class SourceScript(Record):
    """The best script of another trace, from which a merge or a return may take.

    `text` is the whole script, or with `is_difference` the much shorter diff from the asking trace's script to it.
    `together` is None where the two have no split in common.
    """

    trace: int
    step: int
    text: str
    is_difference: bool
    together: Together | None = None
