"""The runs of a sweep: one per setting, in folders whose names are derived from the settings.

The sweep's folder is named by a hash of what all runs have in common. So the same command finds its earlier runs, and a
command with more values adds to them.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from gome.agents.runtime.opening import opening_of
from gome.bus.store.lock import holder
from gome.cli.sweeps.axes import Axis, settings
from gome.errors import LogError, RunNotFound
from gome.scenarios.config.loader import load_scenario, resolve_task
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.reading.problems import ScenarioProblems
from gome.viewer.run_folders import outline

__all__ = ["Cell", "Plan", "State", "plan_sweep"]

State = Literal["new", "running", "stopped", "finished"]
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of the sweep: its value on each axis, its scenario, its folder."""

    values: tuple[str, ...]
    overrides: tuple[str, ...]
    scenario: Scenario
    folder: Path

    @property
    def name(self) -> str:
        """The setting as text: `traces=2 seed=1`."""
        return " ".join(self.overrides)

    @property
    def state(self) -> State:
        """State of the cell's run, read from disk. A run that ended before its first message counts as new."""
        if holder(self.folder) is not None:
            return "running"
        try:
            opening_of(self.folder)
        except (RunNotFound, LogError):
            return "new"
        return "finished" if outline(self.folder).finished else "stopped"


@dataclass(frozen=True, slots=True)
class Plan:
    """A sweep: its folder, its axes, its cells in order."""

    folder: Path
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]


def plan_sweep(path: Path, axes: tuple[Axis, ...], overrides: Sequence[str], roles: Sequence[str], root: Path) -> Plan:
    """Plan the sweep of the scenario in `path`; its folder is below `root`. Nothing is written.

    Every setting is validated. Raises ScenarioProblems with all problems of one setting, TaskError for a missing task.
    """
    chosen = settings(axes)
    named = [tuple(f"{axis.path}={value}" for axis, value in zip(axes, values, strict=True)) for values in chosen]
    scenarios = [_load(path, (*overrides, *each), roles, each) for each in named]
    for scenario in scenarios:
        resolve_task(scenario, path)
    folder = root / f"sweep-{scenarios[0].name}-{_digest(str(path.resolve()), _common(scenarios[0], axes))}"
    cells = (
        Cell(values, each, scenario, folder / _run_name(each, scenario))
        for values, each, scenario in zip(chosen, named, scenarios, strict=True)
    )
    return Plan(folder, axes, tuple(cells))


def _load(path: Path, overrides: Sequence[str], roles: Sequence[str], swept: Sequence[str]) -> Scenario:
    """Load the scenario of one setting; problems of a swept value are reported for `--over` instead of `--set`."""
    try:
        return load_scenario(path, overrides, roles)
    except ScenarioProblems as found:
        places = {f"--set {each}": f"--over {each}" for each in swept}
        problems = [replace(each, file=places.get(each.file, each.file)) for each in found.problems]
        raise ScenarioProblems(problems) from None


def _common(scenario: Scenario, axes: Sequence[Axis]) -> dict[str, Any]:
    """The scenario as data, without the swept settings."""
    data = scenario.model_dump(mode="json")
    for axis in axes:
        *parents, last = axis.path.split(".")
        here: Any = data
        for key in parents:
            here = here.get(key) if isinstance(here, dict) else None
        if isinstance(here, dict):
            here.pop(last, None)
    return data


def _run_name(overrides: Sequence[str], scenario: Scenario) -> str:
    """A readable folder name for a setting, with a hash that makes it unique."""
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", "_".join(overrides)).strip("-.")[:_LONGEST]
    return f"{stem}-{_digest(scenario.model_dump(mode='json'))}"


def _digest(*parts: Any) -> str:
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:6]
