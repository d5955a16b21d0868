"""Requests for a script."""

from typing import Literal

from pydantic import Field

from gome.agents.protocol.hint import Hint
from gome.agents.protocol.replies import PlannedScript, Script
from gome.agents.protocol.requests import Request
from gome.agents.protocol.types import (
    Failure,
    Hypothesis,
    Key,
    Left,
    Solution,
    StepKind,
    TrialNote,
    Underway,
)
from gome.scenarios.evidence import Evaluation

__all__ = ["RepairSolution", "SolveStep", "WriteSolution"]


class SolveStep(Request[PlannedScript]):
    """Ask for plan and script of the next step in one call, for tree search: a first solution or a change of `base`.

    `history` are the tree's trials; `siblings` are the ideas of its other first solutions and `underway` those of
    running steps, `hints` are what the user asks, `rejected` the ideas of proposals that the user has rejected.
    """

    role = "proposer"

    action: Literal["draft", "improve"]
    left: Left = Left()
    base: Solution | None
    history: tuple[TrialNote, ...] = ()
    underway: tuple[Underway, ...] = ()
    siblings: tuple[Hypothesis, ...] = ()
    hints: tuple[Hint, ...] = Field(default=(), exclude_if=lambda hints: not hints)
    rejected: tuple[Key, ...] = Field(default=(), exclude_if=lambda keys: not keys)

    @property
    def edited(self) -> str | None:
        return self.base.script if self.base else None

    @classmethod
    def reply_type(cls) -> type[PlannedScript]:
        return PlannedScript

    @property
    def unasked(self) -> frozenset[str]:
        """A plan as text is enough."""
        return frozenset({"hypotheses"})


class WriteSolution(Request[Script]):
    """Ask for the whole script: the base with this change and no other; without a base, a first solution.

    `source` is the trace that a `step_kind` of `merge` takes from or `return` continues from. `other` is the second
    script: that of `source` for a merge, the trace's own best for a return or a leap; with `is_difference` the much
    shorter diff from `base` to it. `seconds` is the time of one run
    of the base and `cpu_seconds` its processor time, 0 where unknown. `failures` are failures of scripts in this run,
    `avoid` is what the user asks to avoid.
    """

    role = "executor"

    step_kind: StepKind = "edit"
    source: int | None = None
    base: str | None
    other: str | None = None
    is_difference: bool = Field(default=False, exclude_if=lambda shorter: not shorter)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    hypotheses: tuple[Hypothesis, ...]
    sketch: str
    failures: tuple[Failure, ...] = ()
    avoid: tuple[str, ...] = Field(default=(), exclude_if=lambda avoid: not avoid)

    @property
    def edited(self) -> str | None:
        return self.base

    @classmethod
    def reply_type(cls) -> type[Script]:
        return Script


class RepairSolution(Request[Script]):
    """Ask for a repair of a failed script that keeps its intended change.

    `seconds` and `cpu_seconds` are those of one run of the script from which it was derived, `ran_seconds` and
    `ran_cpu_seconds` those of the failed run, 0 where unknown. `sampled` says that a debug run on a sample of the rows
    had ended well before, `judged` that a model judges the run's trials. `avoid` is what the user asks to avoid.
    """

    role = "executor"

    script: str
    hypotheses: tuple[Hypothesis, ...]
    phase: Literal["check", "debug", "full"]
    cause: str
    words: str
    output: str
    evaluation: Evaluation | None
    attempt: int
    ran_seconds: float = 0.0
    ran_cpu_seconds: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    sampled: bool = False
    judged: bool = True
    failures: tuple[Failure, ...] = ()
    avoid: tuple[str, ...] = Field(default=(), exclude_if=lambda avoid: not avoid)

    @property
    def edited(self) -> str | None:
        return self.script

    @classmethod
    def reply_type(cls) -> type[Script]:
        return Script
