"""What trials have taught, kept current: contradicted or bettered by later trials, measured again on more splits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gome.agents.method.validation import compare
from gome.agents.protocol.messages import Diagnosis, SolutionCompleted
from gome.agents.protocol.types import Effect, Finding
from gome.agents.state.memory_entries import Place
from gome.scenarios.evidence import Direction, Evaluation

__all__ = ["Comparisons", "Findings"]


@dataclass(slots=True)
class Comparisons:
    """The comparisons by which trials were judged, made again where one of the two solutions was run on more splits.

    `evaluations` are those of all scored scripts as known now; `pairs` has, by step, the trial's script and the one
    that its gain is measured from.
    """

    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    pairs: dict[Place, tuple[str, str]] = field(default_factory=dict)

    def heard(self, where: Place, diagnosis: Diagnosis, base_ref: str | None) -> None:
        """Remember what a trial was compared with; `base_ref` is the script that its gain is measured from."""
        script_ref, evaluation = diagnosis.script_ref, diagnosis.evaluation
        if script_ref is None or evaluation is None or diagnosis.score is None:
            return
        self.evaluations.setdefault(script_ref, evaluation)
        if diagnosis.effect is not None and base_ref in self.evaluations:
            self.pairs[where] = (script_ref, base_ref)

    def completed(self, message: SolutionCompleted, direction: Direction) -> dict[Place, Effect] | None:
        """By step, the comparisons with this solution as they are on all splits known now; None if it adds none."""
        script_ref, known = message.script_ref, self.evaluations.get(message.script_ref)
        if known is None or not message.adds_to(script_ref, known.splits):
            return None
        self.evaluations[script_ref] = message.evaluation
        found = {
            where: compare(self.evaluations[trial], self.evaluations[base], direction)
            for where, (trial, base) in self.pairs.items()
            if script_ref in (trial, base)
        }
        return {where: effect for where, effect in found.items() if effect is not None}


@dataclass(slots=True)
class Findings:
    """The findings, oldest first. `scripts` are those of the steps that were scored, `compared` their comparisons."""

    known: list[Finding] = field(default_factory=list)
    scripts: dict[Place, str] = field(default_factory=dict)
    compared: Comparisons = field(default_factory=Comparisons)

    def heard(self, where: Place, diagnosis: Diagnosis, base_ref: str | None) -> None:
        """Add what a trial taught, and what it contradicts; `base_ref` is the script that its gain is measured from."""
        script_ref, evaluation = diagnosis.script_ref, diagnosis.evaluation
        self.compared.heard(where, diagnosis, base_ref)
        if script_ref is not None and evaluation is not None and diagnosis.score is not None:
            self.scripts[where] = script_ref
        if diagnosis.finding:
            judged = evaluation.judged if evaluation else ""
            self.known.append(Finding(trace=where[0], step=where[1], text=diagnosis.finding, judged=judged))
        for at, each in self._of(diagnosis.contradicts):
            self.known[at] = each.model_copy(update={"contradicted": (*each.contradicted, where)})

    def foremost(self, most: int, bettered: Mapping[Place, tuple[Place, ...]]) -> tuple[Finding, ...]:
        """The newest findings, at most so many, oldest first; those that later trials speak against only where room is.

        `bettered` has, by step, the later steps that gained by doing otherwise what it did.
        """
        known = [each.model_copy(update={"bettered": bettered.get((each.trace, each.step), ())}) for each in self.known]
        sound = [not (each.contradicted or each.bettered) for each in known]
        kept = sorted(sorted(range(len(known)), key=lambda at: (sound[at], at))[-most:])
        return tuple(known[at] for at in kept)

    def completed(self, message: SolutionCompleted, direction: Direction) -> dict[Place, Effect]:
        """Compare again, on all splits that are known now, whatever was compared with this solution.

        The findings say so; returned are all comparisons that were made again, by step.
        """
        again = self.compared.completed(message, direction)
        if again is None:
            return {}
        for at, each in self._of(again):
            self.known[at] = each.model_copy(update={"now": again[each.trace, each.step]})
        if not message.evaluation.partial:
            for at, each in self._of(where for where, ref in self.scripts.items() if ref == message.script_ref):
                if (each.trace, each.step) not in self.compared.pairs:
                    self.known[at] = each.model_copy(update={"score": message.evaluation.score})
        return again

    def _of(self, steps: Iterable[Place]) -> list[tuple[int, Finding]]:
        """The findings of these steps, with their places."""
        wanted = set(steps)
        return [(at, each) for at, each in enumerate(self.known) if (each.trace, each.step) in wanted]
