"""Momentum: which proven ideas of all traces pull on the next step of one.

The interaction kernel [C], for the challenges c_j of a trace's diagnosis and accepted changes g_k of other traces:

    U_jk = α · cos(c_j, g_k) · e^(−γL) + β · tanh(Δ_k),   clamped to [−2, 2]
    P_j  = softmax_k(U_jk)

with γ = ln 2 / half-life, L the length of the trace's path, and Δ_k the gain of g_k's score over the trace's best: in
standard errors, so that it means the same for every metric [O], or in the metric's own units [C]
(`method.kernel_gain`). Similarity counts early and fades; what has proven itself better counts always.
"""

import importlib
import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio.to_thread

from gome.scenarios.config.scenario import Method
from gome.scenarios.evidence import Direction

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["draw", "interaction", "signed_gain", "warm"]


def signed_gain(score: float, reference: float, direction: Direction) -> float:
    """How much better `score` is than `reference`, positive for better in either direction."""
    return score - reference if direction == "maximize" else reference - score


def interaction(
    candidates: "Tensor", accepted: "Tensor", gains: Sequence[float] | None, path_length: int, method: Method
) -> "Tensor":
    """P, shape (J, K), rows summing to 1, from unit vectors of J challenges and K accepted changes with their Δ.

    Without `gains`, as where the trace has no best, β counts as 0.
    """
    import torch

    gamma = math.log(2) / method.half_life
    utility = method.alpha * (candidates @ accepted.T) * math.exp(-gamma * path_length)
    if gains is not None:
        utility = utility + method.beta * torch.tanh(torch.tensor(gains, dtype=utility.dtype))
    return torch.softmax(utility.clamp(-method.clamp, method.clamp), dim=1)


def draw(probabilities: "Tensor", per_candidate: int, at_most: int, seed: int) -> dict[int, float]:
    """Indices k of the recalled hypotheses with the probability they were drawn at, in the order of the draws.

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


async def warm() -> None:
    """Import torch, which takes seconds, while the first scripts run, so that no step waits for it."""
    await anyio.to_thread.run_sync(importlib.import_module, "torch", abandon_on_cancel=True)
