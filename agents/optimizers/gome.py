"""Gome: step from the trace's best, guided by the diagnosis, with momentum. Its switches are the ablations. [P]"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from gome.agents.optimizers.base import Pick
from gome.agents.optimizers.solution_tree import Tree
from gome.agents.protocol.types import StepKind, TraceBest, TrialNote
from gome.agents.state.trace import TraceState

__all__ = ["Gome"]


@dataclass(frozen=True, slots=True)
class Gome:
    """The method. Ablations unset `structured` or `remembers`. `offered` are the kinds of step (`method.kinds`)."""

    structured: bool = True
    remembers: bool = True
    offered: tuple[StepKind, ...] = ("edit",)
    judges: bool = True
    reads: bool = True
    keeps_all: bool = False

    def pick(self, state: TraceState, tree: Tree, rng: random.Random) -> Pick:
        """Improve the trace's best; a draft if there is none."""
        return Pick("improve", state.best) if state.best else Pick("draft")

    def kinds(self, standings: Sequence[TraceBest]) -> tuple[StepKind, ...]:
        """The offered kinds; `merge` and `return` only if more than one trace has a solution."""
        of_others = () if len(standings) > 1 else ("merge", "return")
        return tuple(kind for kind in self.offered if kind not in of_others)

    def history(self, state: TraceState) -> tuple[TrialNote, ...]:
        """The accepted trials and the rejected ones since; without success memory only the rejected ones."""
        return tuple(note for note in state.history if self.remembers or not note.accepted)
