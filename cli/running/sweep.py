"""`sweep`: run a scenario with many settings as one resumable command; writes one table and one figure."""

from pathlib import Path
from typing import Annotated

import anyio
from cyclopts import Parameter

from gome.bus.store.lock import RunLock
from gome.cli.exit_statuses import INTERRUPTED
from gome.cli.key_consent import check_consent
from gome.cli.options import Json, Output, Overrides, RoleBackends, Runs, Sandbox, Trust
from gome.cli.sweeps.axes import SEED, parse_axes
from gome.cli.sweeps.chart import write_chart
from gome.cli.sweeps.figures import Mean, RunFigures, SettingFigures, by_setting, figures_of
from gome.cli.sweeps.plan import Cell, Plan, plan_sweep
from gome.cli.sweeps.runner import SweepRunner
from gome.errors import UsageError
from gome.viewer import text
from gome.viewer.output import emit, hint, say, say_aside, table
from gome.viewer.run_folders import as_opened, runs_root

__all__ = ["sweep"]


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
    """Run a scenario with every combination of settings. Repeat the command to continue a stopped sweep.

    Parameters
    ----------
    scenario
        The scenario's YAML file.
    over
        PATH=VALUE,VALUE or PATH=FIRST..LAST, such as traces=1,2,4 or seed=1..5. If repeated, all combinations run.
    jobs
        The number of concurrent runs.
    output
        The file for the figure. Default: sweep.svg in the sweep's folder.
    """
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: must be at least 1")
    plan = plan_sweep(scenario, parse_axes(over), set_, role, runs_root(runs))
    for cell in plan.cells:
        check_consent(cell.scenario, scenario.parent, trust=trust)
    with RunLock(plan.folder):
        _check_free(plan)
        settings_given = [*(f"--set={each}" for each in set_), *(f"--role={each}" for each in role)]
        runner = _run_to_end(plan, jobs, scenario, settings_given, ["--sandbox", sandbox, "--display", "plain"])
        found = [figures_of(plan, cell) for cell in plan.cells]
        settings = by_setting(found)
        figure = write_chart(output or plan.folder / "sweep.svg", found, settings)
    if json:
        emit("sweep", {"folder": plan.folder, "figure": figure, "runs": found, "settings": settings})
    else:
        _print_results(plan, found, settings, figure)
    if runner.interrupted:
        say_aside("stopped; finished work is saved; repeat the command to continue")
        return INTERRUPTED
    return 0 if all(run.state == "finished" for run in found) else 1


def _check_free(plan: Plan) -> None:
    """Raise UsageError where a run of the sweep still runs: an earlier sweep was killed but its runs were not."""
    for cell in plan.cells:
        if cell.state == "running":
            raise UsageError(
                f"run {cell.folder.name} of this sweep is running in another process; wait for it, or stop it with: "
                f"gome stop {as_opened(cell.folder)}"
            )


def _run_to_end(plan: Plan, jobs: int, scenario: Path, settings: list[str], options: list[str]) -> SweepRunner:
    """Run every unfinished cell to its end and report progress on standard error."""
    open_cells = [cell for cell in plan.cells if cell.state != "finished"]
    say_aside(f"sweep of {text.several(len(plan.cells), 'run')}, {len(open_cells)} to run, in {plan.folder}")
    done = len(plan.cells) - len(open_cells)

    def begun(cell: Cell) -> None:
        say_aside(f"started  {cell.name}")

    def ended(cell: Cell, status: int) -> None:
        nonlocal done
        run = figures_of(plan, cell)
        done += run.state == "finished"
        outcome = f"score {text.score(run.score)}, {text.several(run.trials, 'trial')} in {text.duration(run.seconds)}"
        if run.state != "finished":
            outcome = f"not finished (exit status {status}); output: {cell.folder}.out"
        say_aside(f"{done}/{len(plan.cells)}  {cell.name}: {outcome}")

    runner = SweepRunner(scenario, settings, options, begun, ended)
    anyio.run(runner.run, open_cells, jobs)
    return runner


def _print_results(plan: Plan, runs: list[RunFigures], settings: list[SettingFigures], figure: Path) -> None:
    paths = [axis.path for axis in plan.axes if axis.path != SEED]
    headers = (*paths, "runs", "score", "±", "test", "±", "medals", "trials", "time", "USD")
    say(table(headers, [_cells(paths, each) for each in settings]))
    measured = next((run for run in runs if run.metric), None)
    if measured is not None:
        say(f"\nmeans over seeds with standard errors; the score is {measured.metric}, {measured.direction}")
        means = sum(len(run.submission_of) > 1 for run in runs)
        say(f"test is the submission's score; {means} of {text.several(len(runs), 'run')} submitted an ensemble")
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
