"""The questions that roles put to reasoners, and the shape of their answers.

A request carries everything its answer may depend on: task, evidence, history. It is shaped for a language model; its
prompt is the template of the same name in `prompts/`. Any backend answers any request (see `backends/base.py`).
"""

from abc import abstractmethod
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from agents.ideas import Challenge, Effect, Hypothesis, Key, Recalled, Record, Solution, Stage, TrialNote
from agents.workplace import Workplace
from scenarios.evidence import Evaluation, Profile, TaskBrief

__all__ = [
    "AssessTrial",
    "Assessment",
    "Hypotheses",
    "PlanStep",
    "ProposeHypotheses",
    "RepairSolution",
    "Request",
    "Role",
    "Script",
    "SelectHypothesis",
    "Selection",
    "StepPlan",
    "Survey",
    "SurveyTask",
    "TuneSolution",
    "Workplace",
    "WriteSolution",
]

Role = Literal["diagnoser", "proposer", "executor"]
Reply = TypeVar("Reply", bound=Record)


class Request(Record, Generic[Reply]):
    """Base of the typed requests. `seed` is drawn from (run seed, trace, step, purpose), for who needs chance."""

    role: ClassVar[Role]

    task: TaskBrief
    profile: Profile
    trace: int
    step: int
    seed: int

    @classmethod
    @abstractmethod
    def reply_type(cls) -> type[Reply]:
        """The type of the answer."""


class Survey(Record):
    """What the task itself makes hard, at most five."""

    challenges: tuple[Challenge, ...] = Field(max_length=5)


class SurveyTask(Request[Survey]):
    """At the root of a trace: which challenges does this task pose, before anything was tried?"""

    role = "diagnoser"

    @classmethod
    def reply_type(cls) -> type[Survey]:
        return Survey


class Assessment(Record):
    """A reasoner's judgement of one trial. `accept` decides near-ties alone; the harness's figures decide the rest."""

    alignment: Literal["aligned", "mild", "severe"]
    alignment_reason: str
    accept: bool
    reason: str
    observations: str
    hypothesis_verdict: Literal["confirmed", "refuted", "inconclusive"]
    challenges: tuple[Challenge, ...] = Field(max_length=10)


class AssessTrial(Request[Assessment]):
    """Why is this trial as good as it is, does it replace the trace's best, and what holds the better one back?

    `wanted` says from which sources challenges are asked, at most five each; `refused` is as in ProposeHypotheses.
    `baseline` is the score of a constant prediction over the same splits.
    """

    role = "diagnoser"

    hypotheses: tuple[Hypothesis, ...]
    incumbent: Solution | None
    script: str
    difference: str
    cause: str
    words: str
    output: str
    seconds: float
    evaluation: Evaluation | None
    effect: Effect | None
    history: tuple[TrialNote, ...]
    refused: tuple[Key, ...] = ()
    baseline: float | None = None
    wanted: tuple[Literal["scenario", "feedback"], ...]

    @classmethod
    def reply_type(cls) -> type[Assessment]:
        return Assessment


class Hypotheses(Record):
    """One hypothesis for each distinct challenge."""

    hypotheses: tuple[Hypothesis, ...] = Field(min_length=1, max_length=10)


class ProposeHypotheses(Request[Hypotheses]):
    """Turn each challenge into one specific, testable, single change of the trace's best solution.

    `refused` are the ideas that this trace has tried without success, also those that `history` no longer shows;
    `baseline` is the score of a constant prediction over the same splits.
    """

    role = "proposer"

    stage: Stage
    incumbent: Solution | None
    challenges: tuple[Challenge, ...]
    history: tuple[TrialNote, ...]
    refused: tuple[Key, ...] = ()
    baseline: float | None = None
    workplace: Workplace

    @classmethod
    def reply_type(cls) -> type[Hypotheses]:
        return Hypotheses


class Selection(Record):
    """What the step implements: one hypothesis, or at the root all that are compatible; and a sketch of the change."""

    action: Literal["select", "modify", "create", "root"]
    hypotheses: tuple[Hypothesis, ...] = Field(min_length=1)
    origin: str | None = None
    reason: str
    sketch: str


class SelectHypothesis(Request[Selection]):
    """Choose, modify or create one hypothesis out of candidates and memory, and sketch the minimal change.

    Without `incumbent` it is the trace's root: take all compatible candidates, and differ from `siblings`.
    """

    role = "proposer"

    stage: Stage
    incumbent: Solution | None
    candidates: tuple[Hypothesis, ...]
    recalled: tuple[Recalled, ...]
    siblings: tuple[Hypothesis, ...]
    history: tuple[TrialNote, ...]
    workplace: Workplace

    @classmethod
    def reply_type(cls) -> type[Selection]:
        return Selection


class StepPlan(Record):
    """One change in full, or for a first solution all that it consists of; and a sketch for whoever writes it."""

    hypotheses: tuple[Hypothesis, ...] = Field(min_length=1)
    origin: str | None = None
    reason: str
    sketch: str


class PlanStep(Request[StepPlan]):
    """Plan the next step in one call, from what was measured: a first solution (`draft`) or one change (`improve`).

    What the controls ask, and gome without structured reasoning. `base` is None for a draft; `siblings` are the ideas
    of other first solutions, from which a draft must differ; `refused` and `baseline` as in ProposeHypotheses.
    """

    role = "proposer"

    action: Literal["draft", "improve"]
    stage: Stage
    base: Solution | None
    recalled: tuple[Recalled, ...]
    siblings: tuple[Hypothesis, ...]
    history: tuple[TrialNote, ...]
    refused: tuple[Key, ...] = ()
    baseline: float | None = None
    workplace: Workplace

    @classmethod
    def reply_type(cls) -> type[StepPlan]:
        return StepPlan


class Script(Record):
    """A whole `solution.py`, and a sentence on what was changed."""

    script: str = Field(min_length=1)
    notes: str = ""


class WriteSolution(Request[Script]):
    """Write the whole script: the base with this change and no other; without a base, the first solution."""

    role = "executor"

    base: str | None
    hypotheses: tuple[Hypothesis, ...]
    sketch: str
    workplace: Workplace

    @classmethod
    def reply_type(cls) -> type[Script]:
        return Script


class RepairSolution(Request[Script]):
    """Mend a script that failed, keeping what it set out to change."""

    role = "executor"

    script: str
    hypotheses: tuple[Hypothesis, ...]
    phase: Literal["check", "debug", "full"]
    cause: str
    words: str
    output: str
    evaluation: Evaluation | None
    attempt: int
    workplace: Workplace

    @classmethod
    def reply_type(cls) -> type[Script]:
        return Script


class TuneSolution(Request[Script]):
    """After a first good full run: one suggestion that uses the time left, such as more rounds; or the same script."""

    role = "executor"

    script: str
    evaluation: Evaluation
    seconds: float
    output: str
    workplace: Workplace

    @classmethod
    def reply_type(cls) -> type[Script]:
        return Script
