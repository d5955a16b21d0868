"""The figure of a sweep: per setting the mean with its standard error, and every run's score as a small dot.

This module computes the geometry; `templates/sweep.svg.j2` draws it. Units are those of the view box, y downwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gome.cli.sweeps.figures import Mean, RunFigures, SettingFigures
from gome.viewer.files import write_file
from gome.viewer.web.charts import WIDTH, Tick, ticks
from gome.viewer.web.pages import environment

__all__ = ["write_chart"]

_HEIGHT = 360.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 80.0, 24.0, 36.0, 48.0


@dataclass(frozen=True)
class Mark:
    """A setting: its mean at `y` (None: no mean yet), error bar from `low` to `high`, its runs' scores in `dots`."""

    x: float
    label: str
    y: float | None
    low: float
    high: float
    dots: tuple[float, ...]
    title: str


def write_chart(path: Path, runs: Sequence[RunFigures], settings: Sequence[SettingFigures]) -> Path:
    """Write the figure as SVG, atomically; return `path`. Uses test scores where every finished setting has them."""
    graded = all(each.test_score is not None for each in settings if each.finished)
    means = [each.test_score if graded else each.score for each in settings]
    scores = [_scores(each, runs, graded) for each in settings]
    drawn = [value for each in scores for value in each] + [
        mean.value + sign * (mean.error or 0.0) for mean in means if mean for sign in (-1, 1)
    ]
    low, high = (min(drawn), max(drawn)) if drawn else (0.0, 1.0)
    margin = 0.1 * (high - low) or abs(high) * 0.1 or 1.0
    low, high = low - margin, high + margin

    def y(score: float) -> float:
        return round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - score) / (high - low), 1)

    width = (WIDTH - _LEFT - _RIGHT) / len(settings)
    marks = [
        _mark(_LEFT + width * (index + 0.5), setting, mean, [y(each) for each in dots], y)
        for index, (setting, mean, dots) in enumerate(zip(settings, means, scores, strict=True))
    ]
    first = next((run for run in runs if run.metric), None)
    metric = f"{first.metric}, {first.direction}" if first else ""
    drawing = (
        environment()
        .get_template("sweep.svg.j2")
        .render(
            height=_HEIGHT,
            marks=marks,
            ys=[Tick(y(at), f"{at:.6g}") for at in ticks(low, high, 5)],
            title=f"{'Test score' if graded else 'Score'} ({metric}): mean and standard error over seeds",
        )
    )
    write_file(path, drawing)
    return path


def _scores(setting: SettingFigures, runs: Sequence[RunFigures], graded: bool) -> list[float]:
    """The scores (test scores if `graded`) of a setting's finished runs."""
    mine = [run for run in runs if run.state == "finished" and setting.setting.items() <= run.setting.items()]
    found = [run.test_score if graded else run.score for run in mine]
    return [score for score in found if score is not None]


def _mark(
    x: float, setting: SettingFigures, mean: Mean | None, dots: Sequence[float], y: Callable[[float], float]
) -> Mark:
    label = " ".join(f"{path}={value}" for path, value in setting.setting.items()) or "all"
    if mean is None:
        return Mark(round(x, 1), label, None, 0.0, 0.0, tuple(dots), f"{label}: no score yet")
    error = mean.error or 0.0
    title = f"{label}: {mean.value:.5g} ± {error:.2g}, {setting.finished} of {setting.runs} runs"
    return Mark(round(x, 1), label, y(mean.value), y(mean.value + error), y(mean.value - error), tuple(dots), title)
