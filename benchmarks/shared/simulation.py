"""A simulated run: the real ring, log, slots and supervision, with model calls and scripts that only sleep.

It measures gome itself: slot utilisation, time per trial without model and script, growth with the number of traces.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from gome.agents.backends.base import Answer
from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.replies import Assessment, Idea, PlannedScript, Reading, Script, Step, Survey
from gome.agents.protocol.requests import AssessTrial, ProposeStep, ReadOutput, Request, SurveyTask, Workplace
from gome.agents.protocol.run_messages import RunFinished, RunOpened, SessionOpened
from gome.agents.protocol.script_requests import SolveStep
from gome.agents.protocol.types import Challenge, Record
from gome.agents.roles.dead_letters import conclude_dead_letter
from gome.agents.roles.finisher import Averaged, Averaging, Blended, Blending, Ensembled, Ensembling, Graded, Grading
from gome.agents.roles.prober import Probed, Probing
from gome.agents.roles.team import seat
from gome.agents.scripts.error_analysis import Analysed, Analysing, Paired, Pairing
from gome.agents.scripts.joined_splits import Assembled, Assembling
from gome.agents.scripts.script_run import LAST, ScriptRan, ScriptRun
from gome.bus.actors.supervisor import Supervisor
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.sqlite import open_log
from gome.bus.telemetry import Telemetry
from gome.executors.launch import Cause, Slot
from gome.executors.resources.slots import SlotPool
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.diagnostics.record import Probes
from gome.scenarios.evaluation.scoring import merge
from gome.scenarios.evaluation.views import split_of, view_of_split
from gome.scenarios.evidence import Evaluation, Profile, SplitRule, TaskBrief

__all__ = ["Simulated", "SimulatedReasoner", "Simulation", "simulate"]

_TASK = TaskBrief(
    name="simulated",
    description="",
    task_type="regression",
    id_column="id",
    targets=("y",),
    metric="rmse",
    direction="minimize",
    prediction="value",
    submission_columns=("id", "y"),
    train_file="train.csv",
    test_file="test.csv",
    split=SplitRule(),
    train_rows=1,
    test_rows=1,
)
_WORKPLACE = Workplace(python="3", packages={}, threads=1, memory_gib=1.0, debug_seconds=1.0, full_seconds=1.0)


def _idea(trace: int, step: int, number: int) -> Idea:
    return Idea(
        statement=f"turn knob {number} of trace {trace} at step {step}",
        reason="simulated",
        component="Model",
        parameter=f"knob-{trace}-{step}-{number}",
        direction="up",
    )


def _reply(request: Request[Any]) -> Record:
    """A minimal valid answer."""
    match request:
        case SurveyTask():
            challenge = Challenge(
                source="scenario", category="", caption="simulated", statement="", reasoning="", metric_impact=""
            )
            return Survey(challenges=(challenge,))
        case ProposeStep():
            ideas = tuple(_idea(request.trace, request.step, n) for n in range(min(3, request.wanted)))
            return Step(candidates=ideas, choice=(1,))
        case AssessTrial():
            return Assessment(accept=True, reason="simulated", observations="")
        case SolveStep():
            return PlannedScript(script=f"# step {request.step}\n", notes="simulated")
        case ReadOutput():
            return Reading(summary="simulated")
        case _:
            return Script(script=f"# trace {request.trace}, step {request.step}\n", notes="")


@dataclass
class SimulatedReasoner:
    """A backend that sleeps `seconds` per call."""

    seconds: float
    label: str = "simulated"

    async def answer(self, request: Request[Any]) -> Answer:
        if self.seconds:
            await anyio.sleep(self.seconds)
        return Answer(reply=_reply(request).model_dump(mode="json"), model=self.label, meter={"calls": 1.0})

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass
class _Forward:
    """Occupies a slot for `seconds` per run; the n-th script gets the score `score(n)`, None for no score."""

    slots: SlotPool
    artefacts: Artefacts
    seconds: float
    score: Callable[[int], float | None]
    clock: Callable[[], float]
    holds: list[tuple[float, float]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    async def run(
        self,
        request: ScriptRun,
        owner: str,
        *,
        turn: int = 1,
        over: anyio.Event | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ScriptRan:
        # Runs that only use idle slots are not simulated.
        if turn >= LAST or not await self._hold(owner, turn, over):
            return ScriptRan(cause=Cause.ABANDONED, words="simulated")
        number = self.numbers.setdefault(request.script_ref, len(self.numbers) + 1)
        return ScriptRan(
            cause=Cause.OK,
            words="simulated",
            seconds=self.seconds,
            submission_ref=await self.artefacts.put(f"{request.script_ref} {number}"),
            predictions_ref=await self.artefacts.put(f"{request.script_ref} {request.view}"),
            evaluation=_evaluation(request.view, self.score(number)),
        )

    async def _hold(self, owner: str, turn: int, over: anyio.Event | None) -> bool:
        """Occupy a slot; return whether this was not cut short by `over`."""
        async with anyio.create_task_group() as group:
            if over is not None:
                group.start_soon(_cancel_once, over, group.cancel_scope)
            async with self.slots.take(owner, turn=turn):
                taken = self.clock()
                try:
                    if self.seconds:
                        await anyio.sleep(self.seconds)
                finally:
                    self.holds.append((taken, self.clock()))
            group.cancel_scope.cancel()
            return True
        return False


async def _cancel_once(over: anyio.Event, scope: anyio.CancelScope) -> None:
    await over.wait()
    scope.cancel()


def _evaluation(view: str, score: float | None) -> Evaluation:
    """Evaluation of one run: a split of one row, without a variance that could stop a trial."""
    if score is None:
        return Evaluation(view=view)
    split = split_of(view) or 0
    scored = {"score": score, "folds": (score,), "splits": (split,), "planned": 1, "weights": (1.0,)}
    return Evaluation(view=view, fold_rows=((1, 1),), replicates=((),), **scored)


@dataclass
class _World:
    """Resources of the actors: the forward pass, and empty results for everything else."""

    forward: _Forward
    artefacts: Artefacts

    async def grade(self, _: Grading) -> Graded:
        return Graded(grade=None)

    async def assemble(self, request: Assembling) -> Assembled:
        evaluation = merge(request.evaluations, _TASK.split, request.planned)
        ref = await self.artefacts.put(" ".join(request.predictions_refs))
        return Assembled(evaluation=evaluation, oof_ref=ref, submission_ref=ref)

    async def probe(self, _: Probing) -> Probed:
        return Probed(probes=Probes())

    async def blend(self, _: Blending) -> Blended:
        return Blended(evaluation=Evaluation(view="holdout"))

    async def analyse(self, _: Analysing) -> Analysed:
        return Analysed(diagnostics_ref=None)

    async def pair(self, _: Pairing) -> Paired:
        return Paired()

    async def ensemble(self, _: Ensembling) -> Ensembled:
        return Ensembled()

    async def average(self, request: Averaging) -> Averaged:
        return Averaged(submission_ref=request.submission_refs[0])


@dataclass
class Simulation:
    """What to simulate: seconds per model call (`call`) and per script run (`run`), and the settings of the run.

    A trial always runs on all `splits`: the simulated scores have no variance by which racing could stop it.
    """

    call: float
    run: float
    traces: int
    slots: int
    trials: int
    lookahead: int = 0
    score: Callable[[int], float | None] = field(default=lambda number: 1.0 / number)
    splits: int = 1

    @property
    def scenario(self) -> Scenario:
        """The scenario: without debug runs, so that a trial has one run per split; the finish has one run."""
        return Scenario.model_validate(
            {
                "name": "simulated",
                "task": "simulated",
                "traces": self.traces,
                "lookahead": self.lookahead,
                "budget": {"trials": self.trials},
                "backends": {"simulated": {"kind": "expert"}},
                "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "simulated"),
                "executors": {"slots": self.slots, "debug": False},
                "method": {"finish": {"candidates": 1, "seeds": 1, "ship": "mean"}},
            }
        )


@dataclass(frozen=True)
class Simulated:
    """Messages of a run, and when slots were occupied, finish included: (taken, released) in live seconds.

    `head` is the number of messages, also if they were not kept.
    """

    envelopes: list[Envelope]
    holds: list[tuple[float, float]]
    head: int


async def simulate(asked: Simulation, folder: Path, *, keep: bool = True) -> Simulated:
    """Run a simulation in `folder`; with `keep`, its messages are read from the log at the end."""
    scenario, artefacts = asked.scenario, Artefacts(folder)
    pool = SlotPool([Slot(index=index) for index in range(asked.slots)])
    backends = {"simulated": SimulatedReasoner(asked.call)}
    async with open_log(folder, run="simulated", vocabulary=VOCABULARY) as log:
        await log.append("user", [Draft(_opened(scenario, asked.splits), opens=True)])
        await log.append("session", [Draft(SessionOpened(wall=0.0, pid=0, sandbox="simulated", slots=asked.slots))])
        forward = _Forward(pool, artefacts, asked.run, asked.score, log.elapsed)
        actors = seat(scenario, backends, _World(forward, artefacts), artefacts)
        supervisor = Supervisor(log, artefacts, Telemetry(log), actors, conclude_dead_letter=conclude_dead_letter)
        async with anyio.create_task_group() as group:
            await supervisor.run(until=lambda envelope: isinstance(envelope.message, RunFinished))
            group.cancel_scope.cancel()
        envelopes = await log.read(0, log.head, limit=10**9) if keep else []
        return Simulated(envelopes, forward.holds, log.head)


def _opened(scenario: Scenario, splits: int) -> RunOpened:
    return RunOpened(
        version="simulated",
        name=scenario.name,
        scenario=scenario.model_dump(mode="json"),
        scenario_path="",
        task_path="",
        task_digest="",
        task=_TASK,
        profile=Profile(rows=1, columns=()),
        workplace=_WORKPLACE,
        reasoners={},
        splits=tuple(view_of_split(split) for split in range(splits)),
        baseline=None,
    )
