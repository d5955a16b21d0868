"""A trace's solutions as a tree: from which step each step was derived, and its result."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from gome.agents.protocol.messages import Diagnosis, Proposal
from gome.agents.protocol.types import Hypothesis
from gome.agents.state.trace import Best

__all__ = ["Node", "Tree"]


@dataclass(frozen=True, slots=True)
class Node:
    """One trial. `solution` is None if it is buggy: it failed, or its score was erased.

    `parent` is None for a draft. `leads`: it was accepted, as better than all before it.
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
        """Whether there is no scored solution."""
        return self.solution is None


@dataclass(slots=True)
class Tree:
    """State computed from a trace's proposals and diagnoses. `pending`: proposals without a diagnosis yet, by step."""

    nodes: dict[int, Node] = field(default_factory=dict)
    pending: dict[int, Proposal] = field(default_factory=dict)

    def proposed(self, step: int, proposal: Proposal) -> None:
        """Apply a proposal of this trace."""
        self.pending[step] = proposal

    def diagnosed(self, step: int, diagnosis: Diagnosis) -> None:
        """Apply a diagnosis of this trace. It adds no node if its proposal is unknown or its step came to no result."""
        proposal = self.pending.pop(step, None)
        if proposal is None or diagnosis.verdict in ("dead", "unfinished"):
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
        """The nodes derived from that step; the drafts for None."""
        return [node for node in self.nodes.values() if node.parent == step]

    def ahead(self, step: int | None) -> int:
        """How many pending proposals are derived from that step; drafts for None."""
        return sum(proposal.parent == step for proposal in self.pending.values())

    @property
    def drafts(self) -> int:
        """Number of drafts, pending ones included."""
        return len(self.children(None)) + self.ahead(None)

    def drafted(self) -> tuple[Hypothesis, ...]:
        """The hypotheses of all drafts, pending ones included."""
        done = [node.hypotheses for node in self.children(None)]
        pending = [proposal.hypotheses for proposal in self.pending.values() if proposal.parent is None]
        return tuple(each for hypotheses in (*done, *pending) for each in hypotheses)

    def mendings(self, node: Node) -> int:
        """Number of consecutive debug steps that end at this node."""
        return sum(1 for _ in self._debugged(node))

    def _debugged(self, node: Node) -> Iterator[Node]:
        while node.action == "debug" and node.parent is not None:
            yield node
            node = self.nodes[node.parent]

    def debuggable(self, depth: int) -> list[Node]:
        """Buggy leaves with a script, after fewer than `depth` consecutive debug steps, and with none pending."""
        return [
            node
            for node in self.nodes.values()
            if node.buggy
            and node.script_ref is not None
            and self.mendings(node) < depth
            and not self.children(node.step)
            and not self.ahead(node.step)
        ]
