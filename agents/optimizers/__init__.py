"""Optimizers: how the same ring decides what to change next. `optimizer_of` names the one of a scenario."""

from gome.agents.optimizers.base import Optimizer, Pick
from gome.agents.optimizers.best_of_n import BestOfN
from gome.agents.optimizers.gome import Gome
from gome.agents.optimizers.tree_search import TreeSearch
from gome.scenarios.config.scenario import Scenario

__all__ = ["Optimizer", "Pick", "optimizer_of"]


def optimizer_of(scenario: Scenario) -> Optimizer:
    """The optimizer that the scenario names, with its switches and settings."""
    match scenario.optimizer:
        case "gome":
            method = scenario.method
            return Gome(method.structured_reasoning, method.success_memory, offered=method.kinds)
        case "tree-search":
            return TreeSearch(scenario.method.tree)
        case "best-of-n":
            return BestOfN()
