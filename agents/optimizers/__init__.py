"""Optimizers: search strategies that choose which solution the next step starts from."""

from gome import plugins
from gome.agents.optimizers.auto import Auto
from gome.agents.optimizers.base import Optimizer, Pick
from gome.agents.optimizers.best_of_n import BestOfN
from gome.agents.optimizers.gome import Gome
from gome.agents.optimizers.tree_search import TreeSearch
from gome.scenarios.config.scenario import Scenario

__all__ = ["Optimizer", "Pick", "optimizer_of"]


def optimizer_of(scenario: Scenario) -> Optimizer:
    """Make the optimizer that the scenario names, with its settings."""
    method = scenario.method
    match scenario.optimizer:
        case "auto":
            switches = (method.structured_reasoning, method.success_memory)
            return Auto(*switches, offered=method.kinds, settings=method.auto)
        case "gome":
            return Gome(method.structured_reasoning, method.success_memory, offered=method.kinds)
        case "tree-search":
            return TreeSearch(method.tree)
        case "best-of-n":
            return BestOfN()
        case name:
            made: Optimizer = plugins.load("gome.optimizers", name)(scenario)
            return made
