"""The settings of a run: one YAML file in which unknown keys are errors (`loader.py` reads it).

`method` holds the constants of the method. A default is the paper's if the paper states one, else the public code's
(docs/method.md marks which). The text below a field is its description in `scenario.schema.json`.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gome import plugins
from gome.scenarios.config.backends import (
    AnthropicBackend,
    AutoGenBackend,
    Backend,
    ExpertBackend,
    LanguageModel,
    OpenAIBackend,
    PluginBackend,
    Prices,
    ReplayBackend,
    ServedModel,
)
from gome.scenarios.config.executors import AnyExecutors, LocalExecutors
from gome.scenarios.config.fields import Model, Seconds
from gome.scenarios.config.method import Method
from gome.scenarios.config.named_settings import Preset

__all__ = [
    "REASONING",
    "AnthropicBackend",
    "AutoGenBackend",
    "Backend",
    "BackendNames",
    "Budget",
    "Choose",
    "Chosen",
    "ExpertBackend",
    "LanguageModel",
    "MemoryKeeperSettings",
    "MemorySettings",
    "Model",
    "OpenAIBackend",
    "PluginBackend",
    "Prices",
    "Prompts",
    "ReplayBackend",
    "Roles",
    "Scenario",
    "ServedModel",
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


def _some_names(names: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Reject a list without names, or with one of them twice."""
    if not names or (len(set(names)) < len(names) and not isinstance(names, str)):
        raise ValueError("name one backend, or several different ones in order")
    return names


BackendNames = Annotated[str | tuple[str, ...], AfterValidator(_some_names)]
"""The name of a backend, or of several in order: what one cannot answer, the next is asked."""
Reasoning = Literal["diagnoser", "proposer", "executor"]
REASONING: tuple[Reasoning, ...] = ("diagnoser", "proposer", "executor")
"""The roles that are assigned backends."""


class Choose(Model):
    """How the backend of each step is chosen: by an upper confidence bound of what its steps gain (docs/models.md)."""

    among: Annotated[tuple[str, ...], Field(min_length=2), AfterValidator(_some_names)]
    """Names of the backends; the others are asked where the chosen one cannot answer."""
    by: Literal["gain-per-usd", "gain"] = "gain-per-usd"
    """What counts: the gain for the cost of a step's model calls, or the gain alone."""
    gain: Annotated[float, Field(ge=0)] = 0.5
    """Prior gain of a step of each backend, in standard errors."""
    weight: Annotated[float, Field(gt=0)] = 1.0
    """Number of steps that the prior counts for."""
    exploration: Annotated[float, Field(ge=0)] = 0.25
    """Weight of the bonus for backends that were asked in few steps."""


class Chosen(Model):
    """A role whose backend is chosen anew for each step."""

    choose: Choose
    """How it is chosen."""


def _names_or_choice(given: Any) -> str:
    return "choice" if isinstance(given, dict | Chosen) else "names"


NamesOrChoice = Annotated[
    Annotated[BackendNames, Tag("names")] | Annotated[Chosen, Tag("choice")], Discriminator(_names_or_choice)
]


class Roles(Model):
    """Which backend answers which role, or which backends in order."""

    diagnoser: BackendNames
    """Name of the backend that surveys the task and diagnoses trials, or several in order."""
    proposer: NamesOrChoice
    """Name of the backend that proposes changes, several in order, or `choose`: the one that has paid most."""
    executor: NamesOrChoice
    """Name of the backend that writes and repairs scripts, several in order, or `choose`: the one that paid most."""
    memory_keeper: MemoryKeeperSettings = MemoryKeeperSettings()
    """How the Memory-Keeper embeds hypotheses."""

    def of(self, role: Reasoning) -> tuple[str, ...]:
        """Names of the backends of a role, in the order in which they are asked unless one is chosen."""
        named: str | tuple[str, ...] | Chosen = getattr(self, role)
        if isinstance(named, Chosen):
            return named.choose.among
        return (named,) if isinstance(named, str) else named

    def choice(self, role: Reasoning) -> Choose | None:
        """How the backend of a role is chosen; None where it is fixed."""
        named: str | tuple[str, ...] | Chosen = getattr(self, role)
        return named.choose if isinstance(named, Chosen) else None

    @property
    def backends(self) -> list[str]:
        """Names of all backends that a role uses, sorted, without duplicates."""
        named = {name for role in REASONING for name in self.of(role)}
        keeper = self.memory_keeper
        if keeper.embedding == "openai" and keeper.backend is not None:
            named.add(keeper.backend)
        return sorted(named)


class Prompts(Model):
    """How much of the data prompts may show."""

    rows: Annotated[int, Field(ge=0, le=50)] = 10
    """Maximum rows in each table of a prompt; 0: no cells, examples, ranges, categories or script output."""


_OPTIMIZERS = ("gome", "auto", "tree-search", "best-of-n")


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
    preset: Preset | None = None
    """Settings under one name, which those of the file override; `paper`: the constants and steps of the paper."""
    optimizer: Optimizer = "gome"
    """The method (`gome`), its adaptive form (`auto`), or a control to compare it with."""
    traces: Literal["auto"] | Annotated[int, Field(gt=0, le=256)] = "auto"
    """Number of parallel traces; `auto`: as many as the trials are enough for. For a control, the number of workers."""
    lookahead: Annotated[int, Field(ge=0, le=8)] = 0
    """Additional proposals a trace may have in flight (stale gradients, as in asynchronous SGD); 0 as in the paper."""
    memory: MemorySettings = MemorySettings()
    """How the traces' shared memory is kept consistent."""
    budget: Budget = Budget()
    """Limits on what the whole run may use."""
    confirm: bool = False
    """Whether each proposal waits until you accept it (`gome confirm`), before its script is written."""
    track: tuple[Literal["mlflow", "wandb"], ...] = ()
    """Trackers that are told of the run while it goes on, each by the environment variables of its own client."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of splits, draws and scripts; numpy takes no other."""
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

    @field_validator("budget", mode="before")
    @classmethod
    def _limits_by_name(cls, budget: Any) -> Any:
        if isinstance(budget, str | int | float):
            raise PydanticCustomError("value_error", "name a limit, such as budget.time=4min or budget.trials=12")
        return budget

    @property
    def is_control(self) -> bool:
        """Whether the optimizer is a control: one tree, on which `traces` workers work."""
        return self.optimizer in ("tree-search", "best-of-n")

    @property
    def members(self) -> int:
        """Maximum number of members of the ensemble; each costs a run when new rows are predicted."""
        return self.method.finish.ensemble or (1 if self.is_control else 6)

    @property
    def teams(self) -> int:
        """Number of traces at most: 1 without `method.multi_trace` and for a control, whose workers share a tree."""
        if self.is_control or not self.method.multi_trace:
            return 1
        return self.method.traces.limit if self.traces == "auto" else self.traces

    @property
    def timed(self) -> bool:
        """Whether measured time limits the run; else, and in lockstep, a trial is what steps cost."""
        return self.budget.time is not None and self.memory.consistency != "lockstep"

    @property
    def adapts(self) -> bool:
        """Whether the number of traces follows the trials that are left."""
        return self.traces == "auto" and self.teams > 1

    @property
    def traces_at_once(self) -> int:
        """Number of traces that are open at a time at most."""
        return min(self.teams, self.method.traces.most) if self.traces == "auto" else self.teams

    @property
    def ahead(self) -> int:
        """Number of proposals a trace may make beyond the one whose outcome it waits for.

        A control has `traces` workers (`auto`: 2), so one less; in lockstep none.
        """
        if not self.is_control or self.memory.consistency == "lockstep":
            return self.lookahead
        return max(self.lookahead, (2 if self.traces == "auto" else self.traces) - 1)

    @model_validator(mode="after")
    def _lockstep_waits(self) -> "Scenario":
        if self.lookahead and self.memory.consistency == "lockstep":
            raise ValueError("lookahead needs memory.consistency: async")
        if self.method.scheduling.at_once is not None and self.memory.consistency == "lockstep":
            raise ValueError("method.scheduling.at_once needs memory.consistency: async")
        return self
