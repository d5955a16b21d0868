"""What solutions would score on all splits, where some were run on a part of them."""

from gome.viewer.model.script_diff import base_of, script_of
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary

__all__ = ["levels_of"]


def levels_of(summary: Summary) -> dict[str, float]:
    """The level of each trial that has one, by its name; larger is better.

    That of a trial on all splits is its score. That of another is the level of the solution that it changed, and what
    it gained: one split may be easy, or suit one kind of model.
    """
    made: dict[str | None, Step] = {}
    levels: dict[str, float] = {}
    for step in sorted(summary.trials, key=lambda each: each.closed or 0.0):
        base = made.get(base_of(step))
        if step.score is not None and step.evaluation is not None:
            if not step.evaluation.partial:
                levels[step.name] = step.score if summary.maximizes else -step.score
            elif base is not None and base.name in levels and step.gain is not None:
                levels[step.name] = levels[base.name] + step.gain
        made.setdefault(script_of(step), step)
    return levels
