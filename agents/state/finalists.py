"""Solutions that the finish chooses from: finalists, which run again, and the pool of an ensemble."""

from collections import Counter
from collections.abc import Iterable, Sequence

from gome.agents.method.momentum import signed_gain
from gome.agents.protocol.final_selection import Finalist
from gome.agents.protocol.messages import Diagnosis, SolutionCompleted
from gome.scenarios.evidence import Direction

__all__ = ["chosen", "completed", "finalist_of", "pool"]

_POOL = 24
"""Candidates of an ensemble: the time of the selection grows with them."""


def finalist_of(trace: int, step: int, diagnosis: Diagnosis) -> Finalist | None:
    """The solution of a diagnosis; None where it has no score or no submission."""
    if diagnosis.score is None or not diagnosis.script_ref or not diagnosis.submission_ref:
        return None
    return Finalist(
        trace=trace,
        step=step,
        script_ref=diagnosis.script_ref,
        submission_ref=diagnosis.submission_ref,
        score=diagnosis.score,
        standard_error=diagnosis.evaluation.standard_error if diagnosis.evaluation else None,
        seconds=diagnosis.seconds,
        splits=diagnosis.evaluation.splits if diagnosis.evaluation else (),
        oof_ref=diagnosis.oof_ref,
    )


def completed(solutions: Sequence[Finalist], message: SolutionCompleted) -> list[Finalist]:
    """The solutions, that of the message with more of its splits: its submission is the mean of all of their models."""
    whole = message.evaluation
    update = {
        "submission_ref": message.submission_ref,
        "oof_ref": message.oof_ref,
        "score": whole.score,
        "standard_error": whole.standard_error,
        "splits": whole.splits,
    }
    return [
        each.model_copy(update=update) if message.adds_to(each.script_ref, each.splits) else each for each in solutions
    ]


def chosen(solutions: Iterable[Finalist], per_trace: int, direction: Direction) -> list[Finalist]:
    """The best of each trace, best first, no two with the same predictions.

    Traces that learn from each other may come to the same predictions; these run again once.
    """
    taken: Counter[int] = Counter()
    found: list[Finalist] = []
    for each in _distinct(solutions, direction):
        taken[each.trace] += 1
        if taken[each.trace] <= per_trace:
            found.append(each)
    return found


def pool(solutions: Iterable[Finalist], splits: int, direction: Direction) -> tuple[Finalist, ...]:
    """The best solutions that ran on all `splits`, best first: candidates of an ensemble."""
    whole = [each for each in solutions if each.oof_ref and len(each.splits) == splits]
    return tuple(_distinct(whole, direction)[:_POOL])


def _distinct(solutions: Iterable[Finalist], direction: Direction) -> list[Finalist]:
    """The solutions by score, ties by step and trace; of those with the same predictions the first."""
    first: dict[str, Finalist] = {}
    for each in sorted(solutions, key=lambda each: (-signed_gain(each.score, 0.0, direction), each.step, each.trace)):
        first.setdefault(each.submission_ref, each)
    return list(first.values())
