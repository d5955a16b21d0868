"""`sweep`: many runs of a scenario as one command, resumable, ending in one table and one figure."""

from pathlib import Path
from typing import Annotated

import anyio
from cyclopts import Parameter

from gome.bus.store.lock import RunLock
from gome.cli.consent import check_consent
from gome.cli.options import Json, Output, Overrides, RoleBackends, Runs, Sandbox, Trust
from gome.cli.sweeps.axes import SEED, parse_axes
from gome.cli.sweeps.chart import write_chart
from gome.cli.sweeps.figures import Mean, RunFigures, SettingFigures, by_setting, figures_of
from gome.cli.sweeps.plan import Cell, Plan, plan_sweep
from gome.cli.sweeps.runner import SweepRunner
from gome.errors import UsageError
from gome.viewer import text
from gome.viewer.output import emit, hint, say, say_aside, table
from gome.viewer.store import runs_root

__all__ = ["sweep"]

INTERRUPTED = 130


def sweep(
    scenario: Path,
    *,
    over: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    jobs: int = 1,
    set_: Overrides = (),
    role: RoleBackends = (),
    sandbox: Sandbox = "auto",
    trust: Trust = False,
    output: Output = None,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Run a scenario at every combination of settings; the same command again goes on where it was stopped.

    Parameters
    ----------
    scenario
        The scenario's YAML file.
    over
        PATH=VALUE,VALUE or PATH=FIRST..LAST, such as traces=1,2,4 or seed=1..5; more than one are crossed.
    jobs
        How many runs at a time.
    output
        Where to write the figure. Default: sweep.svg in the sweep's folder.
    """
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: at least one run at a time is needed")
    plan = plan_sweep(scenario, parse_axes(over), set_, role, runs_root(runs))
    for cell in plan.cells:
        check_consent(cell.scenario, trust=trust)
    with RunLock(plan.folder):
        _check_free(plan)
        lists = [*(f"--set={each}" for each in set_), *(f"--role={each}" for each in role)]
        conductor = _run_to_end(plan, jobs, scenario, lists, ["--sandbox", sandbox, "--display", "plain"])
        found = [figures_of(plan, cell) for cell in plan.cells]
        settings = by_setting(found)
        figure = write_chart(output or plan.folder / "sweep.svg", found, settings)
    if json:
        emit("sweep", {"folder": plan.folder, "figure": figure, "runs": found, "settings": settings})
    else:
        _tell(plan, found, settings, figure)
    if conductor.interrupted:
        say_aside("stopped; what is done is saved, and the same command goes on with it")
        return INTERRUPTED
    return 0 if all(run.state == "finished" for run in found) else 1


def _check_free(plan: Plan) -> None:
    """Raise UsageError where one of the runs goes on in another process: a sweep before this one was killed."""
    for cell in plan.cells:
        if cell.state == "running":
            raise UsageError(
                f"run {cell.folder.name} of this sweep goes on in another process; wait for it, or stop it with: "
                f"kill -INT $(cat {cell.folder / 'run.lock'})"
            )


def _run_to_end(plan: Plan, jobs: int, scenario: Path, settings: list[str], options: list[str]) -> SweepRunner:
    """See through what is not finished yet, saying on standard error how far it is."""
    open_cells = [cell for cell in plan.cells if cell.state != "finished"]
    say_aside(f"sweep of {text.several(len(plan.cells), 'run')}, {len(open_cells)} to do, in {plan.folder}")
    done = len(plan.cells) - len(open_cells)

    def begun(cell: Cell) -> None:
        say_aside(f"begins  {cell.name}")

    def ended(cell: Cell, status: int) -> None:
        nonlocal done
        run = figures_of(plan, cell)
        done += run.state == "finished"
        words = f"score {text.score(run.score)}, {text.several(run.trials, 'trial')} in {text.duration(run.seconds)}"
        if run.state != "finished":
            words = f"not finished (exit status {status}); what it said: {cell.folder}.out"
        say_aside(f"{done}/{len(plan.cells)}  {cell.name}: {words}")

    conductor = SweepRunner(scenario, settings, options, begun, ended)
    anyio.run(conductor.run, open_cells, jobs)
    return conductor


def _tell(plan: Plan, runs: list[RunFigures], settings: list[SettingFigures], figure: Path) -> None:
    paths = [axis.path for axis in plan.axes if axis.path != SEED]
    headers = (*paths, "runs", "score", "±", "test", "±", "medals", "trials", "time", "USD")
    say(table(headers, [_cells(paths, each) for each in settings]))
    measured = next((run for run in runs if run.metric), None)
    if measured is not None:
        say(f"\nmeans over seeds and their standard errors; score is {measured.metric}, {measured.direction}")
        means = sum(len(run.submission_of) > 1 for run in runs)
        say(f"test is of what was submitted: in {means} of {text.several(len(runs), 'run')} a mean of several steps")
    say(f"figure  {figure}")
    hint(f"gome runs --runs {plan.folder}", f"gome report {runs[0].run} --runs {plan.folder}")


def _cells(paths: list[str], each: SettingFigures) -> list[str]:
    medals = ", ".join(f"{count} {name}" for name, count in each.medals.items())
    return [
        *(each.setting[path] for path in paths),
        f"{each.finished}/{each.runs}",
        *_figures(each.score),
        *_figures(each.test_score),
        medals or text.UNKNOWN,
        text.count(each.trials.value) if each.trials else text.UNKNOWN,
        text.duration(each.seconds.value if each.seconds else None),
        text.money(each.usd.value if each.usd else None),
    ]


def _figures(mean: Mean | None) -> tuple[str, str]:
    return (text.score(mean.value), text.spread(mean.error)) if mean else (text.UNKNOWN, text.UNKNOWN)
