"""Where scripts run, for requests and for a run's opening. Apart from the requests, so that a log is read at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gome.agents.protocol.types import Record

if TYPE_CHECKING:
    from gome.executors.resources.packages import Environment
    from gome.scenarios.config.scenario import Scenario

__all__ = ["Workplace", "workplace_of"]


class Workplace(Record):
    """Where scripts run: what can be imported, what they may use, and paths of assets as they see them.

    A script whose run takes `heavy_seconds` or longer may be judged on some of the splits; None where all are run.
    """

    python: str
    packages: dict[str, str]
    threads: int
    memory_gib: float
    debug_seconds: float
    full_seconds: float
    heavy_seconds: float | None = None
    assets: tuple[str, ...] = ()


def workplace_of(
    scenario: "Scenario", environment: "Environment", threads: int, assets: Mapping[Path, Path]
) -> Workplace:
    """What scripts of a scenario find where that environment is; `assets` maps files to where scripts see them."""
    settings, method = scenario.executors, scenario.method
    return Workplace(
        python=environment.python,
        packages=environment.packages,
        threads=threads,
        memory_gib=settings.memory / (1 << 30),
        debug_seconds=settings.timeout.debug,
        full_seconds=settings.timeout.full,
        heavy_seconds=method.racing.heavy if method.folds == "auto" else None,
        assets=tuple(str(seen) for seen in assets.values()),
    )
