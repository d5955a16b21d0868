"""An optimizer: continues from the newest solution instead of the best. A scenario names it `optimizer: newest`."""

import random
from dataclasses import dataclass

from gome.agents.optimizers.base import Optimizer, Pick
from gome.agents.optimizers.gome import Gome
from gome.agents.optimizers.solution_tree import Tree
from gome.agents.state.trace import TraceState
from gome.scenarios.config.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Newest(Gome):
    """A walk: each step changes the solution of the step before, better or not."""

    def pick(self, state: TraceState, tree: Tree, rng: random.Random) -> Pick:
        """The last solution that has a score; a first solution if there is none."""
        scored = [node for node in tree.nodes.values() if node.solution is not None]
        return Pick("improve", scored[-1].solution, scored[-1].step) if scored else Pick("draft")


def newest(scenario: Scenario) -> Optimizer:
    """The entry point: from a scenario to the optimizer."""
    return Newest(scenario.method.structured_reasoning, scenario.method.success_memory)
