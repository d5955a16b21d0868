"""What an optimizer decides, and what it leaves out of the ring.

The ring, the executor, the budget and the finish are the same for all. An optimizer says which solution the next step
goes on from, what its reasoner may look back on, and which of the ring's services it does without.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gome.agents.optimizers.tree import Tree
from gome.agents.protocol.types import Hypothesis, StepKind, TraceBest, TrialNote
from gome.agents.state.trace import Best, TraceState

__all__ = ["Optimizer", "Pick"]


@dataclass(frozen=True, slots=True)
class Pick:
    """Where the next step goes on from. `draft`: from nothing. `improve`: from `base`. `debug`: from a failed script.

    `parent` is that solution's step in the tree. `script_ref` and `hypotheses` are what is mended, given for `debug`
    alone; `siblings` are the ideas of other drafts, from which a draft is to differ.
    """

    action: Literal["draft", "improve", "debug"]
    base: Best | None = None
    parent: int | None = None
    script_ref: str | None = None
    hypotheses: tuple[Hypothesis, ...] = ()
    siblings: tuple[Hypothesis, ...] = ()


class Optimizer(Protocol):
    """A strategy. It has no state: all it knows are a trace's folds."""

    @property
    def judges(self) -> bool:
        """Whether a reasoner assesses each trial. Without it validity and score alone are stated, and score decides."""

    @property
    def reads(self) -> bool:
        """Whether, where none judges, a reasoner reads what each trial printed."""

    @property
    def structured(self) -> bool:
        """Whether a step goes from challenges over hypotheses to a selection, instead of being planned in one call."""

    @property
    def remembers(self) -> bool:
        """Whether the success memory answers, and what siblings try is shown."""

    @property
    def keeps_all(self) -> bool:
        """Whether a trace is a set of solutions, all of which may be finalists, and no path that could stagnate."""

    def pick(self, state: TraceState, tree: Tree, rng: random.Random) -> Pick:
        """What the next step goes on from."""

    def kinds(self, standings: Sequence[TraceBest]) -> tuple[StepKind, ...]:
        """The kinds of step that a reasoner may choose, where traces stand like this."""

    def history(self, state: TraceState) -> tuple[TrialNote, ...]:
        """The trials that reasoners are shown."""
