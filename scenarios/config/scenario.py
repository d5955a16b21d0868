"""The settings of a run: one YAML file in which unknown keys are errors (`loader.py` reads it).

`method` holds the constants of the method. A default is the paper's if the paper states one, else the public code's
(docs/method.md marks which). The text below a field is its description in `scenario.schema.json`.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from gome import plugins
from gome.scenarios.config.backends import (
    AutoGenBackend,
    Backend,
    ExpertBackend,
    LanguageModel,
    OpenAIBackend,
    PluginBackend,
    Prices,
    ReplayBackend,
)
from gome.scenarios.config.fields import Bytes, Model, Seconds

__all__ = [
    "AnyExecutors",
    "AutoGenBackend",
    "Backend",
    "Budget",
    "Executors",
    "ExpertBackend",
    "FinishSettings",
    "LanguageModel",
    "LocalExecutors",
    "MemoryKeeperSettings",
    "MemorySettings",
    "Method",
    "Model",
    "OpenAIBackend",
    "PluginBackend",
    "PluginExecutors",
    "Prices",
    "Prompts",
    "Racing",
    "RayExecutors",
    "ReplayBackend",
    "Roles",
    "Scenario",
    "Scheduling",
    "Stagnation",
    "Timeouts",
    "TreeSettings",
]


class Budget(Model):
    """Limits on what a whole run may use."""

    time: Seconds | None = None
    """Wall time of the run: seconds, or text such as 90s, 20min, 12h. Default: no limit."""
    trials: Annotated[int, Field(gt=0)] | None = None
    """Number of trials. Default: no limit."""
    usd: Annotated[float, Field(gt=0)] | None = None
    """Cost of model calls in US dollars; needs known prices. Default: no limit."""
    tokens: Annotated[int, Field(gt=0)] | None = None
    """Number of tokens, input and output. Default: no limit."""
    calls: Annotated[int, Field(gt=0)] | None = None
    """Number of model calls. Default: no limit."""
    finish: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of `time` reserved for the finish."""


class MemorySettings(Model):
    """How the traces' shared memory is kept consistent."""

    consistency: Literal["async", "lockstep"] = "async"
    """`lockstep`: traces wait for each other, the run is a pure function of scenario and seed; `async`: no waiting."""


class MemoryKeeperSettings(Model):
    """How the Memory-Keeper embeds hypotheses to compare them."""

    embedding: Literal["hashing", "openai", "local"] = "hashing"
    """`hashing`: hashed words, offline; `openai`: a model of a backend; `local`: a sentence-transformers model."""
    backend: str | None = None
    """Name of the `openai` backend; required for `openai`, not allowed for `local`."""
    model: str | None = None
    """Name of the embedding model; for `local` its folder or name. Required unless `hashing`."""
    price: Annotated[float, Field(ge=0)] | None = None
    """US dollars per million tokens of the embedding model. Default: the bundled list of published prices."""

    @model_validator(mode="after")
    def _whole(self) -> "MemoryKeeperSettings":
        if self.embedding == "openai" and (self.backend is None or self.model is None):
            raise ValueError("embedding: openai needs `backend`, the name of an openai backend, and `model`")
        if self.embedding == "local" and (self.backend is not None or self.model is None):
            raise ValueError(
                "embedding: local needs `model`, the folder of a sentence-transformers model, and no backend"
            )
        return self


class Roles(Model):
    """Which backend answers which role."""

    diagnoser: str
    """Name of the backend that surveys the task and diagnoses trials."""
    proposer: str
    """Name of the backend that proposes changes."""
    executor: str
    """Name of the backend that writes and repairs scripts."""
    memory_keeper: MemoryKeeperSettings = MemoryKeeperSettings()
    """How the Memory-Keeper embeds hypotheses."""

    @property
    def backends(self) -> list[str]:
        """Names of all backends that a role uses, sorted, without duplicates."""
        named = {self.diagnoser, self.proposer, self.executor}
        keeper = self.memory_keeper
        if keeper.embedding == "openai" and keeper.backend is not None:
            named.add(keeper.backend)
        return sorted(named)


class Timeouts(Model):
    """Limits on the wall time of one script run."""

    debug: Seconds = 600.0
    """Limit on a debug run (a run on a small sample): seconds, or text such as 10min."""
    full: Seconds = 3600.0
    """Limit on a run on the data of one split: seconds, or text such as 1h."""


class Executors(Model):
    """Settings of script execution that do not depend on the machine."""

    slots: Annotated[int, Field(gt=0)] | None = None
    """Number of scripts that run at the same time. Default: one per core (`local`), as many as fit (`ray`)."""
    threads: Annotated[int, Field(gt=0)] | None = None
    """Threads per script. Default: cores divided by slots (`local`), 1 (`ray`)."""
    memory: Bytes = 4 << 30
    """Memory limit of a script: bytes, or text such as 512MiB, 4GiB."""
    timeout: Timeouts = Timeouts()
    """Limits on the wall time of one script run."""
    debug: Literal["auto"] | bool = "auto"
    """Whether a script is first run on a small sample; `auto`: only if its first full run may take long."""
    repairs: Annotated[int, Field(ge=0)] = 10
    """Maximum number of repairs of a failed script."""
    repair_time: Annotated[float, Field(gt=0)] = 4.0
    """No more repairs once a script's debug runs have taken this many times `timeout.debug`."""
    tuning: bool = False
    """Whether a trace's first working script is tuned once; the better of the two is evaluated."""
    full_tries: Annotated[int, Field(gt=0)] = 3
    """No more repairs once a script has failed this many times on the splits."""
    python: str | None = None
    """The Python interpreter that runs scripts. Default: the one that runs gome."""
    assets: tuple[str, ...] = ()
    """Files or folders that scripts may read, such as model weights; paths below the scenario file's folder."""


class LocalExecutors(Executors):
    """Scripts run on this machine."""

    kind: Literal["local"] = "local"
    """Selects this machine."""
    standby: bool = True
    """Whether scripts are forked from a warm interpreter per slot, if memory allows (docs/scaling.md)."""


def _cluster_address(address: str) -> str:
    """Reject an invalid address of a cluster. gome runs on one of its machines."""
    if re.fullmatch(r"auto|local|[\w.-]+:\d+|\[[\da-fA-F:]+\]:\d+", address) is None:
        raise ValueError("not auto, local or HOST:PORT; run gome on a machine of the cluster, ray:// is not supported")
    return address


class RayExecutors(Executors):
    """Scripts run on the nodes of a Ray cluster."""

    kind: Literal["ray"]
    """Selects a Ray cluster."""
    address: Annotated[str, AfterValidator(_cluster_address)] = "auto"
    """`auto`: the cluster this machine belongs to; HOST:PORT; `local`: a new cluster on this machine only."""
    gpus_per_slot: Annotated[float, Field(ge=0, le=1)] = 0.0
    """GPUs reserved per slot, may be a fraction."""
    shared: bool = False
    """Whether the run's folder has the same path on every node; data are then not sent to the nodes."""
    scheduling_timeout: Seconds = 300.0
    """How long a script may wait for room on a node before the run stops with an outage: seconds, or text."""


class PluginExecutors(Executors):
    """Scripts run by an executor of another package, by the name of its entry point in `gome.executors`."""

    kind: str
    """Name of the entry point."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings that the plug-in itself checks."""


def _place(settings: Any) -> str:
    """The tag of executors: their kind (`local` by default), or `plugin` if another package has that entry point."""
    kind = str(settings.get("kind", "local") if isinstance(settings, dict) else getattr(settings, "kind", "local"))
    return "plugin" if kind not in ("local", "ray") and kind in plugins.names("gome.executors") else kind


AnyExecutors = Annotated[
    Annotated[LocalExecutors, Tag("local")]
    | Annotated[RayExecutors, Tag("ray")]
    | Annotated[PluginExecutors, Tag("plugin")],
    Discriminator(_place),
]


class Prompts(Model):
    """How much of the data prompts may show."""

    rows: Annotated[int, Field(ge=0, le=50)] = 10
    """Maximum rows in each table of a prompt; 0: no cells, examples, ranges, categories or script output."""


class Racing(Model):
    """When a trial stops before all its splits have run (docs/method.md). Margins are standard errors of the gain."""

    enabled: bool | None = None
    """Whether trials may stop early. Default: yes for the optimizer gome, no for the controls."""
    margin: Annotated[float, Field(ge=0)] = 1.0
    """A trial stops if it is worse than the trace's best by this many standard errors."""
    first_margin: Annotated[float, Field(ge=0)] = 2.0
    """Replaces `margin` after the first split of a group or time split, whose splits differ much."""
    futility: Annotated[float, Field(ge=0)] = 1.64
    """A trial stops if its final gain, this many standard errors above the estimate, would still be a near-tie."""
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
    misaligned: Annotated[float, Field(gt=0)] = 3.0
    """A finalist ranks last if its out-of-fold score beats its hold-out score by more than so many standard errors."""
    blend: bool = True
    """Whether the mean of the finalists' predictions is submitted if it beats each of them on the hold-out."""
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


class Stagnation(Model):
    """When a trace without progress restarts."""

    steps: Annotated[int, Field(gt=0)] | None = 8
    """Restart after this many trials without an accepted one; null: never."""
    restart: Literal["best", "fresh"] = "best"
    """`best`: continue from the best of all traces, or from scratch if that is its own; `fresh`: from scratch."""


Kind = Literal["edit", "bundle", "merge", "leap", "return"]
"""Kinds of step (docs/method.md)."""


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
    kinds: tuple[Kind, ...] = (
        "edit",
        "bundle",
        "merge",
        "leap",
        "return",
    )
    """Kinds of step that may be proposed (docs/method.md)."""
    stagnation: Stagnation = Stagnation()
    """When a trace without progress restarts."""
    scheduling: Scheduling = Scheduling()
    """Which traces take the next step when not all may at the same time."""
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
    folds: Literal["auto", "all"] | Annotated[int, Field(gt=0)] = "auto"
    """Splits that a trial runs on: `all`, the first N, or as many as a decision needs (`auto`)."""
    racing: Racing = Racing()
    """When a trial stops before all its splits have run."""
    draft_until: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The draft stage lasts until this share of the budget is used."""
    ensemble_from: Annotated[float, Field(ge=0, le=1)] = 0.7
    """The ensemble stage begins once more than this share of the budget is used."""
    finish: FinishSettings = FinishSettings()
    """How the finish compares the best solutions and what it submits."""


_OPTIMIZERS = ("gome", "tree-search", "best-of-n")


def _known_optimizer(name: str) -> str:
    """Reject a name that is neither built in nor of an installed package."""
    if name in _OPTIMIZERS or name in plugins.names("gome.optimizers"):
        return name
    known = [*_OPTIMIZERS, *plugins.names("gome.optimizers")]
    expected = ", ".join(map(repr, known))
    raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})


Optimizer = Annotated[
    str,
    AfterValidator(_known_optimizer),
    WithJsonSchema({"anyOf": [{"enum": list(_OPTIMIZERS)}, {"type": "string"}]}),
]


class Scenario(Model):
    """The settings of one run."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    """Name of the scenario: lower-case letters, digits and dashes."""
    task: str
    """The task: a path relative to the scenario file, a name under `scenarios/tasks`, or mlebench:COMPETITION."""
    start: str | None = None
    """Your own script, relative to the scenario file: it is the first trial, and all traces continue from it."""
    optimizer: Optimizer = "gome"
    """The method (`gome`), or a control to compare it with."""
    traces: Annotated[int, Field(gt=0)] = 2
    """Number of parallel traces; for a control, the number of workers."""
    lookahead: Annotated[int, Field(ge=0, le=8)] = 0
    """Additional proposals a trace may have in flight (stale gradients, as in asynchronous SGD); 0 as in the paper."""
    memory: MemorySettings = MemorySettings()
    """How the traces' shared memory is kept consistent."""
    budget: Budget = Budget()
    """Limits on what the whole run may use."""
    seed: int = 0
    """Seed of splits, draws and scripts."""
    backends: dict[str, Backend]
    """The available backends by name."""
    roles: Roles
    """Which backend answers which role."""
    executors: AnyExecutors = LocalExecutors()
    """Where and within which limits scripts run."""
    method: Method = Method()
    """The constants of the method."""
    prompts: Prompts = Prompts()
    """How much of the data prompts may show."""

    @property
    def is_control(self) -> bool:
        """Whether the optimizer is a control: one tree, on which `traces` workers work."""
        return self.optimizer in ("tree-search", "best-of-n")

    @property
    def teams(self) -> int:
        """Number of traces: 1 without `method.multi_trace` and for a control, whose workers share a tree."""
        return 1 if self.is_control or not self.method.multi_trace else self.traces

    @property
    def ahead(self) -> int:
        """Number of proposals a trace may make beyond the one whose outcome it waits for.

        A control has `traces` workers, so `traces` - 1; in lockstep none.
        """
        lockstep = self.memory.consistency == "lockstep"
        return max(self.lookahead, self.traces - 1) if self.is_control and not lockstep else self.lookahead

    @model_validator(mode="after")
    def _lockstep_waits(self) -> "Scenario":
        if self.lookahead and self.memory.consistency == "lockstep":
            raise ValueError("lookahead needs memory.consistency: async")
        if self.method.scheduling.at_once is not None and self.memory.consistency == "lockstep":
            raise ValueError("method.scheduling.at_once needs memory.consistency: async")
        return self
