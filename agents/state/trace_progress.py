"""How far each trace is, as the Director counts it."""

from dataclasses import dataclass, field

from gome.agents.method.momentum import signed_gain
from gome.agents.method.trace_count import Racer
from gome.agents.method.trace_order import Standing
from gome.agents.protocol.final_selection import Finalist
from gome.agents.protocol.messages import Diagnosis, SolutionCompleted
from gome.agents.state.finalists import completed, finalist_of
from gome.scenarios.evidence import Direction, Evaluation

__all__ = ["TraceProgress"]

_DEAD_IN_A_ROW = 3
"""A trace whose steps die that often in a row is closed: whatever kills them would kill the next one too."""


@dataclass(slots=True)
class TraceProgress:
    """How far a trace is: the last step that was opened, and how many were diagnosed, the survey counted in.

    `refused` are its other scored solutions, which can be members of an ensemble.
    """

    opened: int = 0
    diagnosed: int = 0
    dead_in_a_row: int = 0
    since_accept: int = 0
    best_ref: str | None = None
    best: Evaluation | None = None
    folded: bool = False
    unproposed: set[int] = field(default_factory=set)
    finalists: list[Finalist] = field(default_factory=list)
    refused: list[Finalist] = field(default_factory=list)

    def concluded(self, trace: int, step: int, diagnosis: Diagnosis, *, keeps_all: bool) -> None:
        """Count a diagnosis, and keep its solution. With `keeps_all` each complete one can be a finalist."""
        self.diagnosed += 1
        self.unproposed.discard(step)
        self.dead_in_a_row = self.dead_in_a_row + 1 if diagnosis.verdict == "dead" else 0
        tried = diagnosis.verdict not in ("surveyed", "unfinished")
        self.since_accept = 0 if diagnosis.accepted else self.since_accept + tried
        if diagnosis.accepted:
            self.best_ref, self.best = diagnosis.script_ref, diagnosis.evaluation
        solution = finalist_of(trace, step, diagnosis)
        if solution is not None:
            stopped_early = diagnosis.evaluation is not None and diagnosis.evaluation.partial
            kept = diagnosis.accepted or (keeps_all and not stopped_early)
            (self.finalists if kept else self.refused).append(solution)

    def completed(self, message: SolutionCompleted) -> None:
        """Take the figures of a solution on more splits."""
        self.finalists, self.refused = completed(self.finalists, message), completed(self.refused, message)
        if message.adds_to(self.best_ref, self.best.splits if self.best else ()):
            self.best = message.evaluation

    @property
    def in_the_air(self) -> int:
        return self.opened + 1 - self.diagnosed

    @property
    def stepping(self) -> int:
        """Steps in the air, the survey not counted in."""
        return self.in_the_air - (self.diagnosed == 0)

    @property
    def idle(self) -> bool:
        return self.in_the_air == 0

    def has_room(self, ahead: int, drafts: bool) -> bool:
        """Whether one more step may be in the air: ahead only once there is a solution to step from, or for `drafts`.

        While a step has no proposal yet the next one waits: it must know what is tried, and would only queue behind.
        """
        return not self.unproposed and self.in_the_air <= (ahead if self.finalists or drafts else 0)

    def standing(self, direction: Direction) -> Standing:
        """How far it is, as scheduling weighs it."""
        gains = [signed_gain(finalist.score, 0.0, direction) for finalist in self.finalists]
        return Standing(self.opened, max(gains, default=None))

    @property
    def closed(self) -> bool:
        """Whether no further step is opened: it was folded, or too many in a row died."""
        return self.folded or self.dead_in_a_row >= _DEAD_IN_A_ROW

    @property
    def racing(self) -> Racer:
        """How far it is, as the race of traces counts it."""
        return Racer(max(0, self.diagnosed - 1), self.since_accept, self.best)
