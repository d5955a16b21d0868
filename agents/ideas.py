"""The vocabulary of the method: what a diagnosis points at, what a step would change, what a trial has shown.

These types stand in messages, in requests to reasoners and in their replies alike, so that an idea keeps one shape
on its way round the ring.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from scenarios.evidence import Evaluation

__all__ = [
    "Blend",
    "Challenge",
    "Component",
    "Effect",
    "FinalRanking",
    "Finalist",
    "Hypothesis",
    "Key",
    "Recalled",
    "Record",
    "Score",
    "Scores",
    "Shipped",
    "Solution",
    "Stage",
    "TrialNote",
]

Component = Literal["DataLoadSpec", "FeatureEng", "Model", "Ensemble", "Workflow"]
Stage = Literal["draft", "improve", "ensemble"]
Key = tuple[str, str, str]
"""What makes two hypotheses the same idea: (component, parameter, direction)."""


class Record(BaseModel):
    """A frozen value; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Challenge(Record):
    """One direction of the gradient: something that holds the solution back."""

    source: Literal["scenario", "feedback"]
    category: str
    caption: str
    statement: str
    reasoning: str
    metric_impact: str


class Score(Record):
    """A self-score from 1 to 10 with its reason."""

    value: Annotated[int, Field(ge=1, le=10)]
    reason: str = ""


class Scores(Record):
    """The five self-scores of a hypothesis."""

    impact: Score
    alignment: Score
    novelty: Score
    feasibility: Score
    risk_reward: Score


class Hypothesis(Record):
    """One testable change. (component, parameter, direction) is its key: what it turns, and which way.

    `expected_gain` is the predicted improvement of the score, in the metric's own units, positive for better.
    """

    statement: str
    reason: str
    challenge: str
    component: Component
    parameter: str
    direction: str
    scores: Scores
    expected_gain: float = 0.0

    @property
    def key(self) -> Key:
        """What makes two hypotheses the same idea."""
        return (self.component, self.parameter, self.direction)


class Effect(Record):
    """A trial against its trace's best: `gain` is the mean paired difference over their splits, positive for better.

    It rests on `splits` splits that both were run on, with `rows` validation rows. `standard_error` is None where it
    cannot be had.
    """

    gain: float
    standard_error: float | None
    verdict: Literal["better", "worse", "near-tie"]
    splits: int = 0
    rows: int = 0


class TrialNote(Record):
    """One line of a trace's history, as reasoners see it."""

    trace: int
    step: int
    hypotheses: tuple[Hypothesis, ...]
    score: float | None
    gain: float | None
    accepted: bool
    reason: str
    observations: str


class Recalled(Record):
    """A validated hypothesis out of the success memory, with where it comes from and why it was recalled.

    `gain` is what it brought its own trace; `score` the score it reached there. `weight` is the probability
    with which the interaction kernel drew it, None for the global best.
    """

    id: str
    trace: int
    step: int
    hypothesis: Hypothesis
    feedback: str
    gain: float
    score: float
    weight: float | None
    why: Literal["global-best", "sampled"]


class Solution(Record):
    """A script with what was measured of it."""

    script: str
    evaluation: Evaluation
    seconds: float


class Finalist(Record):
    """One candidate of the finish. `splits` are those that its trial was run on, `seconds` the time of one run."""

    trace: int
    step: int
    script_ref: str
    submission_ref: str
    score: float
    standard_error: float | None
    seconds: float
    splits: tuple[int, ...] = ()
    oof_ref: str | None = None


class FinalRanking(Record):
    """A finalist's hold-out scores, one a seed; None where the re-run failed. `gap` is hold-out minus out-of-fold."""

    finalist: Finalist
    scores: tuple[float | None, ...]
    mean: float | None
    spread: float | None
    gap: float | None
    misaligned: bool


class Blend(Record):
    """The mean of several finalists' predictions, named by (trace, step): hold-out scores, one a seed.

    `taken` says that it is submitted.
    """

    members: tuple[tuple[int, int], ...]
    scores: tuple[float | None, ...]
    mean: float | None
    spread: float | None
    taken: bool


class Shipped(Record):
    """How a submission was made: as the mean of the models of the splits, or by a refit on all rows.

    `mean` and `refit` are the winner's scores on the hold-out in both ways, None where they were not compared.
    """

    mode: Literal["mean", "refit"]
    reason: str
    mean: float | None = None
    refit: float | None = None
