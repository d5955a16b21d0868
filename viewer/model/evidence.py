"""What was measured about a solution: its errors, what it rests on, and which solution it began with."""

from dataclasses import dataclass

from gome.scenarios.diagnostics.record import Diagnostics, Probes
from gome.viewer.model.script_diff import Artefacts, base_of, script_of
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary

__all__ = ["Evidence", "evidence_of", "first_solution"]


@dataclass(frozen=True)
class Evidence:
    """The evidence about a step. `diagnostics` and `probes` are None where they were not measured.

    `importance` are (column, value, standard error), measured by shuffling where `measured`, else the script's own
    figures, which have no error.
    """

    diagnostics: Diagnostics | None
    probes: Probes | None
    importance: tuple[tuple[str, float, float | None], ...]
    measured: bool


def evidence_of(step: Step, summary: Summary, artefacts: Artefacts) -> Evidence:
    """The evidence about a step of a run."""
    ref, script = step.diagnostics_ref, script_of(step)
    diagnostics = Diagnostics.model_validate_json(artefacts.read_now(ref)) if ref else None
    probes = summary.probes.get(script) if script else None
    if probes is not None and probes.sensitivities:
        shuffled = tuple((each.feature, each.loss, each.error) for each in probes.sensitivities)
        return Evidence(diagnostics, probes, shuffled, measured=True)
    claimed = step.evaluation.importance if step.evaluation else {}
    return Evidence(diagnostics, probes, tuple((name, value, None) for name, value in claimed.items()), measured=False)


def first_solution(step: Step, summary: Summary) -> Step:
    """The first accepted solution that a step's script came from, change by change; the step itself at a root."""
    by_script = {script_of(each): each for each in summary.trials if each.verdict == "accepted"}
    seen = {step.name}
    while (parent := by_script.get(base_of(step))) is not None and parent.name not in seen:
        seen.add(parent.name)
        step = parent
    return step
