"""The messages of the ring. Each docstring begins with sender → receivers.

    Director ──TraceOpened──► Diagnoser ──Diagnosis──► Director ──StepOpened──► Memory-Keeper
       ▲                          ▲                                                   │
       │                        Trial                                           Recollection
       │                          │                                                   ▼
       └──────── all ────────── Runner ◄──────Job────── Writer ◄──────Proposal──── Proposer
                                  └──────RepairCalled─────►

Scripts, prompts and outputs are referred to by the hash of their artefact (`…_ref`) and never contained in a message.
"""

from collections.abc import Sequence
from typing import Literal, Self

from gome.agents.protocol.backend_choice import Choices
from gome.agents.protocol.kind_record import KindRecord
from gome.agents.protocol.run_messages import RUN_MESSAGES
from gome.agents.protocol.searched import Searched
from gome.agents.protocol.types import (
    Challenge,
    Effect,
    Failure,
    Finding,
    Hypothesis,
    HypothesisVerdict,
    Left,
    Recalled,
    Stage,
    StepKind,
    TraceBest,
    Underway,
)
from gome.bus.events import LIFECYCLE
from gome.bus.message import Message, Vocabulary
from gome.executors.launch import Cause
from gome.scenarios.diagnostics.record import Probes
from gome.scenarios.evidence import Evaluation

__all__ = [
    "VOCABULARY",
    "Diagnosis",
    "Job",
    "Proposal",
    "Recollection",
    "RepairCalled",
    "SolutionCompleted",
    "SolutionProbed",
    "StepOpened",
    "TraceFolded",
    "TraceOpened",
    "TraceRestarted",
    "Trial",
]


class TraceOpened(Message):
    """Director → the trace's Diagnoser: start the trace. Sent at step 0.

    `challenges` are the result of the first trace's survey of the task, shared by all traces; None asks for the survey.
    """

    kind: Literal["trace_opened"] = "trace_opened"
    challenges: tuple[Challenge, ...] | None = None


class TraceFolded(Message):
    """Director → viewers: the trace takes no further step. Its solutions and its memory are kept."""

    kind: Literal["trace_folded"] = "trace_folded"
    reason: str


class TraceRestarted(Message):
    """Director → the trace's roles, Memory-Keeper: continue from another solution, or with a new first solution.

    `script_ref` is that solution, None for a new first one; the other fields are those of its diagnosis.
    """

    kind: Literal["trace_restarted"] = "trace_restarted"
    reason: str
    script_ref: str | None = None
    evaluation: Evaluation | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    oof_ref: str | None = None
    output_ref: str | None = None
    diagnostics_ref: str | None = None
    challenges: tuple[Challenge, ...] = ()


class StepOpened(Message):
    """Director → Memory-Keeper, the trace's roles: start this step.

    `used`: share of the budget spent, finish excluded, in [0, 1]; `left`: what remains; `records`: by kind of step.
    """

    kind: Literal["step_opened"] = "step_opened"
    used: float
    stage: Stage
    left: Left = Left()
    records: tuple[KindRecord, ...] = ()
    backends: Choices = ()


class Recollection(Message):
    """Memory-Keeper → Proposer, Writer, Diagnoser: what the run knows that may help this step.

    `recalled` is the momentum: accepted changes of other traces. `failures` and `findings` are of all traces,
    `standings` the best of each, `underway` what other steps try now, `siblings` ideas until the trace's first accept.
    """

    kind: Literal["recollection"] = "recollection"
    recalled: tuple[Recalled, ...] = ()
    failures: tuple[Failure, ...] = ()
    findings: tuple[Finding, ...] = ()
    standings: tuple[TraceBest, ...] = ()
    underway: tuple[Underway, ...] = ()
    siblings: tuple[Hypothesis, ...] = ()


class Proposal(Message):
    """Proposer → Writer, Diagnoser, Memory-Keeper, Director: what this step changes, on which solution, and how.

    `action` is `draft` for a first solution, `improve` for a change, `debug` for the repair of a failed script in a
    tree search, `start` for the user's own script (`base_ref`, unchanged). `base_ref` is the script to change, None for
    a draft. `source` is the trace that a merge takes from (its script is `other_ref`) or a return continues from (its
    script is `base_ref`). `origin` is the id of the recalled change that is tried, None for the trace's own ideas.
    `ideas` are all candidates. `parent` is the step from which a tree search continues, `script_ref` a script written
    together with its plan. `hints` are the ids of the user's hints, and `answer` says how the step follows them.
    """

    kind: Literal["proposal"] = "proposal"
    action: Literal["draft", "improve", "debug", "start"]
    step_kind: StepKind = "edit"
    hypotheses: tuple[Hypothesis, ...]
    ideas: tuple[Hypothesis, ...] = ()
    sketch: str = ""
    reason: str = ""
    base_ref: str | None = None
    other_ref: str | None = None
    source: int | None = None
    origin: str | None = None
    stage: Stage
    parent: int | None = None
    script_ref: str | None = None
    hints: tuple[str, ...] = ()
    answer: str = ""


class Job(Message):
    """Writer → Runner: run this script, or with `searches` search its constants; `unlike`: not from the best."""

    kind: Literal["job"] = "job"
    script_ref: str
    attempt: int
    notes: str
    searches: bool = False
    unlike: bool = False


class RepairCalled(Message):
    """Runner → Writer: the script failed in `phase`, and attempts are left.

    Times are of the failed run. `sampled`: a debug run had ended well before. `hints`: ids of those that refused it.
    """

    kind: Literal["repair_called"] = "repair_called"
    script_ref: str
    attempt: int
    phase: Literal["check", "debug", "full"]
    cause: Cause
    words: str
    output_ref: str | None
    evaluation: Evaluation | None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    sampled: bool = False
    hints: tuple[str, ...] = ()


class Trial(Message):
    """Runner → Diagnoser, Director: the result of a step's script. `evaluation` is None where it never ended well.

    `stopped` says why not all splits were run, with details in `words`: clearly `worse` than the trace's best, no
    longer able to become better (`futile`), already known to be better (`decided`), or as good on every row (`same`).
    `seconds` is the mean time of one run, `cpu_seconds` its processor time. `oof_ref` are the out-of-fold predictions,
    `submission_ref` the mean of those for the test rows. `late`: the run had ended; `searched`: by a search.
    """

    kind: Literal["trial"] = "trial"
    script_ref: str
    attempts: int
    phase: Literal["check", "debug", "full"]
    cause: Cause
    words: str
    seconds: float
    output_ref: str | None
    submission_ref: str | None
    evaluation: Evaluation | None
    cpu_seconds: float = 0.0
    oof_ref: str | None = None
    stopped: Literal["worse", "futile", "decided", "same"] | None = None
    late: bool = False
    searched: Searched | None = None


class SolutionCompleted(Message):
    """Completer, Runner → the trace's roles, Memory-Keeper, Director: an accepted solution was run on more splits.

    The Completer runs it on all of them, the Runner on those that a later trial is compared on. `evaluation` and what
    follows are of all splits so far; `diagnostics_ref` refers to the analysis of its errors.
    """

    kind: Literal["solution_completed"] = "solution_completed"
    script_ref: str
    evaluation: Evaluation
    submission_ref: str
    oof_ref: str | None
    diagnostics_ref: str | None = None

    def adds_to(self, script_ref: str | None, splits: Sequence[int]) -> bool:
        """Whether it has a score of that script on more splits than those that are known."""
        evaluation = self.evaluation
        return script_ref == self.script_ref and evaluation.score is not None and len(evaluation.splits) > len(splits)


class SolutionProbed(Message):
    """Prober → the trace's roles: results of probe runs of an accepted solution."""

    kind: Literal["solution_probed"] = "solution_probed"
    script_ref: str
    probes: Probes


class Diagnosis(Message):
    """Diagnoser → Proposer, Memory-Keeper, Director: the gradient. Exactly one for each (trace, step).

    `verdict` is `surveyed` at step 0, `dead` where a message of the step became a dead letter, `unfinished` where the
    run's end or budget came first. `layer` is that of validation which failed or decided. `score` is of the splits run,
    None where a severe misalignment `erased` it. `finding` is what the trial taught, `contradicts` the (trace, step) of
    findings that it refutes. `diagnostics_ref` is the analysis of its errors. `effect` is over the trace's best, or
    over what a return changed, whose gain over the best is `over_best`; `against` is over a merge's source.
    """

    kind: Literal["diagnosis"] = "diagnosis"
    verdict: Literal["surveyed", "accepted", "rejected", "failed", "dead", "unfinished"]
    layer: Literal["format", "alignment", "analysis"] | None = None
    reason: str
    observations: str = ""
    finding: str = ""
    contradicts: tuple[tuple[int, int], ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    hypothesis_verdict: HypothesisVerdict | None = None
    challenges: tuple[Challenge, ...] = ()
    script_ref: str | None = None
    submission_ref: str | None = None
    oof_ref: str | None = None
    output_ref: str | None = None
    diagnostics_ref: str | None = None
    evaluation: Evaluation | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    score: float | None = None
    erased: bool = False
    effect: Effect | None = None
    against: Effect | None = None
    over_best: Effect | None = None

    @classmethod
    def without_trial(
        cls, verdict: Literal["surveyed", "dead", "unfinished"], reason: str, challenges: tuple[Challenge, ...] = ()
    ) -> Self:
        """The diagnosis of a step without a trial."""
        return cls(verdict=verdict, reason=reason, challenges=challenges)

    @property
    def accepted(self) -> bool:
        """Whether this solution replaces the trace's best."""
        return self.verdict == "accepted"


VOCABULARY = Vocabulary.of(
    (
        *LIFECYCLE,
        *RUN_MESSAGES,
        Diagnosis,
        Job,
        Proposal,
        Recollection,
        RepairCalled,
        SolutionCompleted,
        SolutionProbed,
        StepOpened,
        TraceFolded,
        TraceOpened,
        TraceRestarted,
        Trial,
    )
)
