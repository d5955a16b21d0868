"""Momentum: which accepted changes of other traces influence the next step of a trace.

The interaction kernel [C], for the challenges c_j of a trace's diagnosis and accepted changes g_k of other traces:

    U_jk = α · cos(c_j, g_k) · e^(−γL) + β · tanh(Δ_k),   clamped to [−2, 2]
    P_j  = softmax_k(U_jk)

with γ = ln 2 / half-life, L the length of the trace's path, and Δ_k the gain of g_k's score over the trace's best: in
standard errors, so that it means the same for every metric [O], or in the metric's own units [C]
(`method.kernel_gain`). Similarity counts early and fades with the path's length; a higher gain always counts.
"""

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from gome.scenarios.config.method import Method
from gome.scenarios.evidence import Direction

if TYPE_CHECKING:  # screens compare scores too, and numpy takes longer to load than they to show them
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Matrix", "draw", "interaction", "signed_gain"]

Matrix: TypeAlias = "NDArray[np.float64]"


def signed_gain(score: float, reference: float, direction: Direction) -> float:
    """How much better `score` is than `reference`, positive for better in either direction."""
    return score - reference if direction == "maximize" else reference - score


def interaction(
    candidates: Matrix, accepted: Matrix, gains: Sequence[float] | None, path_length: int, method: Method
) -> Matrix:
    """P, shape (J, K), rows summing to 1, from unit vectors of J challenges and K accepted changes with their Δ.

    `candidates` has shape (J, D), `accepted` (K, D), `gains` are the K values of Δ. If `gains` is None, because the
    trace has no best, β counts as 0.
    """
    import numpy as np

    gamma = math.log(2) / method.half_life
    utility = method.alpha * (candidates @ accepted.T) * math.exp(-gamma * path_length)
    if gains is not None:
        utility = utility + method.beta * np.tanh(np.asarray(gains, dtype=np.float64))
    weights = np.exp(utility.clip(-method.clamp, method.clamp))  # bounded, so that no maximum need be taken off first
    shares: Matrix = weights / weights.sum(axis=1, keepdims=True)
    return shares


def draw(probabilities: Matrix, per_candidate: int, at_most: int, seed: int) -> dict[int, float]:
    """Draw accepted changes to recall: their indices k with the probability of the draw, in the order of the draws.

    Up to `per_candidate` draws without replacement for each row, at most `at_most` distinct in all. [C]
    """
    rng = random.Random(seed)
    drawn: dict[int, float] = {}
    for row in probabilities.tolist():
        left = dict(enumerate(row))
        for _ in range(min(per_candidate, len(left))):
            index = rng.choices(list(left), weights=list(left.values()))[0]
            weight = left.pop(index)
            if len(drawn) < at_most or index in drawn:
                drawn.setdefault(index, weight)
    return drawn
