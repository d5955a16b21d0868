"""Which trace is ahead, where their bests were run on unlike splits."""

from collections.abc import Iterable, Sequence
from functools import cmp_to_key

from gome.agents.method.momentum import signed_gain
from gome.agents.method.validation import compare
from gome.agents.protocol.types import TraceBest
from gome.agents.state.memory_entries import Success
from gome.scenarios.evidence import Direction

__all__ = ["ranked"]


def ranked(bests: Sequence[TraceBest], successes: Iterable[Success], direction: Direction) -> list[TraceBest]:
    """The bests of all traces, the best first; `successes` are the accepted changes that made them.

    Two that were run on other splits are compared by their levels on all splits, where both are known, else on their
    common splits.
    """
    known = {each.script_ref: each for each in reversed(list(successes))}
    levels = {each.script_ref: _level(each.script_ref, known, direction) for each in bests}

    def order(one: TraceBest, other: TraceBest) -> int:
        gain = signed_gain(one.score, other.score, direction)
        if one.splits != other.splits:
            first, second = levels[one.script_ref], levels[other.script_ref]
            if first is not None and second is not None:
                gain = first - second
            elif effect := compare(known[one.script_ref].evaluation, known[other.script_ref].evaluation, direction):
                gain = effect.gain
        return (gain < 0) - (gain > 0) or one.trace - other.trace

    return sorted(bests, key=cmp_to_key(order))


def _level(script_ref: str, known: dict[str, Success], direction: Direction) -> float | None:
    """A solution's score on all splits, larger is better; None where nothing tells.

    Of a solution that was run on some splits alone it is that of the newest whole one before it, and what was gained
    since: one split may be easy, or suit one kind of model.
    """
    gained, entry = 0.0, known.get(script_ref)
    while entry is not None and entry.evaluation.partial:
        before = known.get(entry.before.script_ref) if entry.before else None
        effect = compare(entry.evaluation, before.evaluation, direction) if before else None
        if effect is None:
            return None
        gained, entry = gained + effect.gain, before
    return signed_gain(entry.score, 0.0, direction) + gained if entry else None
