"""Requests of the roles to models, and the types of their replies.

A request contains everything that its reply may depend on: task, evidence, history. Its prompt is the template of the
same name in `prompts/`. Every backend answers every request (see `backends/base.py`).
"""

from abc import abstractmethod
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from gome.agents.protocol.hint import Hint
from gome.agents.protocol.kind_record import KindRecord
from gome.agents.protocol.replies import Assessment, Reading, Step, Survey
from gome.agents.protocol.source_script import SourceScript
from gome.agents.protocol.types import (
    Challenge,
    Effect,
    Failure,
    Finding,
    Hypothesis,
    Key,
    Left,
    Recalled,
    Record,
    Repair,
    Solution,
    Source,
    Stage,
    StepKind,
    TraceBest,
    TrialNote,
    Underway,
)
from gome.agents.protocol.workplace import Workplace
from gome.scenarios.config.method import NearTies
from gome.scenarios.diagnostics.record import Diagnostics
from gome.scenarios.evidence import Evaluation, Profile, TaskBrief

__all__ = [
    "AssessTrial",
    "ProposeStep",
    "ReadOutput",
    "Request",
    "Role",
    "SurveyTask",
    "Workplace",
]

Role = Literal["diagnoser", "proposer", "executor"]
Reply = TypeVar("Reply", bound=Record)


class Request(Record, Generic[Reply]):
    """Base of the typed requests. `seed` is drawn from (run seed, trace, step, purpose), for backends that sample.

    Every prompt begins with the fields that all requests of a run share (`task`, `profile`, `workplace`), so that a
    model server can cache that prefix. `rows` is the maximum number of data rows that a prompt shows in one place,
    `baseline` the score of a constant prediction over the splits, None where unknown.
    """

    role: ClassVar[Role]

    task: TaskBrief
    profile: Profile
    workplace: Workplace
    rows: int = 10
    baseline: float | None = None
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

    @property
    def edited(self) -> str | None:
        """The script that edit blocks of the reply apply to; None where a whole script is asked, or none."""
        return None


class SurveyTask(Request[Survey]):
    """Ask for the challenges of the task before any trial, once per run."""

    role = "diagnoser"

    @classmethod
    def reply_type(cls) -> type[Survey]:
        return Survey


class AssessTrial(Request[Assessment]):
    """Ask for the assessment of a trial, whether a near-tie replaces the trace's best, and the next challenges.

    `difference` is the diff from the script that the step continued from: the trace's best, or for a `step_kind` of
    `return` that of trace `source`. `repairs` are the repairs of the script in this step. `wanted` are the sources from
    which challenges are asked, at most five each. `diagnostics` is the error analysis. `stopped` says why not all
    splits were run. `findings` are what trials have taught so far. A gain within `margin` standard errors is a
    near-tie, decided as `near_ties` says; `cheap` says in what a trial that is as good as the trace's best is cheaper.
    `other` is the best of trace `source`, or for a trace's first solution that of all traces; `against` compares the
    trial with it where its script was changed, or this trace has no best, and `errors_against` says where a merge errs
    otherwise than it. `refused` is as in ProposeStep.
    """

    role = "diagnoser"

    step_kind: StepKind = "edit"
    source: int | None = None
    other: TraceBest | None = None
    hypotheses: tuple[Hypothesis, ...]
    incumbent: Solution | None
    script: str
    repairs: tuple[Repair, ...] = ()
    difference: str
    cause: str
    words: str
    output: str
    seconds: float
    cpu_seconds: float = 0.0
    evaluation: Evaluation | None
    diagnostics: Diagnostics | None = None
    effect: Effect | None
    against: Effect | None = None
    errors_against: Diagnostics | None = Field(default=None, exclude_if=lambda found: found is None)
    stopped: str | None = None
    history: tuple[TrialNote, ...]
    refused: tuple[Key, ...] = ()
    findings: tuple[Finding, ...] = ()
    left: Left = Left()
    margin: float = 1.0
    near_ties: NearTies = "analysis"
    cheap: str = ""
    wanted: tuple[Source, ...]

    @classmethod
    def reply_type(cls) -> type[Assessment]:
        return Assessment

    @property
    def same(self) -> bool:
        """Whether no prediction differs from the trace's best's: the loss of each row is equal, by all measures.

        A search of constants that finds nothing better has tested something nevertheless.
        """
        if self.effect is None or not self.effect.none or self.step_kind == "tune":
            return False
        found = self.diagnostics if self.step_kind != "return" else None  # which has another reference
        return found is None or not found.compared or (found.change == 0 and not found.change_error)

    @property
    def before(self) -> Diagnostics | None:
        """The errors of the trace's best where the trial may take its place, if they are of the same rows."""
        known = self.incumbent.diagnostics if self.incumbent and self.step_kind != "return" else None
        alike = known is not None and self.diagnostics is not None and known.rows == self.diagnostics.rows
        return known if alike and self.accepted is not False else None

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
        """Whether the figures are a near-tie."""
        return self.may_stay and self.effect is not None and self.effect.verdict == "near-tie"

    @property
    def decides(self) -> bool:
        """Whether the model decides if the trial is accepted."""
        return self.near_tie and self.near_ties == "analysis"

    @property
    def accepted(self) -> bool | None:
        """Whether the harness accepts the trial unless its alignment is severe; None where the model decides."""
        if self.effect is None or not self.near_tie:
            return self.may_stay
        if self.decides:
            return None
        return self.effect.gain > 0 if self.near_ties == "gain" else bool(self.cheap)

    @property
    def unasked(self) -> frozenset[str]:
        """What the harness decides, or what no later step would read."""
        left_out = {
            "alignment": not self.may_stay,
            "reason": not self.may_stay,
            "accept": not self.decides,
            "finding": self.left.last,
            "contradicts": self.left.last or not self.findings,
            "hypothesis_verdict": self.incumbent is None or self.same,
            "challenges": not self.wanted,
        }
        return frozenset(name for name, is_left_out in left_out.items() if is_left_out)


class ProposeStep(Request[Step]):
    """Ask for the next step: ideas that address the challenges, the choice among them, and a sketch.

    `draft` is a first solution, which implements all ideas that fit together; `improve` changes `base`. At most
    `wanted` ideas are asked for. `challenges` are those of the last diagnosis, none without structured reasoning.
    `refused` are the ideas that this trace has tried without success, including those that `history` no longer shows.

    From memory: `recalled` are accepted changes of other traces, `failures` and `findings` are of all traces;
    `standings` are the bests of all traces, `underway` is what other steps are trying now, and `siblings` are the ideas
    of other first solutions, from which a first solution must differ. `kinds` are the kinds of step that may be chosen;
    `record` is what steps of the `suggested` kind have come to, None where there was none.
    `other` is the best script of another trace, given where a merge or a return may be chosen. `untunable` says which
    constants that `base` declares cannot be tuned, and why.

    `hints` are what the user asks, `base_avoided` what `base` imports though they ask to avoid it, `rejected` the ideas
    of proposals of this step that the user has rejected; without any, the field is left out of the request.

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
    recalled: tuple[Recalled, ...] = ()
    failures: tuple[Failure, ...] = ()
    findings: tuple[Finding, ...] = ()
    standings: tuple[TraceBest, ...] = ()
    underway: tuple[Underway, ...] = ()
    siblings: tuple[Hypothesis, ...] = ()
    kinds: tuple[StepKind, ...] = ("edit",)
    suggested: StepKind | None = Field(default=None, exclude_if=lambda kind: kind is None)
    record: KindRecord | None = Field(default=None, exclude_if=lambda record: record is None)
    untunable: tuple[str, ...] = Field(default=(), exclude_if=lambda faults: not faults)
    other: SourceScript | None = None
    ranked: bool = False
    hints: tuple[Hint, ...] = Field(default=(), exclude_if=lambda hints: not hints)
    base_avoided: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)
    rejected: tuple[Key, ...] = Field(default=(), exclude_if=lambda keys: not keys)

    @classmethod
    def reply_type(cls) -> type[Step]:
        return Step

    @property
    def unasked(self) -> frozenset[str]:
        """What the harness draws, or what cannot be chosen here."""
        if self.ranked:
            return frozenset({"choice", "kind", "recalled", "source", "reason", "sketch", "answer"})
        left_out = {
            "answer": not self.hints,
            "kind": len(self.kinds) < 2,
            "recalled": not self.recalled,
            "source": not {"merge", "return"} & set(self.kinds),
        }
        return frozenset(name for name, is_left_out in left_out.items() if is_left_out)


class ReadOutput(Request[Reading]):
    """Ask for a summary of a script's run, which is all that a tree search uses beside its score.

    `parent` is the trial whose script was changed, None for a first solution; `repairs` as in AssessTrial.
    """

    role = "diagnoser"

    plan: str
    parent: TrialNote | None = None
    repairs: tuple[Repair, ...] = ()
    script: str
    words: str
    output: str
    evaluation: Evaluation | None

    @classmethod
    def reply_type(cls) -> type[Reading]:
        return Reading
