"""Requests of the roles to models, and the types of their replies.

A request contains everything that its reply may depend on: task, evidence, history. Its prompt is the template of the
same name in `prompts/`. Every backend answers every request (see `backends/base.py`).
"""

from abc import abstractmethod
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from gome.agents.protocol.types import (
    Challenge,
    Component,
    Effect,
    Failure,
    Finding,
    Hypothesis,
    Key,
    Left,
    Recalled,
    Record,
    Repair,
    Scores,
    Solution,
    SourceScript,
    Stage,
    StepKind,
    TraceBest,
    TrialNote,
    Underway,
)
from gome.agents.protocol.workplace import Workplace
from gome.scenarios.diagnostics.record import Diagnostics
from gome.scenarios.evidence import Evaluation, Profile, TaskBrief

__all__ = [
    "AssessTrial",
    "Assessment",
    "Idea",
    "PlannedScript",
    "ProposeStep",
    "ReadOutput",
    "Reading",
    "RepairSolution",
    "Request",
    "Role",
    "Script",
    "SolveStep",
    "Step",
    "Survey",
    "SurveyTask",
    "TuneSolution",
    "Workplace",
    "WriteSolution",
]

Role = Literal["diagnoser", "proposer", "executor"]
Reply = TypeVar("Reply", bound=Record)


class Request(Record, Generic[Reply]):
    """Base of the typed requests. `seed` is drawn from (run seed, trace, step, purpose), for backends that sample.

    Every prompt begins with the fields that all requests of a run share (`task`, `profile`, `workplace`), so that a
    model server can cache that prefix. `rows` is the maximum number of data rows that a prompt shows in one place.
    """

    role: ClassVar[Role]

    task: TaskBrief
    profile: Profile
    workplace: Workplace
    rows: int = 10
    trace: int
    step: int
    seed: int

    @classmethod
    @abstractmethod
    def reply_type(cls) -> type[Reply]:
        """The type of the reply."""

    @property
    def unasked(self) -> frozenset[str]:
        """Fields of the reply that are not asked for, because this request does not use them."""
        return frozenset()


class Survey(Record):
    """At most five challenges of the task itself."""

    challenges: tuple[Challenge, ...] = Field(max_length=5)


class SurveyTask(Request[Survey]):
    """Ask for the challenges of the task before any trial, once per run."""

    role = "diagnoser"

    @classmethod
    def reply_type(cls) -> type[Survey]:
        return Survey


class Assessment(Record):
    """A model's judgement of one trial. The harness's figures decide, except near-ties, which `accept` decides.

    `finding` is one sentence that all later steps should know, accepted or not, empty for none. `contradicts` are
    numbers of known findings that this trial refutes.
    """

    alignment: Literal["aligned", "mild", "severe"] = "aligned"
    accept: bool = False
    reason: str = ""
    observations: str
    finding: str = ""
    contradicts: tuple[int, ...] = ()
    hypothesis_verdict: Literal["confirmed", "refuted", "inconclusive"] = "inconclusive"
    challenges: tuple[Challenge, ...] = Field(default=(), max_length=10)


class AssessTrial(Request[Assessment]):
    """Ask for the assessment of a trial, whether a near-tie replaces the trace's best, and the next challenges.

    `difference` is the diff from the script that the step continued from: the trace's best, or for a `step_kind` of
    `return` that of trace `source`. `repairs` are the repairs of the script in this step. `wanted` are the sources from
    which challenges are asked, at most five each. `diagnostics` is the error analysis. `stopped` says why not all
    splits were run. `findings` are what trials have taught so far. A gain within `margin` standard errors is a
    near-tie. `refused` and `baseline` are as in ProposeStep.
    """

    role = "diagnoser"

    step_kind: StepKind = "edit"
    source: int | None = None
    hypotheses: tuple[Hypothesis, ...]
    incumbent: Solution | None
    script: str
    repairs: tuple[Repair, ...] = ()
    difference: str
    cause: str
    words: str
    output: str
    seconds: float
    evaluation: Evaluation | None
    diagnostics: Diagnostics | None = None
    effect: Effect | None
    stopped: str | None = None
    history: tuple[TrialNote, ...]
    refused: tuple[Key, ...] = ()
    baseline: float | None = None
    findings: tuple[Finding, ...] = ()
    standings: tuple[TraceBest, ...] = ()
    left: Left = Left()
    margin: float = 1.0
    wanted: tuple[Literal["scenario", "feedback"], ...]

    @classmethod
    def reply_type(cls) -> type[Assessment]:
        return Assessment

    @property
    def may_stay(self) -> bool:
        """Whether the trial can become the trace's best; only then its alignment is asked for."""
        sound = self.evaluation is not None and self.evaluation.valid and self.evaluation.score is not None
        return (
            sound
            and self.stopped not in ("worse", "futile")
            and (self.effect is None or self.effect.verdict != "worse")
        )

    @property
    def near_tie(self) -> bool:
        """Whether the figures are a near-tie, so that the model decides."""
        return self.may_stay and self.effect is not None and self.effect.verdict == "near-tie"

    @property
    def unasked(self) -> frozenset[str]:
        """What the harness decides, or what no later step would read."""
        last = self.left.none or self.left.over
        left_out = {
            "alignment": not self.may_stay,
            "reason": not self.may_stay,
            "accept": not self.near_tie,
            "finding": last,
            "contradicts": last or not self.findings,
            "hypothesis_verdict": self.incumbent is None,
            "challenges": not self.wanted,
        }
        return frozenset(name for name, is_left_out in left_out.items() if is_left_out)


class Idea(Record):
    """A hypothesis as a model writes it; `challenge` is the number of the challenge that it addresses, 0 for none."""

    statement: str
    reason: str
    challenge: Annotated[int, Field(ge=0)] = 0
    component: Component
    parameter: str
    direction: str
    expected_gain: float = 0.0
    scores: Scores | None = None


class Step(Record):
    """Candidate ideas, and in `choice` the numbers (from 1) of those that this step implements.

    `recalled` is the number of the recalled change that is taken over; it needs no choice. `source` is the trace whose
    best a merge takes from, or a return continues from. `sketch` is the plan for the model that writes the script.
    """

    candidates: tuple[Idea, ...] = Field(max_length=10)
    kind: StepKind = "edit"
    choice: tuple[int, ...] = ()
    recalled: int | None = None
    source: int | None = None
    reason: str = ""
    sketch: str = ""


class ProposeStep(Request[Step]):
    """Ask for the next step: ideas that address the challenges, the choice among them, and a sketch.

    `draft` is a first solution, which implements all ideas that fit together; `improve` changes `base`. At most
    `wanted` ideas are asked for. `challenges` are those of the last diagnosis, none without structured reasoning.
    `refused` are the ideas that this trace has tried without success, including those that `history` no longer shows;
    `baseline` is the score of a constant prediction over the same splits.

    From memory: `recalled` are accepted changes of other traces, `failures` and `findings` are of all traces;
    `standings` are the bests of all traces, `underway` is what other steps are trying now, and `siblings` are the ideas
    of other first solutions, from which a first solution must differ. `kinds` are the kinds of step that may be chosen.
    `other` is the best script of another trace, given where a merge or a return may be chosen. A gain within `margin`
    standard errors is a near-tie.

    `ranked` says that the harness draws from the ideas by their scores, so that no choice is asked for.
    """

    role = "proposer"

    action: Literal["draft", "improve"]
    stage: Stage
    left: Left = Left()
    base: Solution | None
    wanted: int = 5
    challenges: tuple[Challenge, ...] = ()
    history: tuple[TrialNote, ...] = ()
    refused: tuple[Key, ...] = ()
    baseline: float | None = None
    recalled: tuple[Recalled, ...] = ()
    failures: tuple[Failure, ...] = ()
    findings: tuple[Finding, ...] = ()
    standings: tuple[TraceBest, ...] = ()
    underway: tuple[Underway, ...] = ()
    siblings: tuple[Hypothesis, ...] = ()
    kinds: tuple[StepKind, ...] = ("edit",)
    other: SourceScript | None = None
    margin: float = 1.0
    ranked: bool = False

    @classmethod
    def reply_type(cls) -> type[Step]:
        return Step

    @property
    def unasked(self) -> frozenset[str]:
        """What the harness draws, or what cannot be chosen here."""
        if self.ranked:
            return frozenset({"choice", "kind", "recalled", "source", "reason", "sketch"})
        left_out = {
            "kind": len(self.kinds) < 2,
            "recalled": not self.recalled,
            "source": not {"merge", "return"} & set(self.kinds),
        }
        return frozenset(name for name, is_left_out in left_out.items() if is_left_out)


class Script(Record):
    """A whole `solution.py`, and a sentence about the change."""

    script: str = Field(min_length=1)
    notes: str = ""


class PlannedScript(Script):
    """A script whose `notes` are its plan; `hypotheses`, where given, are the same plan in parts."""

    hypotheses: tuple[Idea, ...] = ()


class SolveStep(Request[PlannedScript]):
    """Ask for plan and script of the next step in one call, for tree search: a first solution or a change of `base`.

    `history` are the tree's trials; `siblings` are the ideas of its other first solutions and `underway` those of
    running steps. `baseline` is the score of a constant prediction over the same splits.
    """

    role = "proposer"

    action: Literal["draft", "improve"]
    left: Left = Left()
    base: Solution | None
    history: tuple[TrialNote, ...] = ()
    baseline: float | None = None
    underway: tuple[Underway, ...] = ()
    siblings: tuple[Hypothesis, ...] = ()

    @classmethod
    def reply_type(cls) -> type[PlannedScript]:
        return PlannedScript

    @property
    def unasked(self) -> frozenset[str]:
        """A plan as text is enough."""
        return frozenset({"hypotheses"})


class Reading(Record):
    """A summary of a run in two or three sentences."""

    summary: str


class ReadOutput(Request[Reading]):
    """Ask for a summary of a script's run, which is all that a tree search uses beside its score."""

    role = "diagnoser"

    plan: str
    script: str
    words: str
    output: str
    evaluation: Evaluation | None

    @classmethod
    def reply_type(cls) -> type[Reading]:
        return Reading


class WriteSolution(Request[Script]):
    """Ask for the whole script: the base with this change and no other; without a base, a first solution.

    `source` is the trace that a `step_kind` of `merge` takes from or `return` continues from. `other` is the second
    script: that of `source` for a merge, the trace's own best for a return. `seconds` is the time of one run of the
    base, 0 where unknown. `failures` are failures of scripts in this run.
    """

    role = "executor"

    step_kind: StepKind = "edit"
    source: int | None = None
    base: str | None
    other: str | None = None
    seconds: float = 0.0
    hypotheses: tuple[Hypothesis, ...]
    sketch: str
    failures: tuple[Failure, ...] = ()

    @classmethod
    def reply_type(cls) -> type[Script]:
        return Script


class RepairSolution(Request[Script]):
    """Ask for a repair of a failed script that keeps its intended change.

    `seconds` is the time of one run of the script from which it was derived, 0 where unknown. `sampled` says that a
    debug run on a sample of the rows had ended well before.
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
    seconds: float = 0.0
    sampled: bool = False
    failures: tuple[Failure, ...] = ()

    @classmethod
    def reply_type(cls) -> type[Script]:
        return Script


class TuneSolution(Request[Script]):
    """Ask for a script tuned to use the time left, such as more rounds, or the same script."""

    role = "executor"

    script: str
    evaluation: Evaluation
    seconds: float
    output: str

    @classmethod
    def reply_type(cls) -> type[Script]:
        return Script
