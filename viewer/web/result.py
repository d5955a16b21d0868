"""The first screen of a run: its score against baseline and leaderboard, and the pictures of a step's evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gome.viewer.model.evidence import evidence_of, first_solution
from gome.viewer.model.script_diff import Artefacts, script_of
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary
from gome.viewer.web import error_charts
from gome.viewer.web.code import diff_lines, highlighted, read_text

__all__ = ["Ladder", "Rung", "Scale", "ladder", "pictures", "result"]

_NAMES, _VALUES, _ROW = 100.0, 54.0, 24.0
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
class Scale:
    """Scores that were measured on the same rows, from the best to the worst, below the `title` of what those are.

    `y` is that of the title.
    """

    title: str
    y: float
    rungs: tuple[Rung, ...]


@dataclass(frozen=True)
class Ladder:
    """The run's standing; further to the right is better, on each scale by itself.

    Scores out of fold and on the private test are of other rows, which may be easier or harder: a score of one beside
    a medal of the other would look like a win that nobody measured. So they never share a scale.
    """

    height: float
    left: float
    right: float
    scales: tuple[Scale, ...]

    @property
    def apart(self) -> bool:
        """Whether there are both scales."""
        return len(self.scales) > 1


_Mark = tuple[str, float, str]
"""Name, score and kind of a rung."""


def ladder(summary: Summary, pool: Mapping[str, float]) -> Ladder | None:
    """The run's scores beside the baseline, and among those of the leaderboard; None where it has no score yet."""
    best, submitted = summary.best, summary.submitted
    if best is None:
        return None
    baseline = summary.opened.baseline if summary.opened else None
    on = f", {best.judged} splits" if best.judged else ""
    inside: list[_Mark] = [(f"step {best.step}{on}", best.score, "own")]
    inside += [("baseline", baseline, "constant")] if baseline is not None else []
    board: list[_Mark] = [(name, score, "board") for name, score in pool.items()]
    if submitted is not None and submitted.grade is not None:
        board.append(("submission", submitted.grade.score, "own"))
    longest = max(len(name) for name, _, _ in [*inside, *board])
    left, right = max(_NAMES, 14 + _LETTER * longest), error_charts.SMALL - _VALUES - 12
    scales, y = list[Scale](), 0.0
    for title, marks, test in (("out of fold", inside, False), ("private test", board, True)):
        if marks:
            scales.append(_scale(title, marks, (left, right), y, test=test, upward=summary.maximizes))
            y += (len(marks) + 1) * _ROW
    return Ladder(y + 10, left, right, tuple(scales))


def _scale(
    title: str, marks: Sequence[_Mark], place: tuple[float, float], top: float, *, test: bool, upward: bool
) -> Scale:
    """Draw marks between the x values of `place`, below `top`; a constant that is far away stands at the edge."""
    scores = [score for _, score, kind in marks if kind != "constant"]
    low, high = min(scores), max(scores)
    for constant in (score for _, score, kind in marks if kind == "constant"):
        span = (high - low) or abs(constant - low)
        low, high = max(min(low, constant), low - _FAR * span), min(max(high, constant), high + _FAR * span)
    left, right = place

    def x(score: float) -> float:
        share = (min(max(score, low), high) - low) / ((high - low) or 1.0)
        return round(left + (right - left) * (share if upward else 1 - share), 1)

    rungs = tuple(
        Rung(x(score), top + 16 + number * _ROW, name, score, kind, test, edge=not low <= score <= high)
        for number, (name, score, kind) in enumerate(sorted(marks, key=lambda each: each[1], reverse=upward), start=1)
    )
    return Scale(title, top + 20, rungs)


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
