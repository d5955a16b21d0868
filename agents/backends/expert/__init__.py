"""The expert backend: rule-based, offline, no key needed. Start with `backend.py`; `moves/` has its catalogue."""

from gome.agents.backends.expert.backend import ExpertBackend

__all__ = ["ExpertBackend"]
