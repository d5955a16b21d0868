"""`validate`: report every problem of a scenario and its task before anything runs."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gome.agents.runtime.placement import python_of
from gome.agents.scripts.user_script import read_start, start_of
from gome.cli.options import Json, Overrides, RoleBackends, ScenarioFile
from gome.errors import UsageError
from gome.executors.resources.packages import describe
from gome.scenarios.config.loader import load_scenario, resolve_task, warnings
from gome.scenarios.config.readiness import asks_models, lacking
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.evaluation.views import ids_are_names, set_apart
from gome.scenarios.reading.problems import Problem, ScenarioProblems, TaskProblems
from gome.scenarios.task.task import Task
from gome.viewer.output import emit, hint, say

__all__ = ["task_notes", "validate"]


def validate(scenario: ScenarioFile, *, set_: Overrides = (), role: RoleBackends = (), json: Json = False) -> int:
    """Check a scenario and its task and report every problem with line and column; runs nothing.

    Parameters
    ----------
    scenario
        A scenario's YAML file, or the name of a built-in scenario.
    """
    try:
        asked = load_scenario(scenario, overrides=set_, roles=role)
        task = Task.load(resolve_task(asked, scenario))
        if asked.method.finish.apart:
            set_apart(task, asked.seed, asked.method.finish.holdout)
        _check_start(asked, scenario)
    except UsageError as error:
        if not json:
            raise
        emit("validate", {"valid": False, "problems": _problems(error, scenario), "warnings": []})
        return error.exit_status
    notes = [*map(str, warnings(asked)), *lacking(asked, os.environ), *task_notes(task)]
    if json:
        emit("validate", {"valid": True, "problems": [], "warnings": notes})
        return 0
    say(f"{scenario}: valid; task {task.brief.name}, metric {task.brief.metric} ({task.brief.direction})")
    for note in notes:
        say(f"{scenario}: warning: {note}")
    run = f"gome run {scenario}"
    hint(*([f"gome doctor {scenario}", run] if asks_models(asked) else [run]))
    return 0


def task_notes(task: Task) -> list[str]:
    """What the user should know of a task: how its columns are read, what was guessed, what scripts see."""
    notes = [*task.notes, *(f"unverified: {each}" for each in task.brief.unverified)]
    if not ids_are_names(task):
        notes.append("scripts see the original ids, because the ids carry information about the rows (docs/tasks.md)")
    return notes


def _check_start(asked: Scenario, scenario: Path) -> None:
    """Raise UsageError where the scenario's start script cannot run."""
    start = start_of(asked, scenario)
    if start is not None:
        python = python_of(asked.executors) or Path(sys.executable)
        read_start(start, describe(python).importable)


def _problems(error: UsageError, scenario: Path) -> Sequence[Problem]:
    if isinstance(error, ScenarioProblems | TaskProblems):
        return error.problems
    return [Problem(str(scenario), None, None, error.code, "", str(error))]
