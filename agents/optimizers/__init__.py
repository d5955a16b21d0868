"""Optimizers: search strategies that choose which solution the next step starts from."""

from gome import plugins
from gome.agents.optimizers.base import Optimizer, Pick
from gome.agents.optimizers.best_of_n import BestOfN
from gome.agents.optimizers.gome import Gome
from gome.agents.optimizers.tree_search import TreeSearch
from gome.scenarios.config.scenario import Scenario

__all__ = ["Optimizer", "Pick", "optimizer_of"]


def optimizer_of(scenario: Scenario) -> Optimizer:
    """Make the optimizer that the scenario names, with its settings."""
    match scenario.optimizer:
        case "gome":
            method = scenario.method
            return Gome(method.structured_reasoning, method.success_memory, offered=method.kinds)
        case "tree-search":
            return TreeSearch(scenario.method.tree)
        case "best-of-n":
            return BestOfN()
        case name:
            made: Optimizer = plugins.load("gome.optimizers", name)(scenario)
            return made
