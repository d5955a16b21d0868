"""The work of each step of a finished run, read from its log, with durations that are known without a clock.

A call takes as long as is said. A run takes what the expert's cost model estimates for its script, times `STRETCH`: the
made-up tables are small so that a benchmark is quick, and a script of half a second beside a call of twenty would make
calls all that counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.crossover.clock import Race, Stage, Work
from gome.agents.backends.expert.code.cost import script_seconds
from gome.agents.backends.expert.plan import Plan, read_plan
from gome.agents.backends.expert.situation import Scene
from gome.agents.protocol.messages import Trial
from gome.agents.protocol.run_messages import RunOpened
from gome.agents.scripts.script_run import ScriptRan, ScriptRun
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.message import Envelope
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.evaluation.views import split_of

__all__ = ["CALL", "STRETCH", "works_of"]

CALL = 20.0
"""Seconds of a call of a model."""
STRETCH = 60.0
"""A run takes so many times what its script is estimated to take on the small table."""


class _Ran(NamedTuple):
    """A run of a round. Runs are begun in the order of `ordinal`, which chance timing does not change."""

    ordinal: int
    script_ref: str
    view: str
    good: bool


@dataclass
class _Step:
    """A step's activities: calls as None, and the runs of each round."""

    stages: list[list[_Ran] | None] = field(default_factory=list)
    trial: Trial | None = None

    def called(self) -> None:
        self.stages.append(None)

    def round(self) -> list[_Ran]:
        if not self.stages or self.stages[-1] is None:
            self.stages.append([])
        last = self.stages[-1]
        return last if last is not None else []


def works_of(envelopes: Sequence[Envelope], artefacts: Artefacts) -> list[Work]:
    """The work of all steps, the survey included; the finish is left out."""
    opened = next(each.message for each in envelopes if isinstance(each.message, RunOpened))
    ran = {
        (each.sender, each.cause, each.message.ordinal): ScriptRan.model_validate_json(
            artefacts.read_now(each.message.result_ref)
        )
        for each in envelopes
        if isinstance(each.message, ActivityFinished) and each.message.activity == "script"
    }
    steps: dict[tuple[int, int], _Step] = {}
    for each in envelopes:
        if each.trace is None or each.step is None:
            continue
        step = steps.setdefault((each.trace, each.step), _Step())
        if isinstance(each.message, Trial):
            step.trial = each.message
        elif isinstance(each.message, ActivityStarted) and each.message.attempt == 1:
            _add(step, each, ran, artefacts)
    cost = _costs(opened, artefacts)
    return [Work(trace, at, _stages(step, cost)) for (trace, at), step in sorted(steps.items())]


def _add(step: _Step, each: Envelope, ran: dict[tuple[str, str | None, int], ScriptRan], artefacts: Artefacts) -> None:
    started = each.message
    if not isinstance(started, ActivityStarted):
        return
    if started.activity == "reason":
        step.called()
    elif started.activity == "suggest":
        step.stages.append([])
    elif started.activity == "script" and each.sender.startswith("runner"):
        request = ScriptRun.model_validate_json(artefacts.read_now(started.request_ref))
        outcome = ran.get((each.sender, each.cause, started.ordinal))
        if outcome is not None:
            step.round().append(_Ran(started.ordinal, request.script_ref, request.view, outcome.good))


def _costs(opened: RunOpened, artefacts: Artefacts) -> Callable[[str], float]:
    known: dict[str, float] = {}

    def cost(script_ref: str) -> float:
        if script_ref not in known:
            plan = read_plan(artefacts.read_now(script_ref).decode()) or Plan()
            scene = Scene(opened.task, opened.profile, plan, workplace=opened.workplace)
            known[script_ref] = STRETCH * script_seconds(scene, plan)
        return known[script_ref]

    return cost


def _stages(step: _Step, cost: Callable[[str], float]) -> tuple[Stage, ...]:
    """The stages with their durations. Which runs decided stands in the trial, so that chance timing has no say."""
    searched = list(step.trial.searched.raced) if step.trial and step.trial.searched else []
    stages: list[Stage] = []
    first = True
    for stage in step.stages:
        if stage is None:
            stages.append(CALL)
            continue
        races = []
        for script_ref, runs in _by_script(stage).items():
            if step.trial and step.trial.searched and first:
                count = len(runs)  # the script as it stands, on all splits
            elif step.trial and step.trial.searched:
                count = searched.pop(0) if searched else len(runs)
            else:
                count = _decided(step.trial, script_ref, runs)
            timed = tuple((f"{script_ref} {view}", cost(script_ref)) for view, _ in runs)
            races.append(Race(timed[:count], timed[count:]))
        first = False
        stages.append(tuple(races))
    return tuple(stages)


def _by_script(stage: Sequence[_Ran]) -> dict[str, list[tuple[str, bool]]]:
    """The races of a round: each script's runs, as (view, ended well), in the order in which they were begun."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for run in sorted(stage):
        found.setdefault(run.script_ref, []).append((run.view, run.good))
    return found


def _decided(trial: Trial | None, script_ref: str, runs: Sequence[tuple[str, bool]]) -> int:
    """How many of a script's runs, in their order, decided: those that the trial counts, or all up to a failed one."""
    evaluation = trial.evaluation if trial and trial.script_ref == script_ref else None
    if evaluation is not None and evaluation.splits:
        counted = [place for place, (view, _) in enumerate(runs, 1) if split_of(view) in evaluation.splits]
        return max(counted, default=len(runs))
    return next((place for place, (_, good) in enumerate(runs, 1) if not good), len(runs))
