"""Best-of-n: independent first solutions, the best score wins. A control that learns nothing from trials."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from gome.agents.optimizers.base import Pick
from gome.agents.optimizers.solution_tree import Tree
from gome.agents.protocol.types import StepKind, TraceBest, TrialNote
from gome.agents.state.trace import TraceState

__all__ = ["BestOfN"]


@dataclass(frozen=True, slots=True)
class BestOfN:
    """Makes drafts only."""

    structured: bool = False
    remembers: bool = False
    judges: bool = False
    reads: bool = False
    keeps_all: bool = True

    def pick(self, state: TraceState, tree: Tree, rng: random.Random) -> Pick:
        """Always a draft."""
        return Pick("draft")

    def kinds(self, standings: Sequence[TraceBest]) -> tuple[StepKind, ...]:
        """One change at a time."""
        return ("edit",)

    def history(self, state: TraceState) -> tuple[TrialNote, ...]:
        """None: the drafts are independent."""
        return ()
