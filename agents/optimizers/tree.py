"""A trace's solutions as a tree: which step went on from which, and what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from gome.agents.protocol.messages import Diagnosis, Proposal
from gome.agents.protocol.types import Hypothesis
from gome.agents.state.trace import Best

__all__ = ["Node", "Tree"]


@dataclass(frozen=True, slots=True)
class Node:
    """One trial. `solution` is None where it is buggy: it failed, or its score was erased.

    `parent` is None for a draft. `leads` says that it was better than all before it.
    """

    step: int
    parent: int | None
    action: Literal["draft", "improve", "debug"]
    hypotheses: tuple[Hypothesis, ...]
    script_ref: str | None
    solution: Best | None
    leads: bool

    @property
    def buggy(self) -> bool:
        """Whether there is nothing to improve."""
        return self.solution is None


@dataclass(slots=True)
class Tree:
    """The fold of a trace's proposals and diagnoses. `pending` are the proposals in the air, by step."""

    nodes: dict[int, Node] = field(default_factory=dict)
    pending: dict[int, Proposal] = field(default_factory=dict)

    def proposed(self, step: int, proposal: Proposal) -> None:
        """Fold a proposal of this trace."""
        self.pending[step] = proposal

    def diagnosed(self, step: int, diagnosis: Diagnosis) -> None:
        """Fold a diagnosis of this trace; one without its proposal, or of a dead step, adds no node."""
        proposal = self.pending.pop(step, None)
        if proposal is None or diagnosis.verdict == "dead":
            return
        action = proposal.action if proposal.action in ("draft", "debug") else "improve"
        self.nodes[step] = Node(
            step=step,
            parent=proposal.parent,
            action="draft" if proposal.base_ref is None or proposal.action == "start" else action,
            hypotheses=diagnosis.hypotheses,
            script_ref=diagnosis.script_ref,
            solution=Best.of(diagnosis) if diagnosis.score is not None else None,
            leads=diagnosis.accepted,
        )

    def children(self, step: int | None) -> list[Node]:
        """The nodes that went on from that step; the drafts for None."""
        return [node for node in self.nodes.values() if node.parent == step]

    def ahead(self, step: int | None) -> int:
        """How many proposals in the air go on from that step; drafts for None."""
        return sum(proposal.parent == step for proposal in self.pending.values())

    @property
    def drafts(self) -> int:
        """How many first solutions there are, those in the air counted in."""
        return len(self.children(None)) + self.ahead(None)

    def drafted(self) -> tuple[Hypothesis, ...]:
        """The ideas of all first solutions, those in the air counted in."""
        landed = [node.hypotheses for node in self.children(None)]
        flying = [proposal.hypotheses for proposal in self.pending.values() if proposal.parent is None]
        return tuple(each for hypotheses in (*landed, *flying) for each in hypotheses)

    def mendings(self, node: Node) -> int:
        """How many debug steps in a row have led to this node."""
        return sum(1 for _ in self._debugged(node))

    def _debugged(self, node: Node) -> Iterator[Node]:
        while node.action == "debug" and node.parent is not None:
            yield node
            node = self.nodes[node.parent]

    def debuggable(self, depth: int) -> list[Node]:
        """Buggy leaves with a script, after fewer than `depth` mendings in a row, and with none in the air."""
        return [
            node
            for node in self.nodes.values()
            if node.buggy
            and node.script_ref is not None
            and self.mendings(node) < depth
            and not self.children(node.step)
            and not self.ahead(node.step)
        ]
