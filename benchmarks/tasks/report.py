"""Report and figure of the tasks benchmark, from its results and the tasks' leaderboards.

A score is normalised as (score − dummy)/(gold − dummy): 0 is the best of the pool's constant predictions, 1 is the
threshold of gold. Medals are computed here, so that a new leaderboard also applies to earlier runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
from pydantic import BaseModel

from benchmarks.shared.runs import Counted
from gome.scenarios.evidence import Direction, Grade
from gome.scenarios.grading.grade import rank, thresholds
from gome.scenarios.metrics.registry import metric_named
from gome.scenarios.task.manifest import read_manifest

__all__ = ["Marks", "Result", "figure", "marks", "page"]

NOTE = (
    "The backend is gome's rule-based expert at skill 1, not a language model. Scores are on the private test, which "
    "no run sees. Dummy and default are the best of the reference pool's constant predictions and of its models with "
    "default settings (boosted trees, forests; TF-IDF with a linear model for texts); gold is the gold threshold. "
    "Normalised: (score − dummy)/(gold − dummy). ± is the standard error of the mean over seeds."
)


class Result(BaseModel):
    """Result of a run: `dummy` and `validation` are scores on the folds, `score` is on the private test."""

    arm: str
    task: str
    seed: int
    trials: int
    dummy: float
    validation: float | None
    score: float | None
    accepted: float
    seconds: float
    counted: Counted = Counted()
    commit: str = ""


@dataclass(frozen=True)
class Marks:
    """Reference scores of a task; without a leaderboard only the metric is known."""

    metric: str
    direction: Direction
    board: tuple[float, ...] = ()
    dummy: float | None = None
    default: float | None = None

    @property
    def gold(self) -> float | None:
        return thresholds(self.board, self.direction)["gold"] if self.board else None

    def grade(self, score: float | None) -> Grade | None:
        """Medal and rank; None without a score or a leaderboard."""
        return rank(score, self.board, self.direction) if self.board and score is not None else None

    def share(self, score: float | None) -> float | None:
        """The normalised score; 0 for a run without a score, None where gold or dummy is unknown."""
        if self.gold is None or self.dummy is None:
            return None
        return 0.0 if score is None else (score - self.dummy) / (self.gold - self.dummy)


def marks(folder: Path) -> Marks:
    """The reference scores of the task in a folder."""
    metric = metric_named(read_manifest(folder / "task.yaml").metric)
    path = folder / "leaderboard.csv"
    if not path.is_file():
        return Marks(metric.name, metric.direction)
    table = pd.read_csv(path)
    best = min if metric.direction == "minimize" else max

    def of(kind: str) -> float | None:
        chosen = table.loc[table["name"].astype(str).str.startswith(f"{kind}-"), "score"].tolist()
        return float(best(chosen)) if chosen else None

    return Marks(metric.name, metric.direction, tuple(table["score"].astype(float)), of("dummy"), of("default"))


def page(results: Sequence[Result], tasks: Path) -> str:
    """The report in Markdown; `tasks` is the folder that contains the tasks."""
    known = {name: marks(tasks / name) for name in dict.fromkeys(each.task for each in results)}
    arms = list(dict.fromkeys(each.arm for each in results))
    parts = ["# Nine tasks with the offline expert", "", NOTE, "", _extent(results), ""]
    parts += [*_HEAD_OF_ALL, *(_summary(arm, results, known) for arm in arms)]
    for arm in arms:
        parts += ["", f"## {arm}", "", *_HEAD_OF_ONE]
        parts += [
            _row(task, [each for each in results if (each.arm, each.task) == (arm, task)], known) for task in known
        ]
    return "\n".join(parts) + "\n"


_HEAD_OF_ALL = (
    "| optimizer | runs | any medal | gold | above the median | tasks with a medal | normalised |",
    "|---|---|---|---|---|---|---|",
)
_HEAD_OF_ONE = (
    "| task | metric | dummy | default | gold | score | normalised | default, normalised | medals | above the median "
    "| validation | minutes |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
)


def _extent(results: Sequence[Result]) -> str:
    commits = ", ".join(sorted({each.commit for each in results if each.commit})) or "unknown"
    seeds = ", ".join(map(str, sorted({each.seed for each in results})))
    trials = ", ".join(map(str, sorted({each.trials for each in results})))
    return f"{len(results)} runs, trials per run: {trials}; seeds {seeds}; commit {commits}."


def _summary(arm: str, results: Sequence[Result], known: dict[str, Marks]) -> str:
    """One row: shares over the tasks with a leaderboard, as mean and standard error over the seeds."""
    mine = [each for each in results if each.arm == arm and known[each.task].board]
    if not mine:
        return f"| {arm} | 0 | – | – | – | – | – |"
    grades = {(each.seed, each.task): known[each.task].grade(each.score) for each in mine}
    seeds = sorted({each.seed for each in mine})

    def over_seeds(true: dict[tuple[int, str], bool]) -> str:
        return _shown([fmean(value for (seed, _), value in true.items() if seed == one) for one in seeds], "{:.0%}")

    medals = {place: grade is not None and grade.medal is not None for place, grade in grades.items()}
    gold = {place: grade is not None and grade.medal == "gold" for place, grade in grades.items()}
    above = {place: bool(grade and grade.above_median) for place, grade in grades.items()}
    shares = [
        fmean(share for each in mine if each.seed == seed and (share := known[each.task].share(each.score)) is not None)
        for seed in seeds
    ]
    names = {task for _, task in medals}
    often = sum(fmean(value for (_, task), value in medals.items() if task == name) > 0.5 for name in names)
    return (
        f"| {arm} | {len(mine)} | {over_seeds(medals)} | {over_seeds(gold)} | {over_seeds(above)} | "
        f"{often} of {len(names)} | {_shown(shares)} |"
    )


def _row(task: str, runs: Sequence[Result], known: dict[str, Marks]) -> str:
    """One row: a task under one arm, over its seeds."""
    mark = known[task]
    grades = [mark.grade(each.score) for each in runs]
    medals = ", ".join((grade.medal or "–") if grade else "–" for grade in grades) if mark.board else "no leaderboard"
    above = f"{sum(bool(grade and grade.above_median) for grade in grades)} of {len(runs)}" if mark.board else "–"
    shares = [share for each in runs if (share := mark.share(each.score)) is not None]
    cells = [
        *(task, mark.metric, _figure(mark.dummy), _figure(mark.default), _figure(mark.gold)),
        _shown([each.score for each in runs if each.score is not None], "{:.4g}"),
        _shown(shares),
        _figure(mark.share(mark.default) if mark.default is not None else None, "{:.3f}"),
        *(medals, above),
        _shown([each.validation for each in runs if each.validation is not None], "{:.4g}"),
        f"{fmean(each.seconds for each in runs) / 60:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None, form: str = "{:.4g}") -> str:
    return "–" if value is None else form.format(value)


def _shown(values: Sequence[float], form: str = "{:.3f}") -> str:
    """Mean ± standard error, or a single value."""
    if not values:
        return "–"
    mean = form.format(fmean(values))
    return f"{mean} ± {form.format(stdev(values) / sqrt(len(values)))}" if len(values) > 1 else mean


_COLOURS = {"gome": "#0b6e4f", "tree-search": "#b3541e", "best-of-n": "#4a5a8a"}
_LEFT, _WIDTH, _ROW, _TOP = 150, 560, 34, 50
_LOW, _HIGH = 0.0, 1.2


def figure(results: Sequence[Result], tasks: Path) -> str:
    """An SVG with one line per task: a dot per run on the scale from dummy to gold, a tick for the default model."""
    known = {name: marks(tasks / name) for name in dict.fromkeys(each.task for each in results)}
    arms = [arm for arm in _COLOURS if any(each.arm == arm for each in results)]
    height = _TOP + _ROW * len(known) + 50
    parts = [_axis(height)]
    for place, (task, mark) in enumerate(known.items()):
        y = _TOP + _ROW * (place + 0.5)
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 4}" text-anchor="end">{task}</text>')
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y}" y2="{y}" stroke="#dddddd"/>')
        if mark.default is not None and (share := mark.share(mark.default)) is not None:
            x = _x(share)
            parts.append(f'<line x1="{x}" x2="{x}" y1="{y - 9}" y2="{y + 9}" stroke="black" stroke-width="2"/>')
        for each in results:
            if each.task == task and (share := mark.share(each.score)) is not None:
                shift = 6 * (arms.index(each.arm) - (len(arms) - 1) / 2)
                parts.append(f'<circle cx="{_x(share)}" cy="{y + shift}" r="3.5" fill="{_COLOURS[each.arm]}"/>')
    keys = [f'<tspan fill="{_COLOURS[arm]}">● {arm}</tspan> ' for arm in arms]
    parts.append(f'<text x="{_LEFT}" y="{height - 12}">{"".join(keys)} | default model</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 40} {height}" '
        f'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>{"".join(parts)}'
        "</svg>\n"
    )


def _x(share: float) -> str:
    """Horizontal position of a normalised score, limited to the edges of the axis."""
    inside = min(_HIGH, max(_LOW, share))
    return f"{_LEFT + _WIDTH * (inside - _LOW) / (_HIGH - _LOW):.1f}"


def _axis(height: int) -> str:
    lines = [
        f'<text x="{_LEFT}" y="20" font-weight="bold">private score, 0 the dummy, 1 gold; rule-based expert</text>'
    ]
    for tick in (0.0, 0.5, 1.0):
        x = _x(tick)
        lines.append(f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{height - 48}" stroke="#bbbbbb"/>')
        lines.append(f'<text x="{x}" y="{_TOP - 8}" text-anchor="middle">{tick:g}</text>')
    return "".join(lines)
