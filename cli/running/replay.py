"""`replay`: replay a run from its log, offline, and verify that it makes the same decisions."""

import shutil
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import anyio
import anyio.to_thread
from cyclopts import Parameter

from gome.agents.runtime.opening import opening_of, scenario_of
from gome.agents.runtime.replay import Rerun, replay_run, rerun_scripts
from gome.agents.runtime.resources import open_resources
from gome.bus.store.artefacts import Artefacts
from gome.cli.options import Json, Run, Runs, Sandbox, folder_of
from gome.errors import ReplayDiverged
from gome.scenarios.config.scenario import ExpertBackend, Scenario
from gome.viewer import text
from gome.viewer.output import as_data, emit, hint, say, table
from gome.viewer.run_folders import as_opened

__all__ = ["replay"]


def replay(
    run: Run = "@last",
    *,
    rerun: Annotated[Literal["scripts"] | None, Parameter(show_default=False)] = None,
    sandbox: Sandbox = "auto",
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Replay a run from its log: no script, no model, no network. Status 3: a message differs; the error names it.

    Parameters
    ----------
    rerun
        scripts: instead of a replay, run every recorded script again and compare the scores.
    """
    folder = folder_of(run, runs)
    if rerun is not None:
        return _show_reruns(folder, anyio.run(_rerun, folder, sandbox == "none"), as_json=json)
    done = anyio.run(replay_run, folder)
    if json:
        emit("replay", done)
        return 0
    dead = f"; {done.buried} dead letters were not repeated" if done.buried else ""
    say(
        f"identical: {done.handled} messages handled, {done.said} messages reproduced, "
        f"{done.activities} calls answered from the log{dead}"
    )
    hint(f"gome log stats {as_opened(folder)}", f"gome report {as_opened(folder)}")
    return 0


async def _rerun(folder: Path, unsandboxed: bool) -> list[Rerun]:
    """Run the scripts on a copy of the artefacts, so that the run's folder is only read."""
    with TemporaryDirectory(prefix="gome-rerun-") as place:
        there = Path(place)
        await anyio.to_thread.run_sync(shutil.copytree, folder / "artefacts", there / "artefacts")
        opened, scenario = opening_of(folder), _without_models(scenario_of(folder))
        paths = (Path(opened.scenario_path), Path(opened.task_path))
        resources = await open_resources(scenario, *paths, Artefacts(there), there, unsandboxed=unsandboxed)
        async with aclosing(resources):
            return await rerun_scripts(folder, resources.forward)


def _without_models(scenario: Scenario) -> Scenario:
    """The scenario with the offline backend for every role, so that no API key is needed."""
    roles = dict.fromkeys(("diagnoser", "proposer", "executor"), "offline")
    changed = {"backends": {"offline": ExpertBackend(kind="expert")}, "roles": scenario.roles.model_copy(update=roles)}
    return scenario.model_copy(update=changed)


def _show_reruns(folder: Path, reruns: list[Rerun], as_json: bool) -> int:
    other = [each for each in reruns if not each.same]
    if as_json:
        emit("replay-scripts", [{**as_data(each), "same": each.same} for each in reruns])
    else:
        rows = [
            (
                each.message[:8],
                each.view,
                text.score(each.before),
                text.score(each.after),
                "" if each.same else "differs",
            )
            for each in reruns
        ]
        say(table(("message", "view", "recorded", "now", ""), rows))
        named = as_opened(folder)
        hint(f"gome log show {reruns[0].message[:8]} --run {named}" if reruns else f"gome log {named}")
    if other:
        raise ReplayDiverged(f"{len(other)} of {len(reruns)} scripts score differently than in the log")
    return 0
