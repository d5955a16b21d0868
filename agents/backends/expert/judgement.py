"""Skill: every judgement of the expert passes through here; below full skill, some are replaced by random ones.

A random judgement comes from the same catalogue and is stated with the same confidence as the right one.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["ALL", "Judgement", "Knowledge"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Which share of the catalogue the expert of each trace knows, drawn by `seed`, trace and move.

    What a trace does not know it can only take over from the memory.
    """

    share: float = 1.0
    seed: int = 0

    def holds(self, trace: int, *move: str) -> bool:
        """Whether the expert of a trace knows the move of that name."""
        return self.share >= 1.0 or random.Random(f"{self.seed} {trace} {' '.join(move)}").random() < self.share


ALL = Knowledge()
"""The whole catalogue."""


class Judgement:
    """Judges with a skill in [0, 1]; its randomness is seeded by the request."""

    def __init__(self, skill: float, seed: int, knowledge: Knowledge = ALL) -> None:
        self.skill = skill
        self.knowledge = knowledge
        self.rng = random.Random(seed)

    def fails(self) -> bool:
        """Draw whether this judgement is random: never at skill 1, always at skill 0."""
        return self.rng.random() >= self.skill

    def choose(self, right: T, options: Sequence[T]) -> T:
        """The right option, or, where judgement fails, a random one of `options`."""
        return self.rng.choice(options) if self.fails() and options else right

    def rank(self, ordered: Sequence[T]) -> list[T]:
        """The options in the given order, best first; each place where judgement fails is filled at random."""
        left, ranked = list(ordered), []
        while left:
            place = self.rng.randrange(len(left)) if self.fails() else 0
            ranked.append(left.pop(place))
        return ranked
