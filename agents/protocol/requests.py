"""The questions that roles put to reasoners, and the shape of their answers.

A request carries everything its answer may depend on: task, evidence, history. It is shaped for a language model; its
prompt is the template of the same name in `prompts/`. Any backend answers any request (see `backends/base.py`).
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
    Scores,
    Solution,
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
    """Base of the typed requests. `seed` is drawn from (run seed, trace, step, purpose), for who needs chance.

    What is the same in all requests of a run stands first in every prompt, so that a model's server can keep it:
    `task`, `profile` and `workplace`. `rows` is how many rows of the data a prompt may show in one place.
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
        """The type of the answer."""

    @property
    def unasked(self) -> frozenset[str]:
        """Fields of the reply that nobody would read here, so that they are not asked for."""
        return frozenset()


class Survey(Record):
    """What the task itself makes hard, at most five."""

    challenges: tuple[Challenge, ...] = Field(max_length=5)


class SurveyTask(Request[Survey]):
    """Once a run: which challenges does this task pose, before anything was tried?"""

    role = "diagnoser"

    @classmethod
    def reply_type(cls) -> type[Survey]:
        return Survey


class Assessment(Record):
    """A reasoner's judgement of one trial. The harness's figures decide all but near-ties, which `accept` decides.

    `finding` is one sentence that every later step should know, whatever becomes of the trial, empty for none.
    `contradicts` are numbers of known findings that this trial shows to be wrong.
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
    """Why is this trial as good as it is, does it replace the trace's best, and what holds the better one back?

    `wanted` says from which sources challenges are asked, at most five each; `refused` is as in ProposeStep.
    `baseline` is the score of a constant prediction over the same splits. `diagnostics` say where it errs, and what
    changed against the best. `stopped` says why a trial did not run on all
    of its splits. `findings` are what trials have taught so far. A gain within `margin` standard errors is a near-tie.
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
        """Whether the trial can become the trace's best, so that its alignment matters."""
        sound = self.evaluation is not None and self.evaluation.valid and self.evaluation.score is not None
        return (
            sound
            and self.stopped not in ("worse", "futile")
            and (self.effect is None or self.effect.verdict != "worse")
        )

    @property
    def near_tie(self) -> bool:
        """Whether the figures leave it to the reasoner to accept it."""
        return self.may_stay and self.effect is not None and self.effect.verdict == "near-tie"

    @property
    def unasked(self) -> frozenset[str]:
        """What the harness decides by itself, or nobody reads."""
        left_out = {
            "alignment": not self.may_stay,
            "reason": not self.may_stay,
            "accept": not self.near_tie,
            "finding": self.left.none,
            "contradicts": self.left.none or not self.findings,
            "hypothesis_verdict": self.incumbent is None,
            "challenges": not self.wanted,
        }
        return frozenset(name for name, is_left_out in left_out.items() if is_left_out)


class Idea(Record):
    """A hypothesis as its author gives it; `challenge` is the number of the challenge that it meets, 0 for none."""

    statement: str
    reason: str
    challenge: Annotated[int, Field(ge=0)] = 0
    component: Component
    parameter: str
    direction: str
    expected_gain: float = 0.0
    scores: Scores | None = None


class Step(Record):
    """Ideas, and which of them this step implements: numbers of `candidates`, counted from 1.

    `recalled` is the number of the idea out of memory that was taken; without a choice it is taken as it stands.
    `source` is the trace whose best a merge takes from, or that the step goes on from in place of the trace's own.
    `sketch` is the plan for whoever writes the script.
    """

    candidates: tuple[Idea, ...] = Field(max_length=10)
    kind: StepKind = "edit"
    choice: tuple[int, ...] = ()
    recalled: int | None = None
    source: int | None = None
    reason: str = ""
    sketch: str = ""


class ProposeStep(Request[Step]):
    """What the next step changes: ideas that answer the challenges, the choice of one, and a sketch of it.

    `draft` is a first solution, which implements all ideas that go together; `improve` changes `base`. At most `wanted`
    ideas are asked for. `challenges` are those of the last diagnosis, none without structured reasoning. `refused` are
    the ideas that this trace has tried without success, also those that `history` no longer shows; `baseline` is the
    score of a constant prediction over the same splits.

    Of memory: `recalled` are accepted changes of other traces, `failures` and `findings` are of all; `standings` are
    the bests of all traces, `underway` is what other steps try at this moment, and `siblings` are the ideas of other
    first solutions, from which a first solution must differ. `kinds` are the kinds of step that may be chosen. A gain
    within `margin` standard errors is a near-tie.

    `ranked` says that the harness draws from the ideas by their scores, and that nothing is to be chosen.
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
    margin: float = 1.0
    ranked: bool = False

    @classmethod
    def reply_type(cls) -> type[Step]:
        return Step

    @property
    def unasked(self) -> frozenset[str]:
        """What is drawn by the harness, or cannot be chosen here."""
        if self.ranked:
            return frozenset({"choice", "kind", "recalled", "source", "reason", "sketch"})
        left_out = {
            "kind": len(self.kinds) < 2,
            "recalled": not self.recalled,
            "source": not {"merge", "return"} & set(self.kinds),
        }
        return frozenset(name for name, is_left_out in left_out.items() if is_left_out)


class Script(Record):
    """A whole `solution.py`, and a sentence on what was changed."""

    script: str = Field(min_length=1)
    notes: str = ""


class PlannedScript(Script):
    """A script whose `notes` are the plan behind it; `hypotheses` say the same in parts, where they are given."""

    hypotheses: tuple[Idea, ...] = ()


class SolveStep(Request[PlannedScript]):
    """Plan and write the next step in one call, as tree search does: a first solution, or one change of `base`.

    `history` is the journal of the tree's trials; `siblings` are the ideas of its other first solutions and `underway`
    those of the steps in the air. `baseline` is the score of a constant prediction over the same splits.
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
        """A plan in words is enough."""
        return frozenset({"hypotheses"})


class Reading(Record):
    """What a run shows, in two or three sentences."""

    summary: str


class ReadOutput(Request[Reading]):
    """What does the run of this script show? All that a tree search asks of a trial, beside its score."""

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
    """Write the whole script: the base with this change and no other; without a base, the first solution.

    `other` is the script that a merge takes from. `seconds` is how long one run of the base took, 0 where that is not
    known. `failures` are what scripts of this run have failed of.
    """

    role = "executor"

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
    failures: tuple[Failure, ...] = ()

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

    @classmethod
    def reply_type(cls) -> type[Script]:
        return Script
