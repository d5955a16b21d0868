"""What the steps of one kind have come to in a run."""

from gome.agents.protocol.types import Record, StepKind

__all__ = ["KindRecord"]


class KindRecord(Record):
    """Number of `steps`, the sum of their `gain` in standard errors and of their `cost` in slot-minutes.

    In lockstep, where measured time has no say, `cost` is the number of runs.
    """

    kind: StepKind
    steps: int = 0
    gain: float = 0.0
    cost: float = 0.0
