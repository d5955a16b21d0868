"""Gome: step from the trace's best, along the diagnosis, with momentum. Its ablations are its switches. [P]"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from gome.agents.optimizers.base import Pick
from gome.agents.optimizers.tree import Tree
from gome.agents.protocol.types import StepKind, TraceBest, TrialNote
from gome.agents.state.trace import TraceState

__all__ = ["Gome"]


@dataclass(frozen=True, slots=True)
class Gome:
    """The method; `structured` and `remembers` are off in an ablation. `offered` are kinds of step (method.kinds)."""

    structured: bool = True
    remembers: bool = True
    offered: tuple[StepKind, ...] = ("edit",)
    judges: bool = True
    reads: bool = True
    keeps_all: bool = False

    def pick(self, state: TraceState, tree: Tree, rng: random.Random) -> Pick:
        """Always the trace's best; a first solution where there is none."""
        return Pick("improve", state.best) if state.best else Pick("draft")

    def kinds(self, standings: Sequence[TraceBest]) -> tuple[StepKind, ...]:
        """Those that are offered; nothing can be taken from other solutions where there are none."""
        of_others = () if len(standings) > 1 else ("merge", "return")
        return tuple(kind for kind in self.offered if kind not in of_others)

    def history(self, state: TraceState) -> tuple[TrialNote, ...]:
        """The accepted trials and the failures since; without success memory, no accepted work."""
        return tuple(note for note in state.history if self.remembers or not note.accepted)
