"""Resources of a run outside its log: the task and its harness, an executor with slots, the backends.

Each process that starts or resumes the run opens them again. The log holds only what `RunOpened` records of them.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from gome.agents.backends.base import Backend, Embedder
from gome.agents.backends.factory import make_backends, make_embedder
from gome.agents.protocol.workplace import Workplace, workplace_of
from gome.agents.redaction import secrets_of
from gome.agents.roles.finisher import Averaged, Averaging, Blended, Blending, Ensembled, Ensembling, Graded, Grading
from gome.agents.roles.prober import Probed, Probing
from gome.agents.runtime.memory import give_back
from gome.agents.runtime.placement import Placement, open_placement, python_of
from gome.agents.scripts.error_analysis import Analysed, Analysing, Paired, Pairing, analyse, pair
from gome.agents.scripts.execution import ForwardPass
from gome.agents.scripts.joined_splits import Assembled, Assembling, assemble
from gome.agents.scripts.known_runs import KnownRuns
from gome.agents.scripts.predictions import unpacked
from gome.agents.scripts.user_script import read_start
from gome.agents.state.call_budget import Spending
from gome.bus.store.artefacts import Artefacts
from gome.errors import UsageError
from gome.executors.choose_sandbox import Sandbox
from gome.executors.launch import MOUNTS, Limits
from gome.executors.resources.packages import describe
from gome.executors.resources.slots import SlotPool
from gome.executors.sandbox.levels import SandboxLevel
from gome.scenarios.config.prices import missing_prices
from gome.scenarios.config.scenario import LanguageModel, Scenario
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evaluation.view_files import ScriptLimits
from gome.scenarios.grading.grade import grade
from gome.scenarios.reading.document import read_document
from gome.scenarios.task.task import Task

__all__ = ["Resources", "assets_of_run", "check_means", "find_assets", "open_resources", "score_mean", "select_members"]


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything outside the log that actors use. `start` is the text of the script from which traces begin."""

    task: Task
    harness: Harness
    placement: Placement
    slots: SlotPool
    workplace: Workplace
    backends: Mapping[str, Backend]
    embedder: Embedder | None
    forward: ForwardPass
    start: str | None = None

    async def grade(self, request: Grading) -> Graded:
        """Grade a submission against the task's private answers, which nothing else in a run reads."""
        path = self.forward.artefacts.path(request.submission_ref)
        return Graded(grade=await anyio.to_thread.run_sync(grade, self.task, path))

    async def assemble(self, request: Assembling) -> Assembled:
        """Combine the runs of a trial into one evaluation."""
        return await anyio.to_thread.run_sync(assemble, self.harness, self.forward.artefacts, request)

    async def analyse(self, request: Analysing) -> Analysed:
        """Analyse a solution's errors."""
        return await anyio.to_thread.run_sync(analyse, self.harness, self.forward.artefacts, request)

    async def pair(self, request: Pairing) -> Paired:
        """Score the mean of two solutions."""
        return await anyio.to_thread.run_sync(pair, self.harness, self.forward.artefacts, request)

    async def probe(self, request: Probing) -> Probed:
        """Compute the probes from predictions for the probe view."""
        return await anyio.to_thread.run_sync(read_probes, self.harness, self.forward.artefacts, request)

    async def blend(self, request: Blending) -> Blended:
        """Score the mean of predictions on the hold-out."""
        return await anyio.to_thread.run_sync(score_mean, self.harness, self.forward.artefacts, request)

    async def ensemble(self, request: Ensembling) -> Ensembled:
        """Select an ensemble from out-of-fold predictions."""
        return await anyio.to_thread.run_sync(select_members, self.harness, self.forward.artefacts, request)

    async def average(self, request: Averaging) -> Averaged:
        """Average submissions, and store the result as an artefact."""
        artefacts = self.forward.artefacts
        paths = [artefacts.path(ref) for ref in request.submission_refs]
        mean = await anyio.to_thread.run_sync(self.harness.blend, paths, request.weights)
        return Averaged(submission_ref=await artefacts.put(mean))

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox of the scripts."""
        return self.placement.sandbox

    async def aclose(self) -> None:
        """Close the backends and the placement."""
        for backend in self.backends.values():
            await backend.aclose()
        await self.placement.close()


def read_probes(harness: Harness, artefacts: Artefacts, request: Probing) -> Probed:
    """Compute the probes from predictions that are stored as artefacts."""
    return Probed(probes=harness.probes(unpacked(artefacts.read_now(request.predictions_ref))))


def score_mean(harness: Harness, artefacts: Artefacts, request: Blending) -> Blended:
    """Score the mean of predictions that are stored as artefacts, on the hold-out."""
    predictions = [unpacked(artefacts.read_now(ref)) for ref in request.predictions_refs]
    return Blended(evaluation=harness.score_mean("holdout", predictions))


def select_members(harness: Harness, artefacts: Artefacts, request: Ensembling) -> Ensembled:
    """Select an ensemble from out-of-fold predictions that are stored as artefacts."""
    found = harness.ensemble([artefacts.read_now(ref).decode() for ref in request.oof_refs], request.most)
    return Ensembled(**vars(found)) if found is not None else Ensembled()


async def check_means(scenario: Scenario, beside: Path, *, unsandboxed: bool = False) -> None:
    """Raise what `open_resources` would raise, as far as this is known without the task; writes nothing lasting.

    For a scenario whose task is yet to be created, so that a missing key is reported first. `beside` is its folder.
    """
    find_assets(scenario.executors.assets, beside)
    _check_prices(scenario)
    _secrets(scenario)
    for backend in make_backends({name: scenario.backends[name] for name in scenario.roles.backends}).values():
        await backend.aclose()
    with tempfile.TemporaryDirectory(prefix="gome-means-") as place:
        placement = await open_placement(scenario.executors, Path(place) / "standby", unsandboxed=unsandboxed)
        await placement.close()


async def open_resources(
    scenario: Scenario,
    scenario_path: Path,
    task_path: Path,
    artefacts: Artefacts,
    folder: Path,
    *,
    unsandboxed: bool = False,
    spending: Spending | None = None,
    start: Path | None = None,
    loaded: Task | None = None,
) -> Resources:
    """Load the task, write its first view, open placement and backends. `spending` limits what the backends spend.

    A `loaded` task is not read again if it is that of `task_path`, which settings of the run may have changed.

    Raises TaskError, UsageError where a backend lacks its key or a budget cannot be enforced, and whatever
    `open_placement` raises.
    """
    settings = scenario.executors
    assets = find_assets(settings.assets, scenario_path.parent)
    _check_prices(scenario)
    secrets = _secrets(scenario)
    backends = make_backends({name: scenario.backends[name] for name in scenario.roles.backends}, spending)
    keeper = scenario.roles.memory_keeper
    embedder = await anyio.to_thread.run_sync(make_embedder, keeper, backends, scenario_path.parent)
    task = await anyio.to_thread.run_sync(_task, task_path, loaded)
    python = python_of(settings)
    environment = await anyio.to_thread.run_sync(describe, python or Path(sys.executable))
    source = await anyio.to_thread.run_sync(read_start, start, environment.importable) if start else None
    placement = await open_placement(settings, folder / "work" / "standby", unsandboxed=unsandboxed)
    workplace = workplace_of(scenario, environment, placement.slots[0].threads, assets)
    limits = ScriptLimits(seconds=settings.timeout.full, threads=workplace.threads, memory_gib=workplace.memory_gib)
    harness = Harness(
        task,
        folder / "data",
        scenario.seed,
        scenario.method.finish.holdout,
        limits,
        own_copy=placement.sandbox.level is not SandboxLevel.BUBBLEWRAP,
        apart=scenario.method.finish.apart,
    )
    await anyio.to_thread.run_sync(lambda: harness.splits)
    # Last, because it writes the first file: if a check above fails, nothing of the run is on disk.
    await anyio.to_thread.run_sync(harness.data, harness.splits[0])
    pool = SlotPool(placement.slots)
    forward = ForwardPass(
        executor=placement.executor,
        slots=pool,
        harness=harness,
        artefacts=artefacts,
        folder=folder / "work",
        limits=Limits(memory=settings.memory),
        importable=environment.importable,
        python=python,
        known=KnownRuns(artefacts),
        secrets=secrets,
        assets=assets,
    )
    return Resources(task, harness, placement, pool, workplace, backends, embedder, forward, source)


def _task(path: Path, loaded: Task | None) -> Task:
    known = loaded is not None and loaded.folder.resolve() == path.resolve()
    task = loaded if loaded is not None and known else Task.load(path)
    give_back()
    return task


def find_assets(names: Sequence[str], folder: Path) -> dict[Path, Path]:
    """Path of each asset → the path under which scripts see it. `folder` is the scenario's.

    Raises UsageError for an asset that is missing or outside `folder`: a scenario may come from an untrusted source,
    and what a script reads, it can print and so send to a model's server.
    """
    found: dict[Path, Path] = {}
    for name in names:
        real = (folder / name).resolve()
        if not real.is_relative_to(folder.resolve()):
            raise UsageError(f"executors.assets: {name} is outside the scenario's folder; move it into that folder")
        if not real.exists():
            raise UsageError(f"executors.assets: {real} does not exist")
        found[real] = MOUNTS / "assets" / real.relative_to(folder.resolve())
    return found


def assets_of_run(names: Sequence[str], scenario_path: Path) -> dict[Path, Path]:
    """As `find_assets`, of a run that is gone on with: its log says where its scenario is, and may be a stranger's.

    So the file there has to name them: else a log could call any folder that of its scenario. Raises UsageError.
    """
    listed = _named_assets(scenario_path) if names else ()
    for name in names:
        if name not in listed:
            raise UsageError(
                f"executors.assets: the run's log names {name}, and the scenario {scenario_path} does not (any more): "
                "write it there if scripts may read it"
            )
    return find_assets(names, scenario_path.parent)


def _named_assets(scenario_path: Path) -> Sequence[object]:
    """What a scenario's file lists as assets; nothing where it cannot be read."""
    settings = read_document(scenario_path).value if scenario_path.is_file() else None
    executors = settings.get("executors") if isinstance(settings, dict) else None
    listed = executors.get("assets") if isinstance(executors, dict) else None
    return listed if isinstance(listed, list) else ()


def _secrets(scenario: Scenario) -> frozenset[str]:
    """The secrets in this environment. Raises UsageError where the scenario, which the log stores, contains one."""
    used = [scenario.backends[name] for name in scenario.roles.backends]
    named = [each.api_key_env for each in used if isinstance(each, LanguageModel) and each.api_key_env]
    secrets = secrets_of(os.environ, named)
    written = scenario.model_dump_json()
    if any(secret in written for secret in secrets):
        name = next(name for name, value in os.environ.items() if value.strip() in secrets and value.strip() in written)
        raise UsageError(
            f"the scenario contains the value of the environment variable {name}, which the log would store; "
            f"name the variable instead (`api_key_env: {name}`)"
        )
    return secrets


def _check_prices(scenario: Scenario) -> None:
    """Raise UsageError where a budget in USD is set and a call has no known price."""
    missing = missing_prices(scenario) if scenario.budget.usd is not None else []
    if missing:
        raise UsageError(f"budget.usd: {missing[0]}")
