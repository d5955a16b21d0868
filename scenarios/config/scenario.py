"""A scenario: what a run is asked to do. One YAML file, closed in every key (see `loader.py` for reading one).

Constants of the method stand under `method`; their defaults are the paper's where it states them and the public
code's where it does not (docs/method.md says which is which).
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from gome.scenarios.config.backends import (
    AutoGenBackend,
    Backend,
    ExpertBackend,
    LanguageModel,
    OpenAIBackend,
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
    """What a run may use in all; None is without limit. `finish` is the share of the time kept for the finish."""

    time: Seconds | None = None
    trials: Annotated[int, Field(gt=0)] | None = None
    usd: Annotated[float, Field(gt=0)] | None = None
    tokens: Annotated[int, Field(gt=0)] | None = None
    calls: Annotated[int, Field(gt=0)] | None = None
    finish: Annotated[float, Field(ge=0, lt=1)] = 0.2


class MemorySettings(Model):
    """`lockstep` makes a run a pure function of scenario and seed; `async` never waits."""

    consistency: Literal["async", "lockstep"] = "async"


class MemoryKeeperSettings(Model):
    """How the Memory-Keeper embeds hypotheses: by hashed words, offline, or with a `model`.

    `openai` reaches the model through the `openai` backend of that name; `price` is in US dollars a million tokens,
    where the bundled list does not know it. `local` loads a sentence-transformers model, from a folder or by its name.
    """

    embedding: Literal["hashing", "openai", "local"] = "hashing"
    backend: str | None = None
    model: str | None = None
    price: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "MemoryKeeperSettings":
        """An embedding by a model names the model, and the backend that reaches it."""
        if self.embedding == "openai" and (self.backend is None or self.model is None):
            raise ValueError("embedding: openai needs `backend`, the name of an openai backend, and `model`")
        if self.embedding == "local" and (self.backend is not None or self.model is None):
            raise ValueError(
                "embedding: local needs `model`, the folder of a sentence-transformers model, and no backend"
            )
        return self


class Roles(Model):
    """Role → name of a backend. A closed, required set."""

    diagnoser: str
    proposer: str
    executor: str
    memory_keeper: MemoryKeeperSettings = MemoryKeeperSettings()

    @property
    def backends(self) -> list[str]:
        """Names of all backends that a role uses, sorted, each once."""
        named = {self.diagnoser, self.proposer, self.executor}
        keeper = self.memory_keeper
        if keeper.embedding == "openai" and keeper.backend is not None:
            named.add(keeper.backend)
        return sorted(named)


class Timeouts(Model):
    """Wall time of one script run: on the small sample of a debug run, and on the data of one split."""

    debug: Seconds = 600.0
    full: Seconds = 3600.0


class Executors(Model):
    """Within what scripts run, wherever it is.

    A script that fails is repaired `repairs` times at most, and while its debug runs have taken less than
    `repair_time` times the debug limit. With `tuning` a trace's first good script is tuned once, and the better of both
    is judged. With `debug` a script is run on a small sample first; `auto`: where its first run may take long.

    `assets` are files or folders below the scenario's own, such as weights, that scripts may read.
    """

    slots: Annotated[int, Field(gt=0)] | None = None
    threads: Annotated[int, Field(gt=0)] | None = None
    memory: Bytes = 4 << 30
    timeout: Timeouts = Timeouts()
    debug: Literal["auto"] | bool = "auto"
    repairs: Annotated[int, Field(ge=0)] = 10
    repair_time: Annotated[float, Field(gt=0)] = 4.0
    tuning: bool = False
    full_tries: Annotated[int, Field(gt=0)] = 3
    python: str | None = None
    assets: tuple[str, ...] = ()


class LocalExecutors(Executors):
    """Scripts run on this machine. `slots` None: one for every core. `threads` None: cores divided by slots.

    With `standby` an interpreter that has imported torch, pandas and scikit-learn waits beside each slot and forks for
    each script, where there is memory for it (docs/scaling.md).
    """

    kind: Literal["local"] = "local"
    standby: bool = True


def _cluster_address(address: str) -> str:
    """Refuses what is no address of a cluster as seen from one of its machines."""
    if re.fullmatch(r"auto|local|[\w.-]+:\d+|\[[\da-fA-F:]+\]:\d+", address) is None:
        raise ValueError("not auto, local or HOST:PORT; run gome on a machine of the cluster, where it needs no ray://")
    return address


class RayExecutors(Executors):
    """Scripts run on the nodes of a Ray cluster. `slots` None: as many as fit. `threads` None: 1.

    `address` is `auto` for the cluster that this machine is part of, HOST:PORT, or `local` for one of this machine
    alone. With `shared` the folder of the run is at the same path on every node, and data are not sent. A script that
    finds no room on any node within `scheduling_timeout` is an outage.
    """

    kind: Literal["ray"]
    address: Annotated[str, AfterValidator(_cluster_address)] = "auto"
    gpus_per_slot: Annotated[float, Field(ge=0, le=1)] = 0.0
    shared: bool = False
    scheduling_timeout: Seconds = 300.0


def _place(settings: Any) -> str:
    """The `kind` of executors; this machine where none is named."""
    return str(settings.get("kind", "local") if isinstance(settings, dict) else getattr(settings, "kind", "local"))


AnyExecutors = Annotated[
    Annotated[LocalExecutors, Tag("local")] | Annotated[RayExecutors, Tag("ray")], Discriminator(_place)
]


class Prompts(Model):
    """What prompts may show of the data: so many `rows` in each place; with 0 no cell of a table stands in a prompt.

    Then no row, example, range or category is shown, nor what scripts print, which may hold some.
    """

    rows: Annotated[int, Field(ge=0, le=50)] = 10


class Racing(Model):
    """When a trial stops before all of its splits were run (docs/method.md). Margins are in standard errors.

    It stops where it is worse than the trace's best by `margin`; by `first_margin` after one split of a task by group
    or time, whose splits differ much. It stops where all that is left could, at `futility`, not make it better than a
    near-tie. A `heavy` script (seconds of one run) is judged on the splits that decide: two by group or time, else one,
    and more until it is better by `decisive`; a first solution on so few only where it is six times as heavy. `enabled`
    None: for gome, and not for the controls.
    """

    enabled: bool | None = None
    margin: Annotated[float, Field(ge=0)] = 1.0
    first_margin: Annotated[float, Field(ge=0)] = 2.0
    futility: Annotated[float, Field(ge=0)] = 1.64
    decisive: Annotated[float, Field(ge=0)] = 2.0
    heavy: Seconds = 5.0


class FinishSettings(Model):
    """The finish: so many candidates (two a trace at most), so many seeds, a hold-out of this share of the rows.

    A finalist whose out-of-fold score is better than its hold-out score by more than `misaligned` standard errors comes
    last. With `blend` the mean of the others' predictions is submitted where it is better on the hold-out than each.

    `ship` is what a solution submits: the `mean` of the models of its splits, or that of a `refit` on all rows; `auto`:
    what the hold-out shows to be better, and where that cannot be told the refit for a split by time or one hold-out.
    """

    candidates: Annotated[int, Field(gt=0)] = 6
    per_trace: Annotated[int, Field(gt=0)] = 2
    seeds: Annotated[int, Field(gt=0)] = 3
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.2
    misaligned: Annotated[float, Field(gt=0)] = 3.0
    blend: bool = True
    ship: Literal["auto", "mean", "refit"] = "auto"


class TreeSettings(Model):
    """How `tree-search` picks a node (docs/method.md): `greedy` as AIDE does, `uct` as ML-Master does.

    `drafts` first solutions are wanted. Greedy: with `debug_probability` a buggy leaf is mended, at most `debug_depth`
    times in a row, else the best is improved. UCT: a solution has at most `width` children, `exploration` weighs what
    is little visited.
    """

    policy: Literal["greedy", "uct"] = "greedy"
    drafts: Annotated[int, Field(gt=0)] = 5
    debug_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    debug_depth: Annotated[int, Field(ge=0)] = 3
    exploration: Annotated[float, Field(ge=0)] = 1.414
    width: Annotated[int, Field(gt=0)] = 3


class Scheduling(Model):
    """Which traces step where not all may: `at_once` of them have a step in the air (None: all have).

    `round-robin` takes them in turn, `softmax` draws them by their best scores at a `temperature`, `puct` weighs these
    against how little a trace was tried, by `exploration` (docs/method.md).
    """

    policy: Literal["round-robin", "softmax", "puct"] = "round-robin"
    at_once: Annotated[int, Field(gt=0)] | None = None
    temperature: Annotated[float, Field(gt=0)] = 1.0
    exploration: Annotated[float, Field(ge=0)] = 1.414

    @model_validator(mode="after")
    def _something_to_choose(self) -> "Scheduling":
        if self.policy != "round-robin" and self.at_once is None:
            raise ValueError(f"{self.policy} chooses among traces: say with `at_once` how many may step at a time")
        return self


class Stagnation(Model):
    """A trace without an accept for `steps` trials restarts (None: never): from the `best` of all, or `fresh`."""

    steps: Annotated[int, Field(gt=0)] | None = 8
    restart: Literal["best", "fresh"] = "best"


Kind = Literal["edit", "bundle", "merge", "leap", "return"]
"""How far a step goes (docs/method.md)."""


class Method(Model):
    """The constants of METHOD: ablation switches, challenge schedule, scoring weights, interaction kernel, stages.

    `selection` is who chooses among the candidates: a reasoner, or a seeded draw by rank. Two ideas of one key are the
    same where their words are at least `repeat_similarity` alike. A gain of less than `near_tie` standard errors is a
    near-tie. Each candidate draws `draws` times from memory, and `recalled` distinct ideas are shown.

    `folds` is how many of the task's splits a trial is run on: `all`, the first N, or with `auto` as many as decide.
    """

    structured_reasoning: bool = True
    success_memory: bool = True
    multi_trace: bool = True
    selection: Literal["reasoner", "rank"] = "reasoner"
    repeat_similarity: Annotated[float, Field(ge=0, le=1)] = 0.3
    kinds: tuple[Literal["edit", "bundle", "merge", "leap", "return"], ...] = (
        "edit",
        "bundle",
        "merge",
        "leap",
        "return",
    )
    stagnation: Stagnation = Stagnation()
    scheduling: Scheduling = Scheduling()
    tree: TreeSettings = TreeSettings()
    challenges: Annotated[int, Field(gt=0, le=5)] = 5
    scenario_weight: Annotated[int, Field(ge=0)] = 3
    accepted_weight: Annotated[int, Field(ge=0)] = 3
    refused_weight: Annotated[int, Field(ge=0)] = 2
    schedule_slope: Annotated[int, Field(gt=0)] = 4
    weights: tuple[float, float, float, float, float] = (0.4, 0.2, 0.2, 0.1, 0.1)
    candidates: Annotated[int, Field(gt=0)] = 5
    alpha: float = 1.0
    beta: float = 1.0
    half_life: Annotated[float, Field(gt=0)] = 30.0
    clamp: Annotated[float, Field(gt=0)] = 2.0
    probes: Literal["auto"] | bool = "auto"
    kernel_gain: Literal["errors", "raw"] = "errors"
    draws: Annotated[int, Field(ge=0)] = 2
    recalled: Annotated[int, Field(ge=0)] = 2
    near_tie: Annotated[float, Field(ge=0)] = 1.0
    folds: Literal["auto", "all"] | Annotated[int, Field(gt=0)] = "auto"
    racing: Racing = Racing()
    draft_until: Annotated[float, Field(ge=0, le=1)] = 0.1
    ensemble_from: Annotated[float, Field(ge=0, le=1)] = 0.7
    finish: FinishSettings = FinishSettings()


class Scenario(Model):
    """One run. `task` is a name under `scenarios/tasks` or a path, relative to the scenario file.

    `start` is a script of the user's own, relative to the scenario file: the first trial, from which traces go on.

    `lookahead` lets a trace have so many proposals in the air beside the one that it waits for (stale gradients, as
    in asynchronous SGD); 0 is the paper.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    task: str
    start: str | None = None
    optimizer: Literal["gome", "tree-search", "best-of-n"] = "gome"
    traces: Annotated[int, Field(gt=0)] = 2
    lookahead: Annotated[int, Field(ge=0, le=8)] = 0
    memory: MemorySettings = MemorySettings()
    budget: Budget = Budget()
    seed: int = 0
    backends: dict[str, Backend]
    roles: Roles
    executors: AnyExecutors = LocalExecutors()
    method: Method = Method()
    prompts: Prompts = Prompts()

    @property
    def teams(self) -> int:
        """How many traces the run has: as many as set, one in the ablation without `method.multi_trace`.

        A control has one: all of its workers expand one tree.
        """
        return self.traces if self.optimizer == "gome" and self.method.multi_trace else 1

    @property
    def ahead(self) -> int:
        """How many proposals a trace may have in the air beside the one that it waits for.

        A control has as many workers as it has `traces`, but in lockstep, where nothing runs ahead.
        """
        lockstep = self.memory.consistency == "lockstep"
        return self.lookahead if self.optimizer == "gome" or lockstep else max(self.lookahead, self.traces - 1)

    @model_validator(mode="after")
    def _lockstep_waits(self) -> "Scenario":
        if self.lookahead and self.memory.consistency == "lockstep":
            raise ValueError("lookahead goes with memory.consistency async: in lockstep nothing runs ahead")
        if self.method.scheduling.at_once is not None and self.memory.consistency == "lockstep":
            raise ValueError("method.scheduling.at_once goes with memory.consistency async: in lockstep all step")
        return self
