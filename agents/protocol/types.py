"""Types of the method, used in messages, in requests to models and in their replies.

A challenge, a hypothesis or a result therefore has the same type on its whole way round the ring.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gome.scenarios.config.method import StepKind
from gome.scenarios.diagnostics.record import Diagnostics, Probes
from gome.scenarios.evidence import Evaluation

__all__ = [
    "Challenge",
    "Component",
    "Effect",
    "Failure",
    "Finding",
    "Hypothesis",
    "HypothesisVerdict",
    "Key",
    "Left",
    "Recalled",
    "Record",
    "Repair",
    "Scores",
    "Solution",
    "Source",
    "Stage",
    "StepKind",
    "TraceBest",
    "TrialNote",
    "Underway",
]

Component = Literal["DataLoadSpec", "FeatureEng", "Model", "Ensemble", "Workflow"]
Stage = Literal["draft", "improve", "ensemble"]
Source = Literal["scenario", "feedback"]
"""Where a challenge comes from: the task itself, or what trials have shown."""
HypothesisVerdict = Literal["confirmed", "no-gain", "refuted", "inconclusive", "untested"]
"""What a trial says of its ideas; `no-gain`: the cause is real, and mending it does not pay; `untested`: a repair has
taken out what was to be tested, or no prediction changed, so that there was nothing to see of it."""
Key = tuple[str, str, str]
"""Identity of an idea: (component, parameter, direction)."""


class Record(BaseModel):
    """Base of immutable values; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Challenge(Record):
    """Something that holds a solution back: one direction of the gradient. The expert alone gives its `category`."""

    source: Source = "scenario"
    category: str = ""
    caption: str
    statement: str
    reasoning: str
    metric_impact: str


Tenths = Annotated[int, Field(ge=1, le=10)]
"""A self-score."""


class Scores(Record):
    """The five scores of a hypothesis by its author, each from 1 to 10."""

    impact: Tenths
    alignment: Tenths
    novelty: Tenths
    feasibility: Tenths
    risk_reward: Tenths


class Hypothesis(Record):
    """One testable change. (component, parameter, direction) is its key: what it changes, in which direction.

    `challenge` is the caption of the challenge that it addresses, empty for none. `expected_gain` is the predicted
    improvement of the score in the metric's units, positive for better. `scores` are set only where steps are drawn by
    rank.
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
        """Identity of the idea."""
        return (self.component, self.parameter, self.direction)


class Effect(Record):
    """Comparison of a trial with its trace's best: `gain` is the mean paired difference, positive for better.

    It is computed over the `splits` splits of `planned` that both were run on, with `rows` validation rows.
    `standard_error` is None where it cannot be estimated.
    """

    gain: float
    standard_error: float | None
    verdict: Literal["better", "worse", "near-tie"]
    splits: int = 0
    rows: int = 0
    planned: int = 0

    @property
    def judged(self) -> str:
        """On how many splits it rests, as text (`2 of 5`); empty if on all, or on none in common."""
        return f"{self.splits} of {self.planned}" if 0 < self.splits < self.planned else ""

    @property
    def none(self) -> bool:
        """Whether the trial is as good as the best on all rows, by the metric; see also `AssessTrial.same`."""
        return self.gain == 0 and self.standard_error == 0

    def narrower(self, evaluation: Evaluation) -> str:
        """Over how many splits it is (`1 of 5`), where that is fewer than `evaluation` has; else empty."""
        return f"{self.splits} of {evaluation.planned}" if 0 < self.splits < len(evaluation.splits) else ""


class TrialNote(Record):
    """One trial in a trace's history, as models see it; `judged` as in TraceBest.

    `untested`: a repair took its idea out, or no prediction changed; it may be tried again. `gain_judged` says over
    how many splits the gain is, empty where over the same as the score; `observed` on how many the observations rest,
    empty for all. `against` is that of its diagnosis.
    """

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
    gain_judged: str = ""
    observed: str = ""
    untested: bool = False
    against: Effect | None = None


class Recalled(Record):
    """An accepted change of another trace, recalled from memory, and why it was recalled.

    `hypotheses` were accepted together: one, or all of a first solution or a bundle. `gain` is their gain in their own
    trace, with its standard error; `score` is the score reached there, `judged` and `gain_judged` as in TrialNote.
    `against` as in TraceBest. `weight` is the probability with which the interaction kernel drew it, None for the
    global best. `script_ref` is the solution with the change and `base_ref` the one before; `difference` is what a
    prompt shows of its script: a diff, or the whole.
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
    gain_judged: str = ""
    against: Effect | None = None
    weight: float | None
    why: Literal["global-best", "sampled"]
    script_ref: str
    base_ref: str | None
    difference: str = ""


class Failure(Record):
    """Why a script failed, so that others avoid it. `mended` is what fixed it, empty if nothing did."""

    trace: int
    step: int
    idea: str
    words: str
    mended: str = ""


class Finding(Record):
    """What a trial taught, accepted or not. `contradicted` are the (trace, step) of trials that contradict it.

    `judged` says on how many splits of how many it rests, empty for all. `now` is the trial's gain where it, or what it
    was compared with, was run on more splits since; `score` that of a first solution that was run on all since.
    `bettered` are the (trace, step) of later trials that gained by doing otherwise what it did.
    """

    trace: int
    step: int
    text: str
    judged: str = ""
    now: Effect | None = Field(default=None, exclude_if=lambda effect: effect is None)
    score: float | None = Field(default=None, exclude_if=lambda score: score is None)
    bettered: tuple[tuple[int, int], ...] = Field(default=(), exclude_if=lambda steps: not steps)
    contradicted: tuple[tuple[int, int], ...] = ()


class TraceBest(Record):
    """The best solution of a trace, the step that reached it, and the trace's number of trials.

    `judged` says on how many splits of how many it was run, empty where on all; `folds` are the scores of the splits
    numbered `splits`. `oof_ref` are its out-of-fold predictions. `seconds` is the time of one run and `cpu_seconds` its
    processor time, 0 where unknown or in lockstep. `against` compares it with the best of the trace that is told of it,
    on common splits: None for that one itself, or where it has none.
    """

    trace: int
    step: int
    score: float
    judged: str = ""
    idea: str
    trials: int
    script_ref: str
    oof_ref: str | None = None
    splits: tuple[int, ...] = ()
    folds: tuple[float, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    against: Effect | None = None


class Repair(Record):
    """A repair of a trial's script: the failure before it, and what the repair changed."""

    phase: Literal["check", "debug", "full"]
    words: str
    notes: str = ""


class Underway(Record):
    """What another step is trying now. `unwanted` is what of it the user asks to avoid, maybe since it was begun."""

    trace: int
    step: int
    hypotheses: tuple[Hypothesis, ...]
    unwanted: tuple[str, ...] = Field(default=(), exclude_if=lambda words: not words)


class Left(Record):
    """Budget left for trials after this step; None where no limit is set, and for time in lockstep.

    `trials` is the number for the run, shared by `traces`. `over` says that all of these are under way by now.
    """

    trials: int | None = None
    traces: int = 1
    minutes: float | None = None
    calls: float | None = None
    tokens: float | None = None
    usd: float | None = None
    over: bool = False

    @property
    def told(self) -> str:
        """As text; empty where nothing is limited."""
        parts = []
        if self.trials is not None:
            shared = f" of the run, for its {self.traces} traces together" if self.traces > 1 else ""
            parts.append(f"{self.trials} trial{'s' if self.trials > 1 else ''}{shared}")
        units = {"minutes": self.minutes, "model calls": self.calls, "tokens": self.tokens, "USD": self.usd}
        parts += [f"{amount:.4g} {unit}" for unit, amount in units.items() if amount is not None]
        return "; ".join(parts)

    @property
    def none(self) -> bool:
        """Whether this step's trial is the run's last."""
        return self.trials is not None and self.trials < 1

    @property
    def last(self) -> bool:
        """Whether no further step follows in this trace, so that nobody reads what one should know."""
        return self.none or self.over


class Solution(Record):
    """A script with its evaluation; `probes` where it was probed, `output` the last figures that it printed.

    `diagnostics` is the analysis of its errors, None where there is none. `seconds` and `cpu_seconds` as in TraceBest.
    """

    script: str
    evaluation: Evaluation
    seconds: float
    cpu_seconds: float = 0.0
    diagnostics: Diagnostics | None = None
    probes: Probes | None = None
    output: str = ""
