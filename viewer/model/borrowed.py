"""What a step took from another trace: a change out of memory, a solution that it merged or went on from."""

from dataclasses import dataclass

from gome.agents.protocol.types import Hypothesis
from gome.viewer.model.script_diff import base_of, script_of
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary

__all__ = ["Borrowed", "Borrowings"]


@dataclass(frozen=True)
class Borrowed:
    """Something of the step `source` that `step` was given or took.

    `why` is `global-best` or `sampled` for a change that memory gave, with the `weight` that the latter was drawn by;
    `merged` for a solution that the step merged.
    """

    step: Step
    source: str
    trace: int
    hypotheses: tuple[Hypothesis, ...]
    why: str
    weight: float | None
    taken: bool


class Borrowings:
    """Who took what of whom in one run."""

    def __init__(self, summary: Summary) -> None:
        self._makers: dict[str, list[Step]] = {}
        for step in summary.trials:
            if (script := script_of(step)) is not None:
                self._makers.setdefault(script, []).append(step)

    def of(self, step: Step) -> list[Borrowed]:
        """What memory gave the step, taken or not, and what the step merged."""
        origin = step.proposal.origin if step.proposal else None
        given = [
            Borrowed(
                step=step,
                source=f"{each.trace}.{each.step}",
                trace=each.trace,
                hypotheses=each.hypotheses,
                why=each.why,
                weight=each.weight,
                taken=each.id == origin,
            )
            for each in step.recalled
        ]
        maker = self._merged(step)
        if maker is None:
            return given
        merged = Borrowed(step, maker.name, maker.trace, maker.hypotheses, why="merged", weight=None, taken=True)
        return [*given, merged]

    def taken(self, step: Step) -> tuple[str, ...]:
        """The names of the steps whose change or solution this one took in."""
        return tuple(dict.fromkeys(each.source for each in self.of(step) if each.taken))

    def base(self, step: Step) -> str | None:
        """The name of the step of another trace whose solution this one went on from; None where it is its own."""
        makers = self._makers.get(base_of(step) or "", [])
        if any(each.trace == step.trace for each in makers):
            return None
        return makers[0].name if makers else None

    def _merged(self, step: Step) -> Step | None:
        """The step of another trace whose solution this one merged: the standing it chose, or who made that script."""
        other = step.proposal.other_ref if step.proposal else None
        if other is None:
            return None
        makers = [each for each in self._makers.get(other, []) if each.trace != step.trace]
        standings = step.recollection.standings if step.recollection else ()
        stood = {(each.trace, each.step) for each in standings if each.script_ref == other}
        chosen = [each for each in makers if (each.trace, each.step) in stood]
        return next(iter(chosen or makers), None)
