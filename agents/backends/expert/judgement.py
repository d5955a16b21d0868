"""Skill: every judgement of the expert passes through here; below full skill, some are replaced by random ones.

A random judgement comes from the same catalogue and is stated with the same confidence as the right one.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Judgement"]

T = TypeVar("T")


class Judgement:
    """Judges with a skill in [0, 1]; its randomness is seeded by the request."""

    def __init__(self, skill: float, seed: int) -> None:
        self.skill = skill
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
