"""Where scripts run, for requests and for a run's opening. Apart from the requests, so that a log is read at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from agents.ideas import Record

if TYPE_CHECKING:
    from executors.environment import Environment
    from scenarios.schema import Executors

__all__ = ["Workplace", "workplace_of"]


class Workplace(Record):
    """Where scripts run: what can be imported, what they may use, and paths of assets as they see them."""

    python: str
    packages: dict[str, str]
    threads: int
    memory_gib: float
    debug_seconds: float
    full_seconds: float
    assets: tuple[str, ...] = ()


def workplace_of(
    settings: "Executors", environment: "Environment", threads: int, assets: Mapping[Path, Path]
) -> Workplace:
    """What scripts of a scenario find where that environment is; `assets` maps files to where scripts see them."""
    return Workplace(
        python=environment.python,
        packages=environment.packages,
        threads=threads,
        memory_gib=settings.memory / (1 << 30),
        debug_seconds=settings.timeout.debug,
        full_seconds=settings.timeout.full,
        assets=tuple(str(seen) for seen in assets.values()),
    )
