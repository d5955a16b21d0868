"""What all roles share: they know the run from its first message, read artefacts, and put questions to a reasoner."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from gome.agents.backends.base import Answer, Backend
from gome.agents.backends.fallback import in_order
from gome.agents.method.seeding import derive_seed
from gome.agents.optimizers import Optimizer, optimizer_of
from gome.agents.protocol.activities import QUESTION
from gome.agents.protocol.backend_choice import BackendChoice
from gome.agents.protocol.requests import Request
from gome.agents.protocol.run_messages import RunOpened
from gome.agents.protocol.types import Record, Solution
from gome.agents.scripts.printed import last_figures
from gome.agents.state.call_budget import REFUSED
from gome.agents.state.trace import Best
from gome.bus.actors.actor import Actor, Context
from gome.bus.message import Envelope
from gome.bus.store.artefacts import Artefacts
from gome.errors import BudgetSpent, ReplyInvalid
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.diagnostics.record import Diagnostics

__all__ = ["Reasoner", "Role", "place"]

Reply = TypeVar("Reply", bound=Record)


class Reasoner:
    """The backends of a role, in the order in which they are asked: their answers are recorded before they are used."""

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        self._backends = dict(backends)

    async def ask(self, request: Request[Reply], context: Context, choice: BackendChoice | None = None) -> Reply:
        """The typed answer, out of the log where it is already there. Raises Outage, ReplyInvalid and BudgetSpent.

        `choice` is another order of the backends, for the request's step.
        """
        order = choice.order(self._backends) if choice else tuple(self._backends)
        call = partial(in_order(self._backends, order).answer, request)
        answer = await context.perform(QUESTION, request, Answer, call, label=type(request).__name__)
        if answer.failure:
            refused = any(unit.startswith(REFUSED) for unit in answer.meter)
            raise (BudgetSpent if refused else ReplyInvalid)(answer.failure)
        return request.reply_type().model_validate(answer.reply)


class Role(Actor):
    """An actor that has read the run's opening. A subclass lists `run_opened` among what it hears."""

    def __init__(self, role: str, trace: int | None, artefacts: Artefacts) -> None:
        super().__init__(role if trace is None else f"{role}-{trace}", trace)
        self.artefacts = artefacts
        self._opened: RunOpened | None = None
        self._scenario: Scenario | None = None

    def apply(self, envelope: Envelope) -> None:
        """Fold the opening here and everything in `remember`."""
        if isinstance(envelope.message, RunOpened):
            self._opened = envelope.message
            self._scenario = Scenario.model_validate(envelope.message.scenario)
        self.remember(envelope)

    @abstractmethod
    def remember(self, envelope: Envelope) -> None:
        """Fold a message into the role's own state, under the rules of `apply`."""

    @property
    def opened(self) -> RunOpened:
        """The run's first message; a log that does not begin with it is no log of a run."""
        if self._opened is None:
            raise ValueError(f"{self.name} heard a message before run_opened")
        return self._opened

    @property
    def scenario(self) -> Scenario:
        """The scenario of the run, from the same message."""
        if self._scenario is None:
            raise ValueError(f"{self.name} heard a message before run_opened")
        return self._scenario

    @property
    def optimizer(self) -> Optimizer:
        """The strategy of the run."""
        return optimizer_of(self.scenario)

    @property
    def lockstep(self) -> bool:
        """Whether the run must be a pure function of scenario and seed: no measured time in any decision or prompt."""
        return self.scenario.memory.consistency == "lockstep"

    @property
    def rows_analysed(self) -> int | None:
        """How many rows an analysis of errors may show; None where a model judges no trial, and none is made."""
        return self.scenario.prompts.rows if self.optimizer.judges else None

    def seed(self, trace: int, step: int, purpose: str) -> int:
        """The seed of one draw of this run."""
        return derive_seed(self.scenario.seed, trace, step, purpose)

    def timed(self, seconds: float) -> float:
        """A measured time as a reasoner may see it: 0 in lockstep."""
        return 0.0 if self.lockstep else seconds

    def asked(self, trace: int, step: int, purpose: str) -> dict[str, Any]:
        """The fields that all requests have."""
        return {
            "task": self.opened.task,
            "profile": self.opened.profile,
            "workplace": self.opened.workplace,
            "rows": self.scenario.prompts.rows,
            "baseline": self.opened.baseline,
            "trace": trace,
            "step": step,
            "seed": self.seed(trace, step, purpose),
        }

    async def solution(self, best: Best | None) -> Solution | None:
        """A trace's best with its script's text."""
        if best is None:
            return None
        return Solution(
            script=await self.artefacts.text(best.script_ref),
            evaluation=best.evaluation,
            seconds=self.timed(best.seconds),
            cpu_seconds=self.timed(best.cpu_seconds),
            diagnostics=await self.diagnostics(best.diagnostics_ref),
            probes=best.probes,
            output=last_figures(await self.artefacts.text(best.output_ref)) if best.output_ref else "",
        )

    async def diagnostics(self, ref: str | None) -> Diagnostics | None:
        """An error analysis that is stored as an artefact."""
        return None if ref is None else Diagnostics.model_validate_json(await self.artefacts.text(ref))


def place(envelope: Envelope) -> tuple[int, int]:
    """(trace, step) of a message of the ring."""
    if envelope.trace is None or envelope.step is None:
        raise ValueError(f"{envelope.kind} {envelope.id} stands in no step of a trace")
    return envelope.trace, envelope.step
