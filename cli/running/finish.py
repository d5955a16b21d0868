"""`finish`: finish a stopped run without further trials."""

from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.lifecycle import Ready, resume
from gome.agents.runtime.opening import scenario_folder, scenario_of
from gome.cli.key_consent import check_consent
from gome.cli.options import Display, Json, Run, Runs, Sandbox, Trust, folder_of
from gome.cli.running.run import run_watched

__all__ = ["finish"]


def finish(
    run: Run = "@last",
    *,
    display: Display = None,
    sandbox: Sandbox = "auto",
    trust: Trust = False,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Finish a stopped run: no new trials; re-run the finalists and choose the winner.

    Steps that were open when it stopped end as unfinished, and no model is asked for them. Only a script that was
    written before is run, and judged by the model where it may still win.
    """
    folder = folder_of(run, runs)
    check_consent(scenario_of(folder), scenario_folder(folder), trust=trust)

    async def work(ready: Ready) -> RunFinished | None:
        return await resume(folder, finish=True, unsandboxed=sandbox == "none", on_ready=ready)

    return run_watched(folder, work, display, as_json=json)
