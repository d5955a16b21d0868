"""Shared by benchmarks of whole runs: runs on the real ring, a cache of script runs, and stored results.

A script that another run of the same task and seed has run is not run again: its predictions depend only on code, data,
seed and environment. Each run's result is stored in a file, so that a stopped benchmark can continue.
"""

import hashlib
import itertools
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
from pydantic import BaseModel, ConfigDict

from benchmarks.shared.one_process import OneProcess
from gome.agents.backends.factory import make_backends
from gome.agents.protocol.messages import VOCABULARY, Diagnosis
from gome.agents.protocol.run_messages import RunFinished, RunOpened, SessionOpened
from gome.agents.roles.dead_letters import conclude_dead_letter
from gome.agents.roles.team import seat
from gome.agents.runtime.resources import Resources, open_resources
from gome.agents.scripts.known_runs import KnownRuns
from gome.agents.scripts.script_run import ScriptRan, ScriptRun
from gome.bus.actors.supervisor import Supervisor
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.sqlite import open_log
from gome.bus.telemetry import Telemetry
from gome.executors.launch import Cause, Executor, Launch, Outcome, Slot
from gome.scenarios.config.scenario import Scenario
from gome.version import VERSION

__all__ = ["Cached", "Counted", "Played", "Stage", "Unhurried", "all_at_once", "commit", "kept", "open_stage"]

R = TypeVar("R", bound=BaseModel)


class Counted(BaseModel):
    """Number of scripts that a run requested, and how many of them came from the cache."""

    model_config = ConfigDict(frozen=True)

    scripts: int = 0
    found: int = 0


class Cached(KnownRuns):
    """Cache of script runs of this run, and of all runs that store their outcomes in `folder`.

    `scope` identifies everything that outcomes depend on besides code and request. A cache hit only shows in `counted`:
    otherwise the run is the same. With `patience`, scripts of the run start one after the other, each after so many
    seconds in which a decision by the one before may spare it.
    """

    def __init__(
        self, artefacts: Artefacts, folder: Path, scope: str, locks: dict[str, anyio.Lock], patience: float = 0.0
    ) -> None:
        super().__init__(artefacts)
        self._texts, self._folder, self._scope, self._locks = artefacts, folder, scope, locks
        self._patience, self._turn = patience, anyio.Lock()
        self.counted = Counted()

    async def get(
        self, request: ScriptRun, run: Callable[[], Awaitable[ScriptRan]], over: anyio.Event | None = None
    ) -> ScriptRan:
        """See `KnownRuns.get`; `run` is called if no run has the outcome."""
        later = partial(self._in_turn, run, over) if self._patience else run
        return await super().get(request, partial(self._kept, request, later), over)

    async def _in_turn(self, run: Callable[[], Awaitable[ScriptRan]], over: anyio.Event | None) -> ScriptRan:
        async with self._turn:
            if over is not None:
                with anyio.move_on_after(self._patience):
                    await over.wait()
                if over.is_set():
                    return ScriptRan.abandoned()
            return await run()

    async def _kept(self, request: ScriptRun, run: Callable[[], Awaitable[ScriptRan]]) -> ScriptRan:
        code = _code(await self._texts.text(request.script_ref))
        asked = f"{self._scope}\n{request.view} {request.seed} {request.seconds}\n{code}"
        digest = hashlib.sha256(asked.encode()).hexdigest()[:32]
        path = anyio.Path(self._folder / f"{digest}.json")
        async with self._locks.setdefault(digest, anyio.Lock()):
            there = await path.exists()
            ran = ScriptRan.model_validate_json(await path.read_text()) if there else await run()
            if ran.cause is not Cause.ABANDONED:
                self.counted = Counted(scripts=self.counted.scripts + 1, found=self.counted.found + there)
            if ran.cause is not Cause.ABANDONED and not there:
                await _write(path, ran.model_dump_json())
            return ran


def _code(script: str) -> str:
    """A script without its comment lines: different plans may give the same code."""
    return "\n".join(line for line in script.splitlines() if not line.startswith("#"))


@dataclass(frozen=True)
class Played:
    """A finished run: the diagnoses of its trials, its end, and its counts of scripts.

    Diagnoses are ordered by step and trace, because the order in which the trials of a step finish is not reproducible.
    `envelopes` is the whole log.
    """

    diagnoses: tuple[Diagnosis, ...]
    finished: RunFinished
    counted: Counted
    envelopes: tuple[Envelope, ...] = field(compare=False)


@dataclass
class Stage:
    """One task with one seed for several runs: its resources, and the folder of all files."""

    folder: Path
    resources: Resources
    seed: int
    locks: dict[str, anyio.Lock] = field(default_factory=dict)
    patience: float = 0.0

    async def play(self, name: str, scenario: Scenario, baseline: float | None) -> Played:
        """Run the scenario under that name. An incomplete log is not resumed but started anew, with cached scripts.

        `baseline` is the validation score of a constant prediction.
        """
        resources, artefacts = self.resources, self.resources.forward.artefacts
        settings = scenario.executors
        packages = sorted(resources.workplace.packages.items())
        limits = f"{self.seed} {settings.threads} {settings.timeout}"
        scope = f"{resources.task.digest} {limits} {resources.workplace.python} {packages}"
        known = Cached(artefacts, self.folder / "scripts", scope, self.locks, self.patience)
        world = replace(resources, forward=replace(resources.forward, known=known))
        place = await anyio.to_thread.run_sync(_fresh, self.folder / "logs", name)
        async with open_log(place, run=name, vocabulary=VOCABULARY) as log:
            await log.append("user", [Draft(_opened(scenario, resources, baseline), opens=True)])
            slots = len(resources.slots.slots)
            session = SessionOpened(wall=0.0, pid=0, sandbox=resources.sandbox.level.value, slots=slots)
            await log.append("session", [Draft(session)])
            backends = make_backends({each: scenario.backends[each] for each in scenario.roles.backends})
            actors = seat(scenario, backends, world, artefacts, resources.embedder)
            supervisor = Supervisor(log, artefacts, Telemetry(log), actors, conclude_dead_letter=conclude_dead_letter)
            await supervisor.run(until=lambda envelope: isinstance(envelope.message, RunFinished))
            return _played(await log.read(0, log.head, limit=10**9), known.counted)


def _opened(scenario: Scenario, resources: Resources, baseline: float | None) -> RunOpened:
    return RunOpened(
        version=VERSION,
        name=scenario.name,
        scenario=scenario.model_dump(mode="json"),
        scenario_path="",
        task_path="",
        task_digest=resources.task.digest,
        task=resources.task.brief,
        profile=resources.harness.profile,
        workplace=resources.workplace,
        reasoners={},
        splits=resources.harness.splits,
        baseline=baseline,
    )


def _played(envelopes: Sequence[Envelope], counted: Counted) -> Played:
    messages = [each.message for each in sorted(envelopes, key=lambda each: (each.step or 0, each.trace or 0))]
    diagnoses = [each for each in messages if isinstance(each, Diagnosis) and each.verdict != "surveyed"]
    finished = next(each for each in messages if isinstance(each, RunFinished))
    return Played(tuple(diagnoses), finished, counted, tuple(envelopes))


_SPARED = 0.03
"""Seconds in which a trial is decided after a split's run, so that the next split's run is spared."""
_PATIENCE = 20
"""Factor on a script's limit for its wall-clock time, for scripts that wait instead of computing."""


@dataclass(frozen=True)
class Unhurried:
    """An executor that limits a script's CPU time instead of wall time, so that other load changes no outcome."""

    inner: Executor

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        wall = launch.limits.wall
        limits = launch.limits.model_copy(update={"cpu": wall, "wall": _PATIENCE * wall})
        return await self.inner.run(launch.model_copy(update={"limits": limits}), slot, on_line)


@asynccontextmanager
async def open_stage(
    scenario: Scenario, task_folder: Path, name: str, folder: Path, *, plain: bool = False
) -> AsyncIterator[Stage]:
    """Open the stage of the scenario's seed on that task. `plain`: scripts run in one process, without a sandbox."""
    place = folder / "work" / name
    for part in (folder / "results", folder / "scripts", folder / "logs", place):
        await anyio.Path(part).mkdir(parents=True, exist_ok=True)
    resources = await open_resources(scenario, place, task_folder, Artefacts(folder), place)
    async with aclosing(resources), aclosing(OneProcess()) as process:
        runs = Unhurried(process if plain else resources.forward.executor)
        world = replace(resources, forward=replace(resources.forward, executor=runs))
        yield Stage(folder, world, scenario.seed, patience=_SPARED if plain else 0.0)


async def kept(folder: Path, name: str, kind: type[R], make: Callable[[], Awaitable[R]]) -> R:
    """The stored result of that name; if there is none, make and store it."""
    path = anyio.Path(folder / "results" / f"{name}.json")
    if await path.exists():
        return kind.model_validate_json(await path.read_text())
    result = await make()
    await _write(path, result.model_dump_json())
    return result


async def _write(path: anyio.Path, text: str) -> None:
    """Write the file atomically."""
    draft = path.with_suffix(".part")
    await draft.write_text(text)
    await draft.rename(path)


async def all_at_once(most: int, makes: Sequence[Callable[[], Awaitable[R]]]) -> list[R]:
    """Run all `makes`, at most `most` concurrently; return the results in their order."""
    limiter = anyio.CapacityLimiter(most)
    found: dict[int, R] = {}

    async def one(place: int, make: Callable[[], Awaitable[R]]) -> None:
        async with limiter:
            found[place] = await make()

    async with anyio.create_task_group() as group:
        for place, make in enumerate(makes):
            group.start_soon(one, place, make)
    return [found[place] for place in range(len(makes))]


def _fresh(folder: Path, name: str) -> Path:
    places = (folder / f"{name}.{number}" for number in itertools.count())
    return next(place for place in places if not place.exists())


@cache
def commit() -> str:
    """The measured commit, with "-dirty" if files differ from it. Cached, so that it is that of the start."""
    command = ["git", "describe", "--always", "--dirty"]
    printed = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return printed.stdout.strip() or "unknown"
