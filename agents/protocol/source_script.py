"""The best script of another trace as a proposer is shown it, and what it would give together with its own."""

from pydantic import Field

from gome.agents.protocol.types import Effect, Record
from gome.scenarios.evidence import Complement

__all__ = ["SourceScript", "Together"]


class Together(Record):
    """What another trace's best and means of both solutions' predictions gain over this trace's best, on common splits.

    `scale` is what means are taken of (`ScaleName`). `weighted` is the best mean with `weights` not below 0 (own,
    other), each split's chosen without it.
    """

    other: Effect
    mean: Effect
    scale: str
    complement: Complement | None = None
    weights: tuple[float, ...] | None = Field(default=None, exclude_if=lambda weights: weights is None)
    weighted: Effect | None = Field(default=None, exclude_if=lambda effect: effect is None)


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
