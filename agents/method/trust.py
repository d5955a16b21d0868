"""How far a reasoner's promises can be trusted, by what came of them, and how often to search instead. Pure. [O]

A step promises when its single hypothesis predicts a gain; the promise is kept if the measured gain is positive. With
k of n promises kept, and a prior of kept promises,

    trust = (prior + k) / (prior + n),   share of search steps = most · max(0, 1 − trust / enough)

So a reasoner whose steps go the promised way at least as often as `enough` is followed at every step.
"""

from collections.abc import Sequence

from gome.agents.protocol.types import TrialNote
from gome.scenarios.config.method import AutoSettings

__all__ = ["search_share", "trust"]


def trust(notes: Sequence[TrialNote], settings: AutoSettings) -> float:
    """The share of kept promises, from 0 to 1. Trials of several hypotheses and failed ones promise nothing."""
    promised = [note for note in notes if len(note.hypotheses) == 1 and note.hypotheses[0].expected_gain > 0]
    measured = [note.gain > 0 for note in promised if note.gain is not None]
    return (settings.prior + sum(measured)) / (settings.prior + len(measured))


def search_share(notes: Sequence[TrialNote], settings: AutoSettings) -> float:
    """The probability that the next step is a first solution of its own instead of a directed change."""
    return settings.most * max(0.0, 1.0 - trust(notes, settings) / settings.enough)
