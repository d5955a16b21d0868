"""A scene: the facts from task, profile and evidence on which the expert bases its judgements."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean, pstdev

from gome.agents.backends.expert.columns import cycle_of, sequence_of, texts_lead, usable, with_joins
from gome.agents.backends.expert.plan import Family, Plan
from gome.agents.protocol.requests import Workplace
from gome.agents.protocol.types import TrialNote
from gome.scenarios.evidence import ColumnProfile, Evaluation, Profile, TaskBrief
from gome.scenarios.figures import plain

__all__ = [
    "LOG_METRICS",
    "ORDERED_METRICS",
    "Scene",
    "mentioned",
    "metric_key",
    "since_accept",
]

LOG_METRICS = frozenset({"rmsle", "msle"})
ORDERED_METRICS = frozenset({"qwk", "quadraticweightedkappa", "cohenkappa"})


def metric_key(metric: str) -> str:
    """A metric's name in lower case, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", metric.lower())


def since_accept(history: Sequence[TrialNote]) -> tuple[TrialNote, ...]:
    """The accepted trials, and those rejected since the last accept: a rejection weighs on its own solution alone."""
    last = max((place for place, note in enumerate(history) if note.accepted), default=-1)
    return tuple(note for place, note in enumerate(history) if note.accepted or place > last)


def mentioned(asked: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether one of the asked words occurs in the names, without regard to case, blanks, dashes and underscores."""
    if not asked:
        return False
    text = _plain(" ".join(names))
    return any(_plain(word) in text for word in asked if word.strip())


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text.lower())


@dataclass(frozen=True)
class Scene:
    """One solution of one task, with its measurements.

    `seconds` is the mean time of its runs, 0 if unknown. `refused` are keys of rejected ideas older than `history`.
    `baseline` is the score of a constant prediction on the same splits. `avoid` and `prefer` are what the user asks;
    `barred` are the families whose scripts import what is to be avoided.
    """

    task: TaskBrief
    profile: Profile
    plan: Plan
    evaluation: Evaluation | None = None
    seconds: float = 0.0
    workplace: Workplace | None = None
    history: tuple[TrialNote, ...] = field(default=())
    refused: tuple[tuple[str, str, str], ...] = ()
    baseline: float | None = None
    avoid: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    barred: frozenset[Family] = frozenset()

    def avoids(self, *names: str) -> bool:
        """Whether the user asks to avoid an idea with these names or words."""
        return mentioned(self.avoid, names)

    def prefers(self, *names: str) -> bool:
        """Whether the user asks to prefer it."""
        return mentioned(self.prefer, names)

    # -- the task -----------------------------------------------------------------------------------------------

    @property
    def metric(self) -> str:
        """The metric's normalised name (`metric_key`)."""
        return metric_key(self.task.metric)

    @property
    def regression(self) -> bool:
        """Whether a number is predicted."""
        return self.task.task_type == "regression"

    @property
    def ordered(self) -> bool:
        """Whether classes are ordered and the metric takes the order into account."""
        return self.metric in ORDERED_METRICS and self.task.prediction == "label"

    @cached_property
    def target(self) -> ColumnProfile | None:
        """The profile of the (first) target column."""
        return next((column for column in self.profile.columns if column.role == "target"), None)

    @cached_property
    def rarest(self) -> float:
        """The share of the rarest class; 1 for regression."""
        return min(self.profile.class_balance.values(), default=1.0)

    # -- the columns --------------------------------------------------------------------------------------------

    @cached_property
    def known(self) -> Profile:
        """The profile with the columns that the plan joins."""
        return with_joins(self.profile, self.plan)

    @cached_property
    def usable(self) -> tuple[ColumnProfile, ...]:
        """Those of its columns that can be features, also if the plan drops them."""
        return tuple(column for column in self.known.columns if usable(column))

    @cached_property
    def wide(self) -> bool:
        """Whether the plan reads texts or images: many features per row, for which other models are strong."""
        return bool(self.plan.texts) or self.plan.images != "none"

    @cached_property
    def on_words(self) -> bool:
        """Whether the plan reads texts and they hold most of the information."""
        return bool(self.plan.texts) and texts_lead(self.profile)

    @cached_property
    def columns(self) -> tuple[ColumnProfile, ...]:
        """The features that the plan keeps, except names with ", ", which is the separator within hypotheses."""
        return tuple(c for c in self.usable if c.name not in self.plan.drop and ", " not in c.name)

    @cached_property
    def numbers(self) -> tuple[ColumnProfile, ...]:
        """Numeric features."""
        return tuple(column for column in self.columns if column.dtype in ("integer", "float"))

    @cached_property
    def continuous(self) -> tuple[ColumnProfile, ...]:
        """Continuous numeric features: many values, neither cyclic nor the order in time; most important first."""
        found = [
            c for c in self.numbers if c.cardinality > 20 and c.name not in self.cycles and c.name not in self.sequence
        ]
        return tuple(sorted(found, key=lambda column: -self.weight(column.name)))

    @cached_property
    def categories(self) -> tuple[ColumnProfile, ...]:
        """Categorical features."""
        return tuple(column for column in self.columns if column.dtype in ("category", "boolean"))

    @cached_property
    def dates(self) -> tuple[ColumnProfile, ...]:
        """Columns of dates or times."""
        return tuple(column for column in self.columns if column.dtype == "datetime")

    @cached_property
    def cycles(self) -> dict[str, int]:
        """Column → period, for cyclic columns."""
        return {c.name: period for c in self.columns if (period := cycle_of(c)) is not None}

    @cached_property
    def sequence(self) -> tuple[str, ...]:
        """The columns that order the rows in time."""
        return sequence_of(self.task, self.profile)

    @cached_property
    def _total_importance(self) -> float:
        return sum(value for value in self.importance.values() if math.isfinite(value) and value > 0)

    @cached_property
    def importance(self) -> dict[str, float]:
        """Feature importance as reported by the script."""
        return self.evaluation.importance if self.evaluation else {}

    def weight(self, name: str) -> float:
        """A column's weight in [0, 1]: its share of the reported importance, else of the mutual information."""
        if self._total_importance > 0 and name in self.importance:
            return max(0.0, self.importance[name]) / self._total_importance
        relevances, total = self._relevances
        return relevances.get(name, 0.0) / total if total > 0 else 1.0 / max(1, len(self.columns))

    @cached_property
    def _relevances(self) -> tuple[dict[str, float], float]:
        """Column → relevance, and their sum: computed once, as there may be thousands of columns to weigh."""
        relevances = {column.name: column.relevance or 0.0 for column in self.columns}
        return relevances, sum(relevances.values())

    # -- the evidence -------------------------------------------------------------------------------------------

    def loss(self, score: float) -> float:
        """A score as a loss: lower is better, 0 is best."""
        return score if self.task.direction == "minimize" else max(1.0 - score, 1e-3)

    @cached_property
    def scale(self) -> float:
        """The current loss, to which estimated gains are relative; 0.2 before the first score."""
        if self.evaluation is None or self.evaluation.score is None:
            return 0.2
        return abs(self.loss(self.evaluation.score)) or 1e-3

    @cached_property
    def behind_constant(self) -> str:
        """States that the score is worse than that of a constant prediction; empty if it is not."""
        if self.evaluation is None or self.evaluation.score is None or self.baseline is None:
            return ""
        if self.loss(self.evaluation.score) <= self.loss(self.baseline):
            return ""
        return f"worse than a constant prediction ({plain(self.baseline, 4)})"

    @cached_property
    def gap(self) -> float | None:
        """Generalisation gap: 1 − training loss / validation loss; None if unknown."""
        if self.evaluation is None or self.evaluation.score is None or not self.evaluation.train_folds:
            return None
        learnt, weights = self.evaluation.train_folds, self.evaluation.weights
        trained = fmean(learnt, weights if len(weights) == len(learnt) else None)
        held = self.loss(self.evaluation.score)
        return 1.0 - self.loss(trained) / held if held > 0 else None

    @cached_property
    def spread(self) -> float | None:
        """Standard deviation of the scores over the splits, relative to the loss; None for fewer than two splits."""
        if self.evaluation is None or len(self.evaluation.folds) < 2 or self.evaluation.score is None:
            return None
        return pstdev(self.evaluation.folds) / self.scale

    @cached_property
    def tried(self) -> frozenset[tuple[str, str, str]]:
        """Keys of the hypotheses in the history."""
        return frozenset(hypothesis.key for note in self.history for hypothesis in note.hypotheses)

    @cached_property
    def unrunnable(self) -> frozenset[str]:
        """Families whose scripts ended without a score, or ran only after a repair had replaced the family."""
        found: set[str] = set()
        lead = ""
        for note in self.history:
            for hypothesis in note.hypotheses:
                if hypothesis.parameter in ("family", "member") and note.score is None:
                    found.add(hypothesis.direction)
                if hypothesis.parameter == "family" and hypothesis.direction != "portfolio" and note.accepted:
                    lead = hypothesis.direction
        return frozenset(found if not lead or lead in self.plan.models else {*found, lead})

    @cached_property
    def refuted(self) -> frozenset[tuple[str, str, str]]:
        """Keys of the hypotheses whose trial was not accepted, in `history` or in `refused`."""
        shown = frozenset(h.key for note in self.history if not note.accepted for h in note.hypotheses)
        return shown.union(self.refused)
