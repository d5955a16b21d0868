"""The constants of the method. docs/method.md says where each comes from."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gome.scenarios.config.fields import Model, Seconds

__all__ = [
    "AutoSettings",
    "FinishSettings",
    "KindSettings",
    "Method",
    "NearTies",
    "Racing",
    "Scheduling",
    "Stagnation",
    "StepKind",
    "TraceSettings",
    "TreeSettings",
    "Tuning",
]


class Racing(Model):
    """When a trial stops before all its splits have run (docs/method.md). Margins are standard errors of the gain."""

    enabled: bool | None = None
    """Whether trials may stop early. Default: yes for the optimizer gome, no for the controls."""
    margin: Annotated[float, Field(ge=0)] = 1.0
    """A trial stops if it is worse than the trace's best by this many standard errors."""
    first_margin: Annotated[float, Field(ge=0)] = 2.0
    """Replaces `margin` after the first split of a group or time split, whose splits differ much."""
    futility: Annotated[float, Field(ge=0)] = 1.64
    """A trial stops if its final gain, this many standard errors above the estimate, would still not be accepted."""
    decisive: Annotated[float, Field(ge=0)] = 2.0
    """A heavy script stops once it is better than the trace's best by this many standard errors."""
    heavy: Seconds = 5.0
    """Run time from which a script counts as heavy (six times this for a first solution): seconds, or text."""


class FinishSettings(Model):
    """How the finish compares the best solutions and what it submits."""

    candidates: Annotated[int, Field(gt=0)] = 6
    """Maximum number of finalists."""
    per_trace: Annotated[int, Field(gt=0)] = 2
    """Maximum number of finalists per trace."""
    seeds: Annotated[int, Field(gt=0)] = 3
    """Number of seeds with which each finalist is run."""
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the training rows held out for the comparison."""
    apart: bool = False
    """Whether the held-out rows are set apart from the first run on: no script of a trial gets their labels.

    So there are none to hand on between scripts of one machine (docs/sandbox.md); the search learns from fewer rows.
    """
    misaligned: Annotated[float, Field(gt=0)] = 3.0
    """A finalist ranks last if its out-of-fold score beats its hold-out score by more than so many standard errors."""
    ensemble: Annotated[int, Field(gt=0)] | None = None
    """Maximum number of trials in the ensemble that is submitted if it beats the winner out of fold; 1: none.

    Default: 6 for the optimizer gome, 1 for the controls.
    """
    near_misses: Annotated[float, Field(ge=0)] = 0.5
    """A refused trial that is behind by less than this many standard errors is completed if slots are idle.

    Run on all splits, it can be a member of the ensemble; 0: only one that was not behind. In lockstep, which knows no
    idle slots, it is not stopped as futile.
    """
    ship: Literal["auto", "mean", "refit"] = "auto"
    """What a solution submits: the `mean` of the models of all splits, or one model `refit` on all rows.

    `auto`: the better of the two on the hold-out; if there is no clear difference, `refit` for a split by time or a
    single hold-out, else `mean`.
    """


class TreeSettings(Model):
    """How the optimizer `tree-search` picks a node (docs/method.md)."""

    policy: Literal["greedy", "uct"] = "greedy"
    """`greedy`: as AIDE; `uct`: as ML-Master."""
    drafts: Annotated[int, Field(gt=0)] = 5
    """Number of first solutions written before others are improved."""
    debug_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    """`greedy`: probability that a step repairs a buggy leaf instead of improving the best node."""
    debug_depth: Annotated[int, Field(ge=0)] = 3
    """Maximum number of repairs in a row."""
    exploration: Annotated[float, Field(ge=0)] = 1.414
    """`uct`: weight of rarely visited nodes."""
    width: Annotated[int, Field(gt=0)] = 3
    """`uct`: maximum number of children of a working node."""


class AutoSettings(Model):
    """When the optimizer `auto` makes a new first solution instead of a directed change (docs/method.md)."""

    prior: Annotated[float, Field(gt=0)] = 4.0
    """Number of kept promises with which every trace begins."""
    enough: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of kept promises from which on every step is a directed change."""
    most: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability of a new first solution where no promise was kept."""


class Scheduling(Model):
    """Which traces take the next step when not all may at the same time (docs/method.md)."""

    policy: Literal["round-robin", "softmax", "puct"] = "round-robin"
    """`round-robin`: in turn; `softmax`: drawn by best score; `puct`: best score plus a bonus for few steps."""
    at_once: Annotated[int, Field(gt=0)] | None = None
    """Maximum number of steps in progress over all traces. Default: no limit."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Temperature of the softmax over the traces' scaled best scores (`softmax`, `puct`)."""
    exploration: Annotated[float, Field(ge=0)] = 1.414
    """`puct`: weight of the bonus for traces with few steps."""

    @model_validator(mode="after")
    def _something_to_choose(self) -> "Scheduling":
        if self.policy != "round-robin" and self.at_once is None:
            raise ValueError(f"{self.policy} chooses among traces: set `at_once` to the number of steps at a time")
        return self


class TraceSettings(Model):
    """How many traces a run has with `traces: auto` (docs/method.md)."""

    trials: Annotated[int, Field(gt=0)] = 12
    """Number of trials per trace that are left: with fewer, traces are folded; with more, one may be opened."""
    root: Annotated[int, Field(gt=0)] = 6
    """Number of trials per first solution with which a run begins; what these do not support is folded after it."""
    most: Annotated[int, Field(gt=0, le=256)] = 4
    """Maximum number of traces at a time."""
    limit: Annotated[int, Field(gt=0, le=256)] = 8
    """Maximum number of traces of a run, folded ones included."""
    behind: Annotated[float, Field(ge=0)] = 1.0
    """A trace is folded if its best is behind the best of all by more than this many standard errors."""
    patience: Annotated[int, Field(gt=0)] = 3
    """Number of trials before a trace can be folded for being behind."""
    stall: Annotated[int, Field(gt=0)] = 5
    """Another trace is opened after this many trials of the best trace without an accepted one."""


class Tuning(Model):
    """How a step of kind `tune` searches the constants that a script declares (docs/method.md)."""

    points: Annotated[int, Field(gt=0, le=1000)] = 12
    """Number of settings of the constants that one step tries."""
    together: Annotated[int, Field(gt=0, le=64)] = 4
    """Number of settings that are suggested at a time, and race side by side where slots are idle."""
    longest: Seconds = 60.0
    """Scripts whose run takes longer are not tuned: seconds, or text such as 2min. Not in lockstep."""


class Stagnation(Model):
    """When a trace without progress restarts."""

    steps: Annotated[int, Field(gt=0)] | None = 8
    """Restart after this many trials without an accepted one; null: never."""
    restart: Literal["best", "fresh"] = "best"
    """`best`: continue from the best of all traces, or from scratch if that is its own; `fresh`: from scratch."""


NearTies = Literal["analysis", "incumbent", "gain"]
"""Who decides a near-tie: the model's analysis, as in the paper; the incumbent stays; or any gain is accepted."""

StepKind = Literal["edit", "bundle", "merge", "leap", "return", "tune"]
"""What a step changes (docs/method.md): one idea; several small ideas; the trace's best, with parts of another trace's
script; nothing that exists (a new first solution); the best of another trace; the constants that its best declares."""


_GAINS: dict[StepKind, float] = {"edit": 0.6, "merge": 0.5, "return": 0.2, "leap": 0.2, "tune": 0.9}
_COSTS: dict[StepKind, float] = {"tune": 4.0}


class KindSettings(Model):
    """Which kind of step is suggested next: the one of the largest upper confidence bound (docs/method.md).

    The record of a run's steps begins with a prior for each kind: its gain a step in standard errors, and its cost
    relative to the average step. Kinds that are not named have a gain of 0 and a cost of 1.
    """

    suggest: bool = True
    """Whether a kind is suggested; if not, the model chooses by itself."""
    weight: Annotated[float, Field(gt=0)] = 2.0
    """Number of steps that a prior counts for."""
    exploration: Annotated[float, Field(ge=0)] = 0.25
    """Weight of the bonus for kinds that were tried in few steps."""
    gains: dict[StepKind, Annotated[float, Field(ge=0)]] = Field(default=_GAINS)
    """Prior gain of a step of each kind, in standard errors."""
    costs: dict[StepKind, Annotated[float, Field(gt=0)]] = Field(default=_COSTS)
    """Prior cost of a step of each kind, relative to the average step."""


class Method(Model):
    """The constants of the method: ablations, challenge schedule, scoring weights, interaction kernel, stages."""

    structured_reasoning: bool = True
    """Whether steps start from challenges found in a diagnosis; false is an ablation."""
    success_memory: bool = True
    """Whether accepted changes are remembered and shared; false is an ablation."""
    multi_trace: bool = True
    """Whether the run has several traces; false (an ablation): one."""
    selection: Literal["reasoner", "rank"] = "reasoner"
    """Who chooses among the candidate ideas: the model (`reasoner`), or a seeded draw weighted by `rank`."""
    repeat_similarity: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Two ideas with the same key count as one from this similarity of their texts on."""
    kinds: tuple[StepKind, ...] = (
        "edit",
        "bundle",
        "merge",
        "leap",
        "return",
        "tune",
    )
    """Kinds of step that may be proposed (docs/method.md)."""
    next_kind: KindSettings = KindSettings()
    """Which kind of step is suggested next."""
    tuning: Tuning = Tuning()
    """How a step of kind `tune` searches the constants that a script declares."""
    stagnation: Stagnation = Stagnation()
    """When a trace without progress restarts."""
    traces: TraceSettings = TraceSettings()
    """How many traces a run has with `traces: auto`."""
    scheduling: Scheduling = Scheduling()
    """Which traces take the next step when not all may at the same time."""
    auto: AutoSettings = AutoSettings()
    """Settings of the optimizer `auto`."""
    tree: TreeSettings = TreeSettings()
    """Settings of the optimizer `tree-search`."""
    challenges: Annotated[int, Field(gt=0, le=5)] = 5
    """Maximum number of challenges per source (the task, or the history)."""
    scenario_weight: Annotated[int, Field(ge=0)] = 3
    """Schedule: initial weight of challenges from the task; it falls to 0 as trials are made."""
    accepted_weight: Annotated[int, Field(ge=0)] = 3
    """Schedule: weight of an accepted trial."""
    refused_weight: Annotated[int, Field(ge=0)] = 2
    """Schedule: weight of a trial that was not accepted."""
    schedule_slope: Annotated[int, Field(gt=0)] = 4
    """Schedule: half the weighted number of trials divided by this is subtracted from `scenario_weight`."""
    weights: tuple[float, float, float, float, float] = (0.4, 0.2, 0.2, 0.1, 0.1)
    """`rank`: weights of impact, alignment, novelty, feasibility and risk-reward in an idea's score."""
    candidates: Annotated[int, Field(gt=0)] = 5
    """Maximum number of candidate ideas per step."""
    alpha: float = 1.0
    """Interaction kernel: weight of the similarity of a challenge and an accepted change."""
    beta: float = 1.0
    """Interaction kernel: weight of the gain of an accepted change."""
    half_life: Annotated[float, Field(gt=0)] = 30.0
    """Interaction kernel: number of accepted steps after which the weight of similarity is halved."""
    clamp: Annotated[float, Field(gt=0)] = 2.0
    """Interaction kernel: values are limited to [-clamp, clamp]."""
    probes: Literal["auto"] | bool = "auto"
    """Whether new best solutions are probed; `auto`: if a language model diagnoses and slots exceed traces."""
    kernel_gain: Literal["errors", "raw"] = "errors"
    """Interaction kernel: unit of the gain, standard `errors` or the metric itself (`raw`)."""
    draws: Annotated[int, Field(ge=0)] = 2
    """Number of draws from memory per challenge."""
    recalled: Annotated[int, Field(ge=0)] = 2
    """Maximum number of distinct remembered changes shown in a step."""
    near_tie: Annotated[float, Field(ge=0)] = 1.0
    """A difference of less than this many standard errors is a near-tie."""
    near_tie_growth: Annotated[float, Field(ge=0)] = 0.0
    """The threshold grows by this times √(2 ln n) after n comparisons of a trace; 0: it stays.

    A search of constants counts as one comparison for each of its settings.
    """
    near_ties: NearTies = "gain"
    """Who decides a near-tie: the sign of the `gain`, the model (`analysis`), or the `incumbent` stays.

    In the last case a trial is still accepted if it is as good and clearly faster or shorter. It also holds for a
    search of constants where the sign decides, as the best of many settings has a gain by chance.
    """
    folds: Literal["auto", "all"] | Annotated[int, Field(gt=0)] = "auto"
    """Splits that a trial runs on: `all`, the first N, or as many as a decision needs (`auto`)."""
    racing: Racing = Racing()
    """When a trial stops before all its splits have run."""
    draft_until: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The draft stage lasts until this share of the budget is used, and for each trace until its first solution."""
    ensemble_from: Annotated[float, Field(ge=0, le=1)] = 0.7
    """The ensemble stage begins once more than this share of the budget is used."""
    finish: FinishSettings = FinishSettings()
    """How the finish compares the best solutions and what it submits."""
