"""The entries of the memory that traces share, and what of them a trace is shown."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gome.agents.method.momentum import Matrix, draw, interaction
from gome.agents.method.validation import compare
from gome.agents.protocol.types import Challenge, Effect, Failure, Finding, Hypothesis, Key, Recalled, TraceBest
from gome.agents.state.trace import Best
from gome.scenarios.config.method import Method
from gome.scenarios.evidence import Direction, Evaluation

__all__ = ["Given", "Picture", "Place", "Replaced", "Success", "Trying", "challenged", "in_errors", "recall"]


Place = tuple[int, int]
"""(trace, step)."""


@dataclass(frozen=True, slots=True)
class Trying:
    """A trial of an accepted change in some trace and step, with its gain in standard errors."""

    trace: int
    step: int
    gain: float


@dataclass(frozen=True, slots=True)
class Success:
    """An accepted change. `id` is that of its Diagnosis, `before` the previous accepted change of its trace.

    `score` and `evaluation` are those of the solution, `effect` its comparison with the one before (`base_ref`), None
    for a first solution; all as known now, after a solution was completed.
    """

    id: str
    trace: int
    step: int
    hypotheses: tuple[Hypothesis, ...]
    feedback: str
    score: float
    evaluation: Evaluation
    effect: Effect | None
    script_ref: str
    base_ref: str | None
    before: "Success | None"

    @property
    def gain(self) -> float:
        """The gain over the solution before, in the metric's units; 0 for a first solution."""
        return self.effect.gain if self.effect else 0.0

    @property
    def error(self) -> float | None:
        """The standard error of the gain; None where unknown."""
        return self.effect.standard_error if self.effect else None

    @property
    def statement(self) -> str:
        """What it changed, as sentences."""
        return " ".join(each.statement for each in self.hypotheses)

    @property
    def short(self) -> str:
        """What it changed, as parameters and directions."""
        return "; ".join(f"{each.parameter} {each.direction}" for each in self.hypotheses)

    @property
    def path(self) -> Iterator["Success"]:
        """This change and all accepted before it, newest first."""
        entry: Success | None = self
        while entry is not None:
            yield entry
            entry = entry.before

    def standing(self, best: Best, trials: int) -> TraceBest:
        """As the best solution of a trace that has made so many trials."""
        return TraceBest(
            trace=self.trace,
            step=self.step,
            score=self.score,
            judged=self.evaluation.judged,
            idea=self.short,
            trials=trials,
            script_ref=self.script_ref,
            oof_ref=best.oof_ref,
            splits=self.evaluation.splits,
            folds=self.evaluation.folds,
            seconds=best.seconds,
            cpu_seconds=best.cpu_seconds,
        )

    def recalled(self, weight: float | None, against: Effect | None) -> Recalled:
        """The form that is sent to another trace; `weight` is None for the global best."""
        return Recalled(
            id=self.id,
            trace=self.trace,
            step=self.step,
            hypotheses=self.hypotheses,
            feedback=self.feedback,
            gain=self.gain,
            standard_error=self.error,
            score=self.score,
            judged=self.evaluation.judged,
            gain_judged=self.effect.narrower(self.evaluation) if self.effect else "",
            against=against,
            weight=weight,
            why="global-best" if weight is None else "sampled",
            script_ref=self.script_ref,
            base_ref=self.base_ref,
        )


@dataclass(slots=True)
class Given:
    """An entry that was sent to a step. `used`: the step tried it, with `verdict` and `gain` as the result."""

    id: str
    trace: int
    step: int
    used: bool = False
    verdict: str = ""
    gain: float | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Snapshot of the memory for one trace: `successes` are the changes of other traces that it may recall.

    `best` is the evaluation of the trace's best, None if it has none.
    """

    successes: tuple[Success, ...]
    challenges: tuple[Challenge, ...]
    best: Evaluation | None
    path_length: int
    failures: tuple[Failure, ...]
    findings: tuple[Finding, ...]
    standings: tuple[TraceBest, ...]


@dataclass(slots=True)
class Replaced:
    """Ideas that a trace gained by doing otherwise: `by` has, for an accepted change and its idea, the later change."""

    by: dict[str, dict[Key, str]] = field(default_factory=lambda: defaultdict(dict))

    def accepted(self, entry: Success) -> None:
        """Compare an accepted change with those before it: same component and parameter, another direction."""
        directions = {each.key[:2]: each.direction for each in entry.hypotheses}
        for earlier in entry.before.path if entry.before else ():
            for each in earlier.hypotheses:
                if directions.get(each.key[:2], each.direction) != each.direction:
                    self.by[earlier.id][each.key] = entry.id

    def of(self, entry: Success, known: Sequence[Success]) -> dict[Key, Place]:
        """The ideas of `entry` that are no longer in force, each with the step that gained, as `known` now."""
        names = self.by.get(entry.id, {})
        later = {each.id: each for each in known if each.id in names.values()} if names else {}
        gained = {name: each for name, each in later.items() if each.effect and each.effect.verdict == "better"}
        return {key: (gained[name].trace, gained[name].step) for key, name in names.items() if name in gained}

    def steps(self, known: Sequence[Success]) -> dict[Place, tuple[Place, ...]]:
        """By step of an accepted change, the later steps that gained by doing otherwise one of its ideas."""
        found = {(each.trace, each.step): tuple(sorted(set(self.of(each, known).values()))) for each in known}
        return {step: by for step, by in found.items() if by}


def in_errors(gain: float, error: float | None) -> float:
    """A gain in standard errors; only its sign (±1 or 0) where the error is unknown or 0."""
    return gain / error if error else math.copysign(1.0, gain) if gain else 0.0


def challenged(picture: Picture) -> list[str]:
    """The statements of the trace's challenges; without challenges one empty text, which is similar to nothing."""
    return [each.statement for each in picture.challenges] or [""]


def recall(
    picture: Picture,
    method: Method,
    direction: Direction,
    seed: int,
    embedded: Callable[[Sequence[str], bool], Matrix],
) -> tuple[Recalled, ...]:
    """The best of all changes in `picture`, unless the trace's own is better, and the changes that the kernel draws.

    `embedded` gives the vectors of texts; its second argument says whether they are statements of accepted changes.
    """
    entries, best = picture.successes, picture.best
    effects = [compare(each.evaluation, best, direction) if best else None for each in entries]
    gains = [
        _gain(effect)
        if effect is None or method.kernel_gain == "raw"
        else in_errors(effect.gain, effect.standard_error or entry.evaluation.standard_error)
        for entry, effect in zip(entries, effects, strict=True)
    ]
    probabilities = interaction(
        embedded(challenged(picture), False),
        embedded([each.statement for each in entries], True),
        gains if best else None,
        picture.path_length,
        method,
    )
    drawn = draw(probabilities, method.draws, method.recalled, seed)
    leader = 0
    for at in range(1, len(entries)):
        leader = at if _gain(compare(entries[at].evaluation, entries[leader].evaluation, direction)) > 0 else leader
    leads = best is None or _gain(effects[leader]) > 0
    chosen: dict[int, float | None] = {leader: None} if leads else {}
    chosen |= {at: weight for at, weight in drawn.items() if at not in chosen}
    return tuple(entries[at].recalled(weight, effects[at]) for at, weight in chosen.items())


def _gain(effect: Effect | None) -> float:
    return effect.gain if effect else 0.0
