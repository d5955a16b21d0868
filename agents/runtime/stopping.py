"""What a run that is stopped waits for: answers in flight, which are paid for, longer than scripts."""

from gome.agents.protocol.activities import EMBEDDING, QUESTION

__all__ = ["PATIENCE", "waiting_words"]

_ANSWERS = 600.0
"""Seconds that models get at most to give the answers that are in flight."""
PATIENCE = {QUESTION: _ANSWERS, EMBEDDING: _ANSWERS}
"""Seconds that calls of a kind get when a user stops the run; no further call of these kinds is begun then."""


def waiting_words(answers: int) -> str:
    """What a run that is stopping waits for, with so many `answers` in flight, as shown to users."""
    scripts = "up to 30 s for running work; finished work is saved"
    if not answers:
        return f"waiting {scripts}"
    number = "1 answer" if answers == 1 else f"{answers} answers"
    return f"waiting for {number} in flight, {_ANSWERS / 60:.0f} min at most, and {scripts}"
