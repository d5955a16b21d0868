"""The vocabulary of the method: what a diagnosis points at, what a step would change, what a trial has shown.

These types stand in messages, in requests to reasoners and in their replies alike, so that an idea keeps one shape
on its way round the ring.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gome.scenarios.diagnostics.record import Probes
from gome.scenarios.evidence import Evaluation

__all__ = [
    "Blend",
    "Challenge",
    "Component",
    "Effect",
    "Failure",
    "FinalRanking",
    "Finalist",
    "Finding",
    "Hypothesis",
    "Key",
    "Left",
    "Recalled",
    "Record",
    "Scores",
    "Shipped",
    "Solution",
    "Stage",
    "StepKind",
    "TraceBest",
    "TrialNote",
    "Underway",
]

Component = Literal["DataLoadSpec", "FeatureEng", "Model", "Ensemble", "Workflow"]
Stage = Literal["draft", "improve", "ensemble"]
StepKind = Literal["edit", "bundle", "merge", "leap", "return"]
"""How far a step goes: one change; several small ones; another trace's work taken in; a new root; an older solution."""
Key = tuple[str, str, str]
"""What makes two hypotheses the same idea: (component, parameter, direction)."""


class Record(BaseModel):
    """A frozen value; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Challenge(Record):
    """One direction of the gradient: something that holds the solution back."""

    source: Literal["scenario", "feedback"] = "scenario"
    category: str
    caption: str
    statement: str
    reasoning: str
    metric_impact: str


Tenths = Annotated[int, Field(ge=1, le=10)]
"""A self-score."""


class Scores(Record):
    """The five self-scores of a hypothesis, each from 1 to 10."""

    impact: Tenths
    alignment: Tenths
    novelty: Tenths
    feasibility: Tenths
    risk_reward: Tenths


class Hypothesis(Record):
    """One testable change. (component, parameter, direction) is its key: what it turns, and which way.

    `challenge` is the caption of the challenge that it meets, empty for none. `expected_gain` is the predicted
    improvement of the score, in the metric's own units, positive for better. `scores` are given where a step is drawn
    by rank, and nowhere else.
    """

    statement: str
    reason: str
    challenge: str
    component: Component
    parameter: str
    direction: str
    expected_gain: float = 0.0
    scores: Scores | None = None

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
    """One line of a trace's history, as reasoners see it; `judged` is as in TraceBest."""

    trace: int
    step: int
    hypotheses: tuple[Hypothesis, ...]
    score: float | None
    gain: float | None
    accepted: bool
    reason: str
    observations: str
    standard_error: float | None = None
    judged: str = ""


class Recalled(Record):
    """An accepted change out of memory, with where it comes from and why it was recalled.

    `hypotheses` were accepted together: one, or all of a first solution or a bundle. `gain` is what they brought their
    own trace, with its standard error; `score` the score it reached there, `judged` as in TraceBest. `weight` is the
    probability with which the interaction kernel drew it, None for the global best. `script_ref` is the solution that
    has it and `base_ref` the one before; `difference` is what a prompt shows of its script: a diff, or the whole.
    """

    id: str
    trace: int
    step: int
    hypotheses: tuple[Hypothesis, ...]
    feedback: str
    gain: float
    standard_error: float | None
    score: float
    judged: str = ""
    weight: float | None
    why: Literal["global-best", "sampled"]
    script_ref: str
    base_ref: str | None
    difference: str = ""


class Failure(Record):
    """What some script failed of, so that no other does. `mended` is what made it run after all, if anything did."""

    trace: int
    step: int
    idea: str
    words: str
    mended: str = ""


class Finding(Record):
    """What a trial taught, whether it was accepted or not. `contradicted` are trials that showed otherwise."""

    trace: int
    step: int
    text: str
    contradicted: tuple[tuple[int, int], ...] = ()


class TraceBest(Record):
    """Where a trace stands: its best solution, by which step it was reached, and after how many trials.

    `judged` says on how many splits of how many it was run, empty where on all.
    """

    trace: int
    step: int
    score: float
    judged: str = ""
    idea: str
    trials: int
    script_ref: str


class Underway(Record):
    """What another step sets out to change at this moment."""

    trace: int
    step: int
    hypotheses: tuple[Hypothesis, ...]


class Left(Record):
    """What is left for trials once this step is done; None where no limit is set, or where lockstep knows no time.

    `trials` are the run's, which `traces` share.
    """

    trials: int | None = None
    traces: int = 1
    minutes: float | None = None
    calls: float | None = None
    tokens: float | None = None
    usd: float | None = None

    @property
    def told(self) -> str:
        """In words; empty where nothing is limited."""
        parts = []
        if self.trials is not None:
            each = f"about {self.trials // self.traces} for each" if self.trials >= self.traces else "not one for each"
            shared = f", {each} of the {self.traces} traces"
            parts.append(f"{self.trials} trial{'s' if self.trials > 1 else ''}{shared if self.traces > 1 else ''}")
        units = {"minutes": self.minutes, "model calls": self.calls, "tokens": self.tokens, "USD": self.usd}
        parts += [f"{amount:.4g} {unit}" for unit, amount in units.items() if amount is not None]
        return "; ".join(parts)

    @property
    def none(self) -> bool:
        """Whether this step's trial is the run's last."""
        return self.trials is not None and self.trials < 1


class Solution(Record):
    """A script with what was measured of it; `probes` where it was probed."""

    script: str
    evaluation: Evaluation
    seconds: float
    probes: Probes | None = None


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
