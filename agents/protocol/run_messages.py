"""The messages that open and end a run. Each docstring begins with sender → receivers."""

from typing import Any, Literal

from pydantic import Field

from gome.agents.protocol.final_selection import Ensemble, Finalist, FinalRanking, Shipped
from gome.agents.protocol.hint import Hint
from gome.agents.protocol.types import Hypothesis
from gome.agents.protocol.workplace import Workplace
from gome.bus.message import Message
from gome.scenarios.evidence import Grade, Profile, TaskBrief

__all__ = [
    "RUN_MESSAGES",
    "DeadlineReached",
    "FinishCalled",
    "FinishRequested",
    "HintGiven",
    "PauseRequested",
    "RunFinished",
    "RunOpened",
    "SessionClosed",
    "SessionOpened",
    "TrialsSpent",
]


class RunOpened(Message):
    """The user → all actors. First message of a log, with everything that the run depends on.

    `scenario` is the whole scenario with its defaults. `reasoners` maps a role to the label of its backend, as shown to
    users. `splits` are the views of a trial, in the order in which they are run; `baseline` is the score of a constant
    prediction over them. `start_ref` is the script that traces start from, if any. `probed` says that the task has
    views on which solutions can be probed.
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
    """The process → Director and viewers. Sent at each start and resume; `wall` is UTC seconds since 1970.

    `budget` is set where a resume changes the run's budget, `roles` (role → backend of the scenario) where a fork
    changes the backends. `reasoners` maps a role to the label of its backend from here on. `standby` is `on` where each
    slot has a warm interpreter, else `off` and the reason.
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


class SessionClosed(Message):
    """The process → viewers: this process stops before the run has finished. A process that was killed says nothing."""

    kind: Literal["session_closed"] = "session_closed"
    reason: str


class HintGiven(Message):
    """The user → Proposers: what the steps to come should follow; of all traces, or of the message's own.

    `script_ref` is a script that the next step runs as it is. `note` is the name of the file by which the hint came.
    """

    kind: Literal["hint_given"] = "hint_given"
    note: str
    hint: Hint
    script_ref: str | None = None


class PauseRequested(Message):
    """The user → Director: open no further step while the pause is `on`. A resume, a deadline or a finish ends it.

    The pause begins after `after` further steps; in lockstep they are rounded up to whole rounds.
    """

    kind: Literal["pause_requested"] = "pause_requested"
    note: str
    on: bool
    after: int = 0


class ProposalOffered(Message):
    """Proposer → the user: may this be written? Sent ahead of the Proposal where the scenario says `confirm`.

    `proposal_ref` is the whole Proposal as JSON. With `written` its script exists, and `sketch` cannot be changed.
    """

    kind: Literal["proposal_offered"] = "proposal_offered"
    hypotheses: tuple[Hypothesis, ...]
    reason: str
    sketch: str
    proposal_ref: str
    written: bool = False


class ProposalReviewed(Message):
    """The user → Proposer: the answer to the offer with the id `offer`, which came by `note`.

    What is accepted is written, with `sketch` in place of the offered one where it is set. What is not is proposed
    anew; `hint` says so to this and later proposals.
    """

    kind: Literal["proposal_reviewed"] = "proposal_reviewed"
    note: str
    offer: str
    accepted: bool
    sketch: str | None = None
    hint: Hint = Hint()


class FinishRequested(Message):
    """The user → Director, Runner: begin nothing for open steps any more, and call the finish when they have ended."""

    kind: Literal["finish_requested"] = "finish_requested"


class DeadlineReached(Message):
    """The clock → Director, Runner: the time for trials is over; the rest is reserved for the finish."""

    kind: Literal["deadline_reached"] = "deadline_reached"


class TrialsSpent(Message):
    """Director → Proposers, Writers, Diagnosers: the budget's last trial is under way, so no step will follow."""

    kind: Literal["trials_spent"] = "trials_spent"


class FinishCalled(Message):
    """Director → Finisher: run the finalists again without the hold-out's labels, with `seeds` seeds; choose one.

    `pool` are all solutions with out-of-fold predictions for all splits, from which an ensemble of at most `members`
    is selected. `compares` says that there is time to compare the mean of the splits' models with a refit.
    """

    kind: Literal["finish_called"] = "finish_called"
    finalists: tuple[Finalist, ...]
    seeds: int
    reason: str
    compares: bool = False
    pool: tuple[Finalist, ...] = ()
    members: int = 1


class RunFinished(Message):
    """Finisher → the user: the winner, the ranking, and the grade where the task has private answers.

    `winner` is None where no trial was accepted. `ensemble` is that of several trials, None where none was selected.
    `shipped` is how the predictions of each member were made, and why. The grade is computed after the choice, for the
    submission.
    """

    kind: Literal["run_finished"] = "run_finished"
    winner: Finalist | None
    ranking: tuple[FinalRanking, ...]
    ensemble: Ensemble | None = None
    shipped: Shipped | None = None
    submission_ref: str | None = None
    why: str
    grade: Grade | None
    trials: int
    accepted: int
    dead_letters: int

    @property
    def members(self) -> tuple[Finalist, ...]:
        """The solutions whose predictions are submitted: those of the ensemble if it was taken, else the winner."""
        if self.ensemble is not None and self.ensemble.taken:
            return self.ensemble.members
        return (self.winner,) if self.winner is not None else ()

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights of `members`."""
        return self.ensemble.weights if self.ensemble is not None and self.ensemble.taken else (1.0,)


RUN_MESSAGES = (
    DeadlineReached,
    FinishCalled,
    FinishRequested,
    HintGiven,
    PauseRequested,
    ProposalOffered,
    ProposalReviewed,
    RunFinished,
    RunOpened,
    SessionClosed,
    SessionOpened,
    TrialsSpent,
)
