"""The messages of the ring. Each says who says it, who hears it, and what follows.

    Director ──TraceOpened──► Diagnoser ──Diagnosis──► Director ──StepOpened──► Memory-Keeper
       ▲                          ▲                                                   │
       │                        Trial                                           Recollection
       │                          │                                                   ▼
       └──────── all ────────── Runner ◄──────Job────── Writer ◄──────Proposal──── Proposer
                                  └──────RepairCalled─────►

Scripts, prompts and outputs are named by the hash of their artefact (`…_ref`) and never carried.
"""

from typing import Any, Literal, Self

from pydantic import Field

from gome.agents.protocol.types import (
    Blend,
    Challenge,
    Effect,
    Failure,
    Finalist,
    FinalRanking,
    Finding,
    Hypothesis,
    Left,
    Recalled,
    Shipped,
    Stage,
    StepKind,
    TraceBest,
    Underway,
)
from gome.agents.protocol.workplace import Workplace
from gome.bus.events import LIFECYCLE
from gome.bus.message import Message, Vocabulary
from gome.executors.launch import Cause
from gome.scenarios.diagnostics.record import Probes
from gome.scenarios.evidence import Evaluation, Grade, Profile, TaskBrief

__all__ = [
    "VOCABULARY",
    "DeadlineReached",
    "Diagnosis",
    "FinishCalled",
    "FinishRequested",
    "Job",
    "Proposal",
    "Recollection",
    "RepairCalled",
    "RunFinished",
    "RunOpened",
    "SessionOpened",
    "SolutionCompleted",
    "SolutionProbed",
    "StepOpened",
    "TraceOpened",
    "TraceRestarted",
    "Trial",
    "TuneCalled",
]


class RunOpened(Message):
    """The user → everybody. The first message of a log: all that the run depends on, so that the log stands alone.

    `scenario` is the whole scenario, defaults filled in. `reasoners` maps a role to the label of the backend that
    answers for it, as it is shown everywhere. `splits` are the views that a trial is run on, in this order; `baseline`
    is the score of a constant prediction over them. `start_ref` is the script that traces begin from, if there is one.
    `probed` says that the task has views on which solutions can be probed.
    """

    kind: Literal["run_opened"] = "run_opened"
    version: str
    name: str
    scenario: dict[str, Any]
    scenario_path: str
    task_path: str
    task_digest: str
    task: TaskBrief
    profile: Profile
    workplace: Workplace
    reasoners: dict[str, str]
    splits: tuple[str, ...]
    baseline: float | None
    start_ref: str | None = None
    probed: bool = False


class SessionOpened(Message):
    """The process → Director and who shows times. One at each start and resume; `wall` is UTC seconds since 1970.

    `budget` is given where a resume changes the run's budget, `roles` (role → backend of the scenario) where a fork
    lets others answer. `reasoners` maps a role to the label of the backend that answers for it from here on.
    `standby` is `on` where an interpreter waits beside each slot, else `off` and why.
    """

    kind: Literal["session_opened"] = "session_opened"
    wall: float
    pid: int
    sandbox: str
    sandbox_gaps: tuple[str, ...] = ()
    slots: int
    standby: str = "off"
    reasoners: dict[str, str] = Field(default_factory=dict)
    budget: dict[str, Any] | None = None
    roles: dict[str, Any] | None = None


class FinishRequested(Message):
    """The user → Director: no new step; call the finish when what is in the air has landed."""

    kind: Literal["finish_requested"] = "finish_requested"


class DeadlineReached(Message):
    """The clock → Director, Runner: the time for new trials is over; what is left is the finish's."""

    kind: Literal["deadline_reached"] = "deadline_reached"


class TraceOpened(Message):
    """Director → Diagnoser of that trace: begin. Stands at step 0.

    `challenges` are what the first trace's survey of the task has found, which all share; None asks for the survey.
    """

    kind: Literal["trace_opened"] = "trace_opened"
    challenges: tuple[Challenge, ...] | None = None


class TraceRestarted(Message):
    """Director → the trace's roles, Memory-Keeper: go on from another solution, or from a fresh root.

    `script_ref` is that solution, None for a fresh root; `challenges` are what its diagnosis pointed at.
    """

    kind: Literal["trace_restarted"] = "trace_restarted"
    reason: str
    script_ref: str | None
    evaluation: Evaluation | None
    seconds: float = 0.0
    challenges: tuple[Challenge, ...] = ()


class StepOpened(Message):
    """Director → Memory-Keeper, the trace's roles: take this step.

    `used` is the share of the budget spent, finish excluded, in [0, 1]; `left` what is left in numbers.
    """

    kind: Literal["step_opened"] = "step_opened"
    used: float
    stage: Stage
    left: Left = Left()


class Recollection(Message):
    """Memory-Keeper → Proposer, Writer, Diagnoser: what the run knows that may help this step.

    `recalled` is the momentum: accepted changes of other traces. `failures` and `findings` are of all traces,
    `standings` where each stands, `underway` what other steps try at this moment. `siblings` are what others have
    proposed, given until the trace's first accept.
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

    `action` is `draft` for a first solution, `improve` for a change, `debug` for mending a failed script as a tree
    search does, `start` for the user's own script, `base_ref`, as it is. `step_kind` says how far a change goes, and
    `other_ref` which script a merge takes from. `base_ref` is None for a draft. `origin` names the recalled change that
    was taken, None for the trace's own. `ideas` are all that were thought of. `parent` is the step that a tree search
    goes on from. `script_ref` is the script itself, where it was written together with its plan.
    """

    kind: Literal["proposal"] = "proposal"
    action: Literal["draft", "improve", "debug", "start"]
    step_kind: StepKind = "edit"
    hypotheses: tuple[Hypothesis, ...]
    ideas: tuple[Hypothesis, ...] = ()
    sketch: str
    reason: str
    base_ref: str | None
    other_ref: str | None = None
    origin: str | None
    stage: Stage
    parent: int | None = None
    script_ref: str | None = None


class Job(Message):
    """Writer → Runner: run this script. `attempt` counts from 1; each repair adds one.

    `tunes` is the good trial that a tuned script is to beat.
    """

    kind: Literal["job"] = "job"
    script_ref: str
    attempt: int
    notes: str
    tunes: "Trial | None" = None


class RepairCalled(Message):
    """Runner → Writer: the script failed and attempts are left. `phase` is where, `seconds` what a debug run took."""

    kind: Literal["repair_called"] = "repair_called"
    script_ref: str
    attempt: int
    phase: Literal["check", "debug", "full"]
    cause: Cause
    words: str
    output_ref: str | None
    evaluation: Evaluation | None
    seconds: float = 0.0


class Trial(Message):
    """Runner → Diagnoser, Director: a step's script was run. `evaluation` is None where it never ended well.

    `stopped` says why not all splits were run, with `words`: it was clearly `worse` than the trace's best, nothing left
    could make it better (`futile`), or enough was known (`decided`). `seconds` is the mean time of one run. `oof_ref`
    and `submission_ref` are the out-of-fold predictions and the mean of the splits' predictions for the test rows,
    `diagnostics_ref` what the harness found out about its errors.

    `late` says that it was not run at all, the time for trials being over.
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
    oof_ref: str | None = None
    diagnostics_ref: str | None = None
    stopped: Literal["worse", "futile", "decided"] | None = None
    late: bool = False


class SolutionCompleted(Message):
    """Completer → the trace's roles, Director: an accepted solution was run on the splits that it lacked."""

    kind: Literal["solution_completed"] = "solution_completed"
    script_ref: str
    evaluation: Evaluation
    submission_ref: str
    oof_ref: str | None


class SolutionProbed(Message):
    """Prober → the trace's roles: what runs on other data show of an accepted solution."""

    kind: Literal["solution_probed"] = "solution_probed"
    script_ref: str
    probes: Probes


class TuneCalled(Message):
    """Runner → Writer: the trace's first full run went well and time is left; tune the script once."""

    kind: Literal["tune_called"] = "tune_called"
    trial: Trial


class Diagnosis(Message):
    """Diagnoser → Proposer, Memory-Keeper, Director: the gradient. Exactly one for each (trace, step).

    `verdict` is `surveyed` at step 0, `dead` where a message of the step became a dead letter. `layer` is the first
    layer of validation that failed, or the one that decided. `score` is None where there is none or where a severe
    misalignment erased it (`erased`); of a trial that was stopped early it is that of the splits that were run.
    `finding` is what the trial taught, `contradicts` the (trace, step) of earlier findings that it shows to be wrong.
    """

    kind: Literal["diagnosis"] = "diagnosis"
    verdict: Literal["surveyed", "accepted", "rejected", "failed", "dead"]
    layer: Literal["format", "alignment", "analysis"] | None
    reason: str
    observations: str
    finding: str = ""
    contradicts: tuple[tuple[int, int], ...] = ()
    hypotheses: tuple[Hypothesis, ...]
    hypothesis_verdict: Literal["confirmed", "refuted", "inconclusive"] | None
    challenges: tuple[Challenge, ...]
    script_ref: str | None
    submission_ref: str | None
    oof_ref: str | None = None
    evaluation: Evaluation | None
    seconds: float
    score: float | None
    erased: bool
    effect: Effect | None

    @classmethod
    def without_trial(
        cls, verdict: Literal["surveyed", "dead"], reason: str, challenges: tuple[Challenge, ...] = ()
    ) -> Self:
        """What is said where no script was run."""
        return cls(
            verdict=verdict,
            layer=None,
            reason=reason,
            observations="",
            hypotheses=(),
            hypothesis_verdict=None,
            challenges=challenges,
            script_ref=None,
            submission_ref=None,
            oof_ref=None,
            evaluation=None,
            seconds=0.0,
            score=None,
            erased=False,
            effect=None,
        )

    @property
    def accepted(self) -> bool:
        """Whether the trace's best is replaced by this solution."""
        return self.verdict == "accepted"


class FinishCalled(Message):
    """Director → Finisher: run these again on data without the hold-out's labels, with so many seeds, and choose.

    `compares` says that there is time to try on the hold-out whether the mean of the splits' models or a refit ships.
    """

    kind: Literal["finish_called"] = "finish_called"
    finalists: tuple[Finalist, ...]
    seeds: int
    reason: str
    compares: bool = False


class RunFinished(Message):
    """Finisher → the user: the winner, the ranking it comes from, and its grade where the task has private answers.

    `winner` is None where no trial was ever accepted. `blend` is the finalists' mean where there are several, `taken`
    where it was better. `shipped` is how the predictions of each member were made, and why. The grade is computed
    after the choice, of what is submitted.
    """

    kind: Literal["run_finished"] = "run_finished"
    winner: Finalist | None
    ranking: tuple[FinalRanking, ...]
    blend: Blend | None = None
    shipped: Shipped | None = None
    submission_ref: str | None = None
    why: str
    grade: Grade | None
    trials: int
    accepted: int
    dead_letters: int

    @property
    def members(self) -> tuple[Finalist, ...]:
        """The finalists whose predictions are submitted: those of the blend where it was taken, else the winner."""
        if self.winner is None:
            return ()
        if self.blend is None or not self.blend.taken:
            return (self.winner,)
        ranked = {(each.finalist.trace, each.finalist.step): each.finalist for each in self.ranking}
        return tuple(ranked[place] for place in self.blend.members)


VOCABULARY = Vocabulary.of(
    (
        *LIFECYCLE,
        DeadlineReached,
        Diagnosis,
        FinishCalled,
        Job,
        Proposal,
        Recollection,
        RepairCalled,
        RunFinished,
        RunOpened,
        SessionOpened,
        SolutionCompleted,
        SolutionProbed,
        StepOpened,
        FinishRequested,
        TraceOpened,
        TraceRestarted,
        Trial,
        TuneCalled,
    )
)
