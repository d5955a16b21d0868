"""Auto: gome where the reasoner's promises are kept, and more of a search where they are not. [O]

A step of search is a new first solution, unlike those of its trace; it replaces the trace's best only if it beats it.
The other steps are gome's. Which it is, is drawn with a probability that follows from the trace's own trials.
"""

import random
from dataclasses import dataclass, field

from gome.agents.method.trust import search_share
from gome.agents.optimizers.base import Pick
from gome.agents.optimizers.gome import Gome
from gome.agents.optimizers.solution_tree import Tree
from gome.agents.state.trace import TraceState
from gome.scenarios.config.method import AutoSettings

__all__ = ["Auto"]


@dataclass(frozen=True, slots=True)
class Auto(Gome):
    """Gome that steps back from its best as often as promised gains did not come."""

    settings: AutoSettings = field(default_factory=AutoSettings)

    def pick(self, state: TraceState, tree: Tree, rng: random.Random) -> Pick:
        """Improve the trace's best, or draft another first solution."""
        if state.best is not None and rng.random() < search_share(state.notes, self.settings):
            return Pick("draft", siblings=tree.drafted())
        return super(Auto, self).pick(state, tree, rng)
