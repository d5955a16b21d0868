"""Reasons to doubt the score of a run's best solution: what the harness has found, and a score near perfection."""

from gome.viewer import text
from gome.viewer.model.summary import Summary

__all__ = ["doubts"]

_LEFT = 0.01
"""Part of a constant's distance from the ideal; a solution that leaves less has usually seen the target."""
_BOUNDED = 1.0


def doubts(summary: Summary) -> tuple[str, ...]:
    """One sentence for each reason; empty where there is none, or no best solution."""
    best = summary.best
    if best is None or summary.opened is None:
        return ()
    steps = [step for step in summary.trials if step.name == best.step]
    found = [note.message for step in steps if step.evaluation for note in step.evaluation.leaks]
    baseline = summary.opened.baseline
    if not found and baseline is not None and _too_good(best.score, baseline, maximizes=summary.maximizes):
        found.append(
            f"{summary.opened.task.metric} {text.score(best.score)} is too good to be true where a constant has "
            f"{text.score(baseline)}: look for a column that is known only once the target is"
        )
    return tuple(found)


def _too_good(score: float, baseline: float, *, maximizes: bool) -> bool:
    """Whether a score leaves hardly anything of a constant's distance. The ideal of every metric is 0 or 1."""
    ideal = _BOUNDED if maximizes else 0.0
    return abs(baseline - ideal) > 0 and abs(score - ideal) <= _LEFT * abs(baseline - ideal)
