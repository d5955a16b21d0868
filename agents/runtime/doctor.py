"""Check whether a scenario can run here: send each backend real questions and examine the placement of scripts.

A problem is not raised: it is reported in the findings, with its remedy.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import anyio.to_thread

from gome.agents.method.seeding import derive_seed
from gome.agents.protocol.requests import SurveyTask
from gome.agents.protocol.script_requests import WriteSolution
from gome.agents.protocol.types import Hypothesis
from gome.agents.protocol.workplace import workplace_of
from gome.agents.runtime.doctor_models import (
    EMBEDDING,
    BackendFinding,
    Told,
    ask_backend,
    ask_embedder,
    calls_models,
    calls_words,
)
from gome.agents.runtime.doctor_placement import PlacementFinding, examine_placement
from gome.agents.runtime.placement import python_of
from gome.executors.resources.packages import describe
from gome.scenarios.config.scenario import REASONING, Scenario
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evaluation.view_files import ScriptLimits
from gome.scenarios.task.task import Task

__all__ = ["BackendFinding", "DoctorReport", "PlacementFinding", "examine_scenario"]

_SIMPLE = Hypothesis(
    statement="Predict a constant.",
    reason="This only checks that a script can be asked for.",
    challenge="",
    component="Model",
    parameter="model",
    direction="constant",
    expected_gain=0.0,
)


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """All findings of `gome doctor` about one scenario."""

    backends: tuple[BackendFinding, ...]
    place: PlacementFinding

    @property
    def well(self) -> bool:
        """Whether no finding reports a problem."""
        return self.place.trouble is None and all(each.trouble is None for each in self.backends)


def _unheard(words: str) -> None:
    pass


async def examine_scenario(
    scenario: Scenario,
    scenario_path: Path,
    task_path: Path,
    runs: Path,
    *,
    unsandboxed: bool = False,
    offline: bool = False,
    told: Told = _unheard,
) -> DoctorReport:
    """Ask every backend that a role uses, concurrently, then examine where scripts would run.

    Each is asked to survey the task; that of the executor also for a script, which is asked for in another form.

    `runs` is the folder of all runs; `told` hears how many calls of models there will be, and of each question and
    answer at once. `offline`: no model is asked, and the findings name what was left out. The Memory-Keeper's embedding
    model, if there is one, is the last finding. Raises TaskError where the task cannot be loaded: the questions are
    made from the task.
    """
    survey, script = await anyio.to_thread.run_sync(_questions, scenario, task_path)
    roles = scenario.roles
    names = [*dict.fromkeys(name for role in REASONING for name in roles.of(role))]
    findings: dict[str, BackendFinding] = {}
    writers = set(roles.of("executor"))
    calls = {name: 1 + (name in writers) for name in names if calls_models(scenario, name)}
    if roles.memory_keeper.backend is not None:
        calls[EMBEDDING] = 1
    if calls and not offline:
        told(calls_words(scenario, calls))

    async def ask(name: str) -> None:
        asked_by = tuple(role for role in REASONING if name in roles.of(role))
        questions = (survey, script) if name in writers else (survey,)
        findings[name] = await ask_backend(scenario, name, asked_by, questions, told, offline=offline)

    async def embed() -> None:
        findings[EMBEDDING] = await ask_embedder(scenario, scenario_path.parent, offline=offline)

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(ask, name)
        if roles.memory_keeper.embedding != "hashing":
            names.append(EMBEDDING)
            group.start_soon(embed)
    place = await examine_placement(scenario.executors, runs, unsandboxed=unsandboxed)
    return DoctorReport(tuple(findings[name] for name in names), place)


def _questions(scenario: Scenario, task_path: Path) -> tuple[SurveyTask, WriteSolution]:
    """The first request of every run, the survey of the task, and one for a first solution."""
    task = Task.load(task_path)
    timeout = scenario.executors.timeout
    limits = ScriptLimits(seconds=timeout.full, threads=1, memory_gib=scenario.executors.memory / 2**30)
    with TemporaryDirectory(prefix="gome-doctor-") as folder:
        finish = scenario.method.finish
        harness = Harness(task, Path(folder), scenario.seed, finish.holdout, limits, apart=finish.apart)
        environment = describe(python_of(scenario.executors) or Path(sys.executable))
        common: dict[str, Any] = {
            "task": harness.searched.brief,
            "profile": harness.profile,
            "workplace": workplace_of(scenario, environment, limits.threads, {}),
            "rows": scenario.prompts.rows,
            "trace": 0,
        }
    survey = SurveyTask(**common, step=0, seed=derive_seed(scenario.seed, 0, 0, "survey"))
    script = WriteSolution(
        **common,
        step=1,
        seed=derive_seed(scenario.seed, 0, 1, "write"),
        base=None,
        hypotheses=(_SIMPLE,),
        sketch="The shortest script that follows the contract: predict a constant.",
    )
    return survey, script
