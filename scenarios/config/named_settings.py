"""Presets: sets of settings under one name, which a scenario's own settings override.

The loader applies them before it checks the settings; a run's log has the result.
"""

from collections.abc import Mapping
from typing import Any, Literal

__all__ = ["Preset", "with_preset"]

Preset = Literal["paper"]

_PAPER: dict[str, Any] = {
    "traces": 4,
    "method": {
        "kinds": ["edit"],
        "near_ties": "analysis",
        "kernel_gain": "raw",
        "folds": "all",
        "racing": {"enabled": False},
        "probes": False,
        "stagnation": {"steps": None},
        "finish": {"ensemble": 1, "ship": "refit"},
    },
}
"""The constants and steps of the paper (arXiv 2603.01692), without what docs/method.md marks [O] or [L]."""

_PRESETS: dict[str, dict[str, Any]] = {"paper": _PAPER}


def with_preset(settings: Any) -> Any:
    """The settings of a scenario over those of its preset; what names no known preset is returned as it is."""
    preset = settings.get("preset") if isinstance(settings, Mapping) else None
    return _over(_PRESETS[preset], settings) if isinstance(preset, str) and preset in _PRESETS else settings


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        both = isinstance(value, Mapping) and isinstance(under, Mapping)
        merged[name] = _over(under, value) if both and under is not None else value
    return merged
