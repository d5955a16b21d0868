"""A model that answers every request at once with something that fits, and writes scripts that are refused unrun.

For runs in which the calls are what matters: a step costs three calls and no process.
"""

import json

from tests.agents.helpers import requests_made as made
from tests.agents.helpers.model_server import Ask, Play, say

__all__ = ["TOKENS", "USAGE", "canned"]

USAGE = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
TOKENS = 1000
"""Tokens of each call."""

_REPLIES = {
    "survey_task": {"challenges": [made.CHALLENGE.model_dump()]},
    "propose_step": {
        "candidates": [made.idea().model_dump()],
        "choice": [1],
        "reason": "it is the only one",
        "sketch": "## Modifications\nAll of it.",
    },
    "write_solution": {"script": "def unfinished(:\n", "notes": ""},
    "assess_trial": {
        "alignment": "aligned",
        "accept": False,
        "reason": "it did not run",
        "observations": "It is no Python.",
        "hypothesis_verdict": "inconclusive",
        "challenges": [],
    },
}


def canned(ask: Ask) -> Play:
    """The reply to that request, whatever it says."""
    return say(json.dumps(_REPLIES[ask.kind]), usage=USAGE, model=ask.body["model"])
