"""Diff of a step's script and its parent's."""

import difflib
from typing import Protocol

from gome.viewer.model.steps import Step

__all__ = ["Artefacts", "base_of", "difference", "script_of"]


_PLAN = "# plan:"


class Artefacts(Protocol):
    """Reads artefacts, which messages reference by hash."""

    def read_now(self, ref: str) -> bytes:
        """The content of the artefact."""


def script_of(step: Step) -> str | None:
    """The ref of the step's last script; None where none was written."""
    if step.diagnosis is not None and step.diagnosis.script_ref is not None:
        return step.diagnosis.script_ref
    return step.job.script_ref if step.job else None


def base_of(step: Step) -> str | None:
    """The ref of the script that the step changed; None at a root."""
    return step.proposal.base_ref if step.proposal else None


def difference(artefacts: Artefacts, old: str | None, new: str | None, names: tuple[str, str]) -> list[str]:
    """The unified diff of two scripts, by ref, as lines; None stands for an empty script.

    The line in which the expert keeps its plan is cut: the code below it shows what changed.
    """
    before, after = (_lines(artefacts, ref) if ref else [] for ref in (old, new))
    return list(difflib.unified_diff(before, after, *names, lineterm="", n=2))


def _lines(artefacts: Artefacts, ref: str) -> list[str]:
    script = artefacts.read_now(ref).decode("utf-8", "replace")
    lines = script.removesuffix("\n").split("\n") if script else []  # a form feed is part of its line
    return [f"{_PLAN} …" if line.startswith(_PLAN) else line for line in lines]
