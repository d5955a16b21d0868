"""The environment of scripts, for requests and `RunOpened`. Separate from requests, to keep reading a log fast."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gome.agents.protocol.types import Record

if TYPE_CHECKING:
    from gome.executors.resources.packages import Environment
    from gome.scenarios.config.scenario import Scenario

__all__ = ["Workplace", "workplace_of"]


class Workplace(Record):
    """The environment of scripts: packages, limits, and the paths of assets as scripts see them.

    A script whose run takes `heavy_seconds` or longer is accepted without its remaining splits once it is better by
    `decisive` standard errors. None where run time does not decide how many splits are run.
    """

    python: str
    packages: dict[str, str]
    threads: int
    memory_gib: float
    debug_seconds: float
    full_seconds: float
    heavy_seconds: float | None = None
    decisive: float | None = None
    assets: tuple[str, ...] = ()


def workplace_of(
    scenario: "Scenario", environment: "Environment", threads: int, assets: Mapping[Path, Path]
) -> Workplace:
    """The workplace of a scenario's scripts; `assets` maps each file to the path that scripts see."""
    settings, method = scenario.executors, scenario.method
    raced = not scenario.is_control if method.racing.enabled is None else method.racing.enabled
    timed = raced and method.folds == "auto" and scenario.memory.consistency != "lockstep"
    return Workplace(
        python=environment.python,
        packages=environment.packages,
        threads=threads,
        memory_gib=settings.memory / (1 << 30),
        debug_seconds=settings.timeout.debug,
        full_seconds=settings.timeout.full,
        heavy_seconds=method.racing.heavy if timed else None,
        decisive=method.racing.decisive if timed else None,
        assets=tuple(str(seen) for seen in assets.values()),
    )
