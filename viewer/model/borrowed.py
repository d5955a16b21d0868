"""What a step adopted from another trace: a recalled change, a merged solution, or a parent solution."""

from dataclasses import dataclass

from gome.agents.protocol.types import Hypothesis
from gome.viewer.model.script_diff import base_of, script_of
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary

__all__ = ["Borrowed", "Borrowings"]


@dataclass(frozen=True)
class Borrowed:
    """A change or solution of the step `source` that was offered to `step`; `taken`: the step used it.

    `why` is `global-best` or `sampled` for a change recalled from memory (`weight`: the probability of a sampled one),
    and `merged` for a solution that the step merged.
    """

    step: Step
    source: str
    trace: int
    hypotheses: tuple[Hypothesis, ...]
    why: str
    weight: float | None
    taken: bool


class Borrowings:
    """All changes and solutions that the steps of a run adopted from other traces."""

    def __init__(self, summary: Summary) -> None:
        self._makers: dict[str, list[Step]] = {}
        for step in summary.trials:
            if (script := script_of(step)) is not None:
                self._makers.setdefault(script, []).append(step)

    def of(self, step: Step) -> list[Borrowed]:
        """The changes recalled for the step, used or not, and the solution that it merged."""
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
        """The names of the steps whose change or solution this step used, without duplicates."""
        return tuple(dict.fromkeys(each.source for each in self.of(step) if each.taken))

    def base(self, step: Step) -> str | None:
        """The name of the parent step if it belongs to another trace, else None."""
        makers = self._makers.get(base_of(step) or "", [])
        if any(each.trace == step.trace for each in makers):
            return None
        return makers[0].name if makers else None

    def _merged(self, step: Step) -> Step | None:
        """The step of another trace whose solution this step merged.

        Where several steps have the same script, prefer the one in the standings that the step received.
        """
        other = step.proposal.other_ref if step.proposal else None
        if other is None:
            return None
        makers = [each for each in self._makers.get(other, []) if each.trace != step.trace]
        standings = step.recollection.standings if step.recollection else ()
        in_standings = {(each.trace, each.step) for each in standings if each.script_ref == other}
        chosen = [each for each in makers if (each.trace, each.step) in in_standings]
        return next(iter(chosen or makers), None)
