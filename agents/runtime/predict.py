"""Predict new rows with the solution that a run submitted: its scripts are run again, sandboxed, on these rows.

If the run submitted the mean of its splits' models, each model is trained again on the rows of its split; otherwise one
model is trained on all rows. For the task's own test rows this reproduces the submission.
"""

import io
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread
import numpy as np
import pandas as pd

from gome.agents.protocol.final_selection import Finalist
from gome.agents.runtime.opening import scenario_of
from gome.agents.runtime.placement import open_placement, python_of
from gome.agents.runtime.resources import assets_of_run
from gome.agents.runtime.shipment import Shipment, shipment_of
from gome.agents.scripts.execution import ForwardPass
from gome.agents.scripts.known_runs import KnownRuns
from gome.agents.scripts.predictions import unpacked
from gome.agents.scripts.script_run import ScriptRan, ScriptRun
from gome.bus.store.artefacts import Artefacts
from gome.errors import UsageError
from gome.executors.launch import Limits
from gome.executors.resources.packages import describe
from gome.executors.resources.slots import SlotPool
from gome.scenarios.authoring.new_rows import with_new_rows
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evaluation.view_files import ScriptLimits
from gome.scenarios.portable.comparing import changed_share
from gome.scenarios.task.tables import write_table
from gome.scenarios.task.task import Task

__all__ = ["Predicted", "batch_effect", "predict"]


@dataclass(frozen=True)
class Predicted:
    """Predictions as CSV text, their number of rows, the steps (`trace.step`) that made them, notes on the new rows."""

    table: str
    rows: int
    whose: str
    notes: tuple[str, ...]


async def predict(folder: Path, table: Path, *, unsandboxed: bool = False) -> Predicted:
    """Predict the rows of the file `table`, of any kind that `gome run` reads, with the solution of a finished run.

    The run in `folder` is only read. Raises TaskError where the table does not fit the task or the task is missing,
    UsageError where the run is not finished or has no solution, where its task has changed, and where a script fails on
    the new rows.
    """
    shipment = await anyio.to_thread.run_sync(shipment_of, folder)
    task, notes = await anyio.to_thread.run_sync(with_new_rows, shipment.task, table)
    with tempfile.TemporaryDirectory(prefix="gome-predict-") as place:
        submissions = await _submissions(folder, Path(place), task, shipment, unsandboxed=unsandboxed)
    return Predicted(submissions, len(task.test), shipment.whose, notes)


async def batch_effect(folder: Path, *, unsandboxed: bool = False) -> float:
    """The share of the submission's rows whose prediction changes when the test set is predicted in two halves.

    Above 0, a prediction depends on which rows are predicted with it. Trains the solution twice; raises as `predict`.
    """
    shipment = await anyio.to_thread.run_sync(shipment_of, folder)
    brief = shipment.task.brief
    test = await anyio.to_thread.run_sync(shipment.task.written, brief.test_file)
    submitted = await Artefacts(folder).text(shipment.finished.submission_ref or "")
    made = []
    with tempfile.TemporaryDirectory(prefix="gome-halves-") as place:
        for number, half in enumerate(np.array_split(np.arange(len(test)), [len(test) // 2])):
            if len(half):
                path = Path(place) / f"half-{number}.csv"
                await anyio.to_thread.run_sync(write_table, path, test.take(half))
                made.append((await predict(folder, path, unsandboxed=unsandboxed)).table)
    whole, *halves = (pd.read_csv(io.StringIO(table)).drop(columns=brief.id_column) for table in (submitted, *made))
    return changed_share(whole, pd.concat(halves), labels=brief.prediction == "label")


async def _submissions(folder: Path, place: Path, task: Task, shipment: Shipment, *, unsandboxed: bool) -> str:
    """Predictions of the members for the test rows of `task`, combined as in the run's submission."""
    scenario = await anyio.to_thread.run_sync(scenario_of, folder)
    opened, finished = shipment.opened, shipment.finished
    settings, known = scenario.executors, Artefacts(folder)
    placement = await open_placement(settings, place / "standby", unsandboxed=unsandboxed)
    try:
        limits = ScriptLimits(settings.timeout.full, opened.workplace.threads, opened.workplace.memory_gib)
        finish = scenario.method.finish
        harness = Harness(
            task, place / "data", scenario.seed, finish.holdout, limits, own_copy=True, apart=finish.apart
        )
        environment = await anyio.to_thread.run_sync(describe, python_of(settings) or Path(sys.executable))
        artefacts = Artefacts(place)
        forward = ForwardPass(
            executor=placement.executor,
            slots=SlotPool(placement.slots),
            harness=harness,
            artefacts=artefacts,
            folder=place / "work",
            limits=Limits(memory=settings.memory),
            importable=environment.importable,
            known=KnownRuns(artefacts),
            python=python_of(settings),
            assets=assets_of_run(settings.assets, Path(opened.scenario_path)),
        )
        tables = []
        for member in finished.members:
            await artefacts.put(await known.text(member.script_ref))
            runs = await _run(forward, member, shipment, scenario.seed, settings.timeout.full)
            predictions = [unpacked(await artefacts.read(run.predictions_ref or "")) for run in runs]
            path = place / f"{member.trace}.{member.step}.csv"
            await anyio.Path(path).write_text(harness.mean(predictions), encoding="utf-8")
            tables.append(path)
        if len(tables) == 1:
            return await anyio.Path(tables[0]).read_text(encoding="utf-8")
        return await anyio.to_thread.run_sync(harness.blend, tables, finished.weights)
    finally:
        await placement.close()


async def _run(
    forward: ForwardPass, member: Finalist, shipment: Shipment, seed: int, seconds: float
) -> Sequence[ScriptRan]:
    """Run the member's script on the views that its submission was made from. Raises UsageError where one fails."""
    views = shipment.views(member)
    outcomes: dict[str, ScriptRan] = {}

    async def run(view: str) -> None:
        request = ScriptRun(script_ref=member.script_ref, view=view, seed=seed, seconds=seconds)
        outcomes[view] = await forward.run(request, "predict")

    async with anyio.create_task_group() as group:
        for view in views:
            group.start_soon(run, view)
    for ran in outcomes.values():
        if not ran.good:
            defects = ran.evaluation.defects if ran.evaluation else ()
            words = defects[0].message if defects else ran.words
            raise UsageError(f"the script of step {member.trace}.{member.step} fails on the new rows: {words}")
    return [outcomes[view] for view in views]
