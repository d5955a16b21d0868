"""Optimizers: how the same ring decides what to change next. `optimizer_of` names the one of a scenario."""

from agents.optimizers.base import Optimizer, Pick
from agents.optimizers.best_of_n import BestOfN
from agents.optimizers.gome import Gome
from agents.optimizers.tree_search import TreeSearch
from scenarios.schema import Scenario

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
