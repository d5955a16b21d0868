"""The expert backend: offline, rule-based, without key or network. Read `backend.py` first; `moves_*` are its moves."""

from gome.agents.backends.expert.backend import ExpertBackend

__all__ = ["ExpertBackend"]
