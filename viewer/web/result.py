"""The first screen of a run: its score against baseline and leaderboard, and the pictures of a step's evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gome.viewer.model.evidence import evidence_of, first_solution
from gome.viewer.model.script_diff import Artefacts, script_of
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary
from gome.viewer.web import error_charts
from gome.viewer.web.code import diff_lines, highlighted, read_text

__all__ = ["Ladder", "Rung", "ladder", "pictures", "result"]

_NAMES, _VALUES, _ROW = 158.0, 54.0, 24.0
_LETTER = 7.0
"""The mean width of a letter of a name in bold."""
_FAR = 1.5
"""A baseline further away than this many spans of the other scores is drawn at the chart's edge."""
_LONGEST = 100_000
_SLICES = 6


@dataclass(frozen=True)
class Rung:
    """A score in the ladder; `kind` is `own`, `board` or `constant`. `edge`: it lies outside the drawn range."""

    x: float
    y: float
    name: str
    score: float
    kind: str
    test: bool
    edge: bool = False


@dataclass(frozen=True)
class Ladder:
    """Scores from the best to the worst; further to the right is better."""

    height: float
    left: float
    right: float
    rungs: tuple[Rung, ...]


def ladder(summary: Summary, pool: Mapping[str, float]) -> Ladder | None:
    """The run's scores among those of the leaderboard and the baseline; None where the run has no score yet."""
    best, submitted = summary.best, summary.submitted
    if best is None:
        return None
    marks = [(f"step {best.step}, out of fold", best.score, "own", False)]
    if submitted is not None and submitted.grade is not None:
        marks.append(("submission, test", submitted.grade.score, "own", True))
    marks.extend((name, score, "board", True) for name, score in pool.items())
    baseline = summary.opened.baseline if summary.opened else None
    scores = [score for _, score, _, _ in marks]
    low, high = min(scores), max(scores)
    if baseline is not None:
        marks.append(("baseline", baseline, "constant", False))
        span = (high - low) or abs(baseline - low)
        low, high = max(min(low, baseline), low - _FAR * span), min(max(high, baseline), high + _FAR * span)
    marks.sort(key=lambda each: each[1], reverse=summary.maximizes)
    longest = max(len(name) for name, _, _, _ in marks)
    left, right = max(_NAMES, 14 + _LETTER * longest), error_charts.SMALL - _VALUES - 12

    def x(score: float) -> float:
        share = (min(max(score, low), high) - low) / ((high - low) or 1.0)
        return round(left + (right - left) * (share if summary.maximizes else 1 - share), 1)

    rungs = tuple(
        Rung(x(score), 16 + number * _ROW, name, score, kind, test, edge=not low <= score <= high)
        for number, (name, score, kind, test) in enumerate(marks)
    )
    return Ladder(len(rungs) * _ROW + 10, left, right, rungs)


def pictures(step: Step, summary: Summary, artefacts: Artefacts) -> dict[str, Any]:
    """The small charts of what was measured about a step, by name; a chart that cannot be drawn is None."""
    found = evidence_of(step, summary, artefacts)
    told = found.diagnostics
    classes = told.classes if told else ()
    return {
        "told": told,
        "by_prediction": error_charts.biases(told.by_prediction) if told else None,
        "by_truth": error_charts.biases(told.by_truth) if told else None,
        "strip": error_charts.residual_strip(told) if told else None,
        "matrix": error_charts.confusion_matrix(classes, told.confusions) if told else None,
        "recalls": error_charts.bars([(each.name, each.recall, None) for each in classes], percent=True),
        "confusions": told.confusions if told else (),
        "slices": told.slices[:_SLICES] if told else (),
        "importance": error_charts.bars(found.importance),
        "measured": found.measured,
        "curve": error_charts.learning_curve(found.probes) if found.probes else None,
        "probes": found.probes,
    }


def result(summary: Summary, pool: Mapping[str, float], artefacts: Artefacts) -> dict[str, Any]:
    """The template variables of the first screen. Without an accepted trial there is only the empty state."""
    best = summary.best
    if best is None:
        return {"ladder": None, "shown": None}
    step = next(each for each in summary.trials if each.name == best.step)
    first = first_solution(step, summary)
    return {
        "ladder": ladder(summary, pool),
        "shown": step,
        "first": first,
        "pictures": pictures(step, summary, artefacts),
        "source": highlighted(read_text(artefacts, best.script_ref, _LONGEST)),
        "whole_diff": diff_lines(artefacts, script_of(first), step, summary) if first is not step else [],
    }
