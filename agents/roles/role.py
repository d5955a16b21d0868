"""What all roles share: they know the run from its first message, read artefacts, and put questions to a reasoner."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

from gome.agents.backends.base import Answer, Backend
from gome.agents.backends.fallback import in_order
from gome.agents.method.seeding import derive_seed
from gome.agents.optimizers import Optimizer, optimizer_of
from gome.agents.protocol.activities import QUESTION
from gome.agents.protocol.backend_choice import BackendChoice
from gome.agents.protocol.messages import Diagnosis
from gome.agents.protocol.requests import Request
from gome.agents.protocol.run_messages import RunOpened
from gome.agents.protocol.types import Record, Solution
from gome.agents.scripts.printed import last_figures
from gome.agents.state.call_budget import REFUSED
from gome.agents.state.deadline import Ending
from gome.agents.state.trace import Best
from gome.bus.actors.actor import Actor, Context
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.errors import NotAsked, ReplyInvalid
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.diagnostics.record import Diagnostics

__all__ = ["NOT_ASKED", "Reasoner", "Role", "no_answer", "place", "unfinished"]

Reply = TypeVar("Reply", bound=Record)
NOT_ASKED = {"calls": 0.0, "tokens": 0.0, "usd": 0.0, REFUSED + "ending": 1.0}
"""Meter of a call of a model that was not made, as the run came to its end."""


class Reasoner:
    """The backends of a role, in the order in which they are asked: their answers are recorded before they are used.

    Once the run comes to its end (`ending`), they are asked only what can still change its result.
    """

    def __init__(self, backends: Mapping[str, Backend], ending: Ending | None = None) -> None:
        self._backends = dict(backends)
        self._ending = ending or Ending()

    async def ask(
        self, request: Request[Reply], context: Context, choice: BackendChoice | None = None, *, decides: bool = False
    ) -> Reply:
        """The typed answer, out of the log where it is already there. Raises Outage, ReplyInvalid and NotAsked.

        `choice` is another order of the backends, for the request's step. `decides`: the answer can change the run's
        result even if no further step is taken.
        """

        async def call() -> Answer:
            if self._ending.why and not decides:
                return Answer(reply={}, failure=self._ending.why, model="not asked", meter=NOT_ASKED)
            order = choice.order(self._backends) if choice else tuple(self._backends)
            return await in_order(self._backends, order).answer(request)

        answer = await context.perform(QUESTION, request, Answer, call, label=type(request).__name__)
        if answer.failure:
            raise no_answer(answer.failure, answer.meter)
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


def no_answer(failure: str, meter: Mapping[str, float]) -> NotAsked | ReplyInvalid:
    """Why a model gave no answer: it was not asked, or what it answered is of no use."""
    return (NotAsked if any(unit.startswith(REFUSED) for unit in meter) else ReplyInvalid)(failure)


def unfinished(where: tuple[int, int], reason: str) -> Draft:
    """The end of this (trace, step) that is left as it is: nobody is asked for what is missing."""
    trace, step = where
    return Draft(Diagnosis.without_trial("unfinished", reason), trace, step)
