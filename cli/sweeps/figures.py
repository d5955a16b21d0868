"""Results of a sweep: figures of each run, and for each setting the means over its seeds."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from gome.cli.sweeps.axes import SEED
from gome.cli.sweeps.plan import Cell, Plan, State
from gome.viewer.model.summary import summarise
from gome.viewer.run_folders import open_reader

__all__ = ["Mean", "RunFigures", "SettingFigures", "by_setting", "figures_of"]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard error; `error` is None for a single value."""

    value: float
    error: float | None


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Figures of one run. `seconds` is its live time; `usd` is None where a call had no price.

    `score` is the out-of-fold score of the best step. `test_score` is the submission's score on the private answers;
    the submission is the mean prediction of the steps in `submission_of`. Both are None until known.
    """

    run: str
    setting: dict[str, str]
    state: State
    metric: str | None = None
    direction: str | None = None
    score: float | None = None
    test_score: float | None = None
    submission_of: tuple[str, ...] = ()
    medal: str | None = None
    trials: int = 0
    seconds: float = 0.0
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class SettingFigures:
    """Figures of one setting: `finished` of `runs` runs, and means over the finished ones."""

    setting: dict[str, str]
    runs: int
    finished: int
    score: Mean | None
    test_score: Mean | None
    medals: dict[str, int]
    trials: Mean | None
    seconds: Mean | None
    usd: Mean | None


def figures_of(plan: Plan, cell: Cell) -> RunFigures:
    """Read the figures of a cell's run from its log."""
    setting = {axis.path: value for axis, value in zip(plan.axes, cell.values, strict=True)}
    state = cell.state
    if state == "new":
        return RunFigures(cell.folder.name, setting, state)
    with open_reader(cell.folder) as reader:
        summary = summarise(reader.envelopes())
    submitted = summary.submitted
    grade = submitted.grade if submitted else None
    return RunFigures(
        run=cell.folder.name,
        setting=setting,
        state=state,
        metric=summary.opened.task.metric if summary.opened else None,
        direction=summary.opened.task.direction if summary.opened else None,
        score=summary.best.score if summary.best else None,
        test_score=grade.score if grade else None,
        submission_of=submitted.steps if submitted else (),
        medal=grade.medal if grade else None,
        trials=len(summary.trials),
        seconds=summary.time,
        usd=summary.total().known_usd,
    )


def by_setting(runs: Sequence[RunFigures]) -> list[SettingFigures]:
    """Group runs by setting, ignoring the seed, in the order of each setting's first run."""
    groups: dict[tuple[tuple[str, str], ...], list[RunFigures]] = {}
    for run in runs:
        groups.setdefault(tuple(pair for pair in run.setting.items() if pair[0] != SEED), []).append(run)
    return [_aggregated(dict(setting), group) for setting, group in groups.items()]


def _aggregated(setting: dict[str, str], runs: Sequence[RunFigures]) -> SettingFigures:
    done = [run for run in runs if run.state == "finished"]

    def mean(figure: Callable[[RunFigures], float | None]) -> Mean | None:
        """None where any run lacks the figure: a mean over a subset would be biased."""
        values = [value for run in done if (value := figure(run)) is not None]
        if not values or len(values) < len(done):
            return None
        return Mean(fmean(values), stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None)

    return SettingFigures(
        setting=setting,
        runs=len(runs),
        finished=len(done),
        score=mean(lambda run: run.score),
        test_score=mean(lambda run: run.test_score),
        medals=dict(sorted(Counter(run.medal for run in done if run.medal).items())),
        trials=mean(lambda run: run.trials),
        seconds=mean(lambda run: run.seconds),
        usd=mean(lambda run: run.usd),
    )
