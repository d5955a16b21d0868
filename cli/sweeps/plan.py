"""The runs of a sweep: one for each setting, with a name that follows from the setting, so that it is found again.

A sweep's folder is named for what all its runs have in common. The same command therefore finds what it has done
already, and one with more values adds to it.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from gome.agents.runtime.lifecycle import opening_of
from gome.bus.store.lock import holder
from gome.cli.sweeps.axes import Axis, settings
from gome.errors import LogError, RunNotFound
from gome.scenarios.config.loader import load_scenario, resolve_task
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.reading.problems import ScenarioProblems
from gome.viewer.store import outline

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
        """The setting in words: `traces=2 seed=1`."""
        return " ".join(self.overrides)

    @property
    def state(self) -> State:
        """How its run stands. One that ended before its first message counts as new."""
        if holder(self.folder) is not None:
            return "running"
        try:
            opening_of(self.folder)
        except (RunNotFound, LogError):
            return "new"
        return "finished" if outline(self.folder).finished else "stopped"


@dataclass(frozen=True, slots=True)
class Plan:
    """All of a sweep: its folder, its axes, its cells in order."""

    folder: Path
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]


def plan_sweep(path: Path, axes: tuple[Axis, ...], overrides: Sequence[str], roles: Sequence[str], root: Path) -> Plan:
    """The sweep of the scenario in `path` with those overrides; its folder is below `root`.

    Every setting is checked. Raises ScenarioProblems with all that is wrong, and TaskError where there is no such task.
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
    """The scenario of one setting; what is wrong with a swept value is told of `--over`."""
    try:
        return load_scenario(path, overrides, roles)
    except ScenarioProblems as found:
        places = {f"--set {each}": f"--over {each}" for each in swept}
        problems = [replace(each, file=places.get(each.file, each.file)) for each in found.problems]
        raise ScenarioProblems(problems) from None


def _common(scenario: Scenario, axes: Sequence[Axis]) -> dict[str, Any]:
    """The scenario without what is swept over."""
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
    """A folder's name for a setting: readable, and different for different settings."""
    words = re.sub(r"[^A-Za-z0-9.]+", "-", "_".join(overrides)).strip("-.")[:_LONGEST]
    return f"{words}-{_digest(scenario.model_dump(mode='json'))}"


def _digest(*parts: Any) -> str:
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:6]
