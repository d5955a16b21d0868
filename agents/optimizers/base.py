"""The interface of optimizers.

The ring of roles, the executor, the budget and the finish are the same for all optimizers. An optimizer chooses which
solution the next step starts from, which trials the model is shown, and which services of the ring are switched off.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gome.agents.optimizers.solution_tree import Tree
from gome.agents.protocol.types import Hypothesis, StepKind, TraceBest, TrialNote
from gome.agents.state.trace import Best, TraceState

__all__ = ["Optimizer", "Pick"]


@dataclass(frozen=True, slots=True)
class Pick:
    """Where the next step starts. `draft`: from nothing. `improve`: from `base`. `debug`: from a failed script.

    `parent` is that solution's step in the tree. `script_ref` and `hypotheses` are those of the failed script, set for
    `debug` alone; `siblings` are the hypotheses of other drafts, from which a draft must differ.
    """

    action: Literal["draft", "improve", "debug"]
    base: Best | None = None
    parent: int | None = None
    script_ref: str | None = None
    hypotheses: tuple[Hypothesis, ...] = ()
    siblings: tuple[Hypothesis, ...] = ()


class Optimizer(Protocol):
    """A search strategy. Stateless: it decides from the state of the trace that it is passed."""

    @property
    def judges(self) -> bool:
        """Whether a model assesses each trial. If not, only validity and score are reported, and the score decides."""

    @property
    def reads(self) -> bool:
        """Whether a model reads the output of each trial even if it does not assess the trial."""

    @property
    def structured(self) -> bool:
        """Whether a step goes from challenges to hypotheses to a selection, instead of being planned in one call."""

    @property
    def remembers(self) -> bool:
        """Whether the success memory and the current trials of other traces are shown."""

    @property
    def keeps_all(self) -> bool:
        """Whether every solution of a trace can be a finalist. Such a trace is not a path, so it never stagnates."""

    def pick(self, state: TraceState, tree: Tree, rng: random.Random) -> Pick:
        """Choose where the next step starts. `rng` is the only source of randomness."""

    def kinds(self, standings: Sequence[TraceBest]) -> tuple[StepKind, ...]:
        """The kinds of step that the model may choose, given the best solutions of all traces."""

    def history(self, state: TraceState) -> tuple[TrialNote, ...]:
        """The trials that models are shown."""
