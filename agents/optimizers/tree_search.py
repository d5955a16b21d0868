"""Tree search: only the score ranks the nodes. Greedy as in AIDE, or UCT as in ML-Master.

All workers expand one tree. As in AIDE [C] a step is planned and written in one call from the journal of all trials, a
model reads the output of each run, and buggy nodes are debugged from their output.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from gome.agents.optimizers.base import Pick
from gome.agents.optimizers.solution_tree import Node, Tree
from gome.agents.protocol.types import StepKind, TraceBest, TrialNote
from gome.agents.state.trace import TraceState
from gome.scenarios.config.method import TreeSettings

__all__ = ["TreeSearch", "reward", "uct"]


@dataclass(frozen=True, slots=True)
class TreeSearch:
    """Chooses between draft, debug and improve by `settings.policy`."""

    settings: TreeSettings
    structured: bool = False
    remembers: bool = False
    judges: bool = False
    reads: bool = True
    keeps_all: bool = True

    def pick(self, state: TraceState, tree: Tree, rng: random.Random) -> Pick:
        """The node that the policy chooses, and the action on it."""
        return self._greedy(state, tree, rng) if self.settings.policy == "greedy" else self._by_uct(tree)

    def kinds(self, standings: Sequence[TraceBest]) -> tuple[StepKind, ...]:
        """One change at a time."""
        return ("edit",)

    def history(self, state: TraceState) -> tuple[TrialNote, ...]:
        """The journal: every trial of the tree. [C]"""
        return tuple(state.notes)

    def _greedy(self, state: TraceState, tree: Tree, rng: random.Random) -> Pick:
        """Drafts first; then, with some probability, a buggy leaf; else the best node; a draft if there is none. [C]"""
        if tree.drafts < self.settings.drafts:
            return _draft(tree)
        if rng.random() < self.settings.debug_probability:
            leaves = tree.debuggable(self.settings.debug_depth)
            if leaves:
                return _debug(rng.choice(leaves))
        leaders = [node for node in tree.nodes.values() if node.leads]
        return _improve(leaders[-1]) if leaders else _draft(tree)

    def _by_uct(self, tree: Tree) -> Pick:
        """Descend from the virtual root along the largest UCT to the first node with room for a child. [C]"""
        rewards = {step: reward(node) for step, node in tree.nodes.items()}
        node: Node | None = None
        while not self._has_room(tree, node):
            open_children = [child for child in tree.children(node.step if node else None) if self._open(tree, child)]
            if not open_children:
                return _draft(tree)
            visits = {child.step: _subtree(tree, child) for child in open_children}
            parent_visits = sum(map(len, visits.values()))
            values = {
                step: uct(sum(rewards[each] for each in below), len(below), parent_visits, self.settings.exploration)
                for step, below in visits.items()
            }
            node = tree.nodes[max(values, key=lambda step: (values[step], -step))]
        if node is None:
            return _draft(tree)
        return _debug(node) if node.buggy else _improve(node)

    def _has_room(self, tree: Tree, node: Node | None) -> bool:
        if node is None:
            return tree.drafts < self.settings.drafts
        grown = len(tree.children(node.step)) + tree.ahead(node.step)
        if not node.buggy:
            return grown < self.settings.width
        return grown == 0 and node.script_ref is not None and tree.mendings(node) < self.settings.debug_depth

    def _open(self, tree: Tree, node: Node) -> bool:
        """Whether a child can be added at or below a node."""
        return self._has_room(tree, node) or any(self._open(tree, child) for child in tree.children(node.step))


def reward(node: Node) -> float:
    """−1 for a buggy node, 1 for a good one, +1 for the best so far, +1 for a bug that was fixed. [I]"""
    if node.buggy:
        return -1.0
    return 1.0 + node.leads + (node.action == "debug")


def uct(total: float, visits: int, parent_visits: int, exploration: float) -> float:
    """total/visits + C·√(ln N / visits), N the visits of the parent. [C]"""
    return total / visits + exploration * math.sqrt(math.log(parent_visits) / visits)


def _subtree(tree: Tree, node: Node) -> list[int]:
    """The steps at and below a node; each counts as one visit of it."""
    return [node.step, *(step for child in tree.children(node.step) for step in _subtree(tree, child))]


def _draft(tree: Tree) -> Pick:
    return Pick("draft", siblings=tree.drafted())


def _improve(node: Node) -> Pick:
    return Pick("improve", base=node.solution, parent=node.step)


def _debug(node: Node) -> Pick:
    return Pick("debug", parent=node.step, script_ref=node.script_ref, hypotheses=node.hypotheses)
