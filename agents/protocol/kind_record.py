"""What the steps of one kind have come to in a run."""

from gome.agents.protocol.types import Record, StepKind

__all__ = ["KindRecord"]


class KindRecord(Record):
    """Number of `steps` and of `accepted` ones, the sum of their `gain` in standard errors and of their `cost`.

    The cost is in what limits the run: minutes, or trials where no time does.
    """

    kind: StepKind
    steps: int = 0
    accepted: int = 0
    gain: float = 0.0
    cost: float = 0.0
