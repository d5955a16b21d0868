"""A scene: what the expert looks at when it judges, as facts read out of task, profile and evidence."""

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean, pstdev

from gome.agents.backends.expert.plan import Plan
from gome.agents.protocol.requests import Workplace
from gome.agents.protocol.types import TrialNote
from gome.scenarios.evidence import ColumnProfile, Evaluation, Profile, TaskBrief

__all__ = [
    "FEW_ROWS",
    "HIGH_CARDINALITY",
    "LOG_METRICS",
    "ORDERED_METRICS",
    "Scene",
    "cycle_of",
    "metric_key",
    "sequence_of",
    "texts_lead",
    "usable",
    "with_joins",
]

LOG_METRICS = frozenset({"rmsle", "msle"})
ORDERED_METRICS = frozenset({"qwk", "quadraticweightedkappa", "cohenkappa"})
HIGH_CARDINALITY = 200
FEW_ROWS = 2000
_WORDS_FOR_A_COLUMN, _WORDS_FOR_A_COLUMN_ON_FEW_ROWS = 5, 20

_CYCLES: tuple[tuple[str, float, float, int], ...] = (
    (r"(^|_)(hr|hour|hours)(_|$)", 0, 23, 24),
    (r"(^|_)(weekday|dow|dayofweek|day_of_week|wday)(_|$)", 0, 6, 7),
    (r"(^|_)(weekday|dow|dayofweek|day_of_week|wday)(_|$)", 1, 7, 7),
    (r"(^|_)(month|mnth|mon)(_|$)", 1, 12, 12),
    (r"(^|_)(minute|min|second|sec)(_|$)", 0, 59, 60),
    (r"(^|_)(day|doy|yday|dayofyear|day_of_year)(_|$)", 1, 365, 365),
    (r"(^|_)(day|doy|yday|dayofyear|day_of_year)(_|$)", 1, 366, 366),
    (r"(^|_)(quarter|season)(_|$)", 1, 4, 4),
)


def metric_key(metric: str) -> str:
    """A metric's name without case, blanks and dashes."""
    return re.sub(r"[^a-z0-9]", "", metric.lower())


def usable(column: ColumnProfile) -> bool:
    """Whether a column can be a feature at all: neither id nor target nor free text, and more than one value."""
    if column.role != "feature" or column.dtype == "text":
        return False
    return column.cardinality > 1 or 0 < column.missing < 1


def texts_lead(profile: Profile) -> bool:
    """Whether texts are most of what the rows hold: many words for each other column.

    On few rows a word is seen too seldom to be weighed well, and it takes more of them. False where there is no text.
    """
    words = sum(column.words or 0.0 for column in profile.columns if column.role == "feature")
    joined = [column for table in profile.tables for column in table.columns]
    others = sum(usable(column) for column in (*profile.columns, *joined))
    least = _WORDS_FOR_A_COLUMN if profile.rows >= FEW_ROWS else _WORDS_FOR_A_COLUMN_ON_FEW_ROWS
    return words > 0 and words >= least * others


def with_joins(profile: Profile, plan: Plan) -> Profile:
    """The profile with the columns of the side tables that a plan joins, as if they stood in the rows."""
    added = tuple(column for table in profile.tables if table.prefix in plan.joins for column in table.columns)
    return profile.model_copy(update={"columns": (*profile.columns, *added)}) if added else profile


def cycle_of(column: ColumnProfile) -> int | None:
    """The period of a column that goes round, such as an hour; None for one that does not."""
    if column.dtype not in ("integer", "float") or column.minimum is None or column.maximum is None:
        return None
    for pattern, low, high, period in _CYCLES:
        if re.search(pattern, column.name.lower()) and (column.minimum, column.maximum) == (low, high):
            return period
    return None


def sequence_of(task: TaskBrief, profile: Profile) -> tuple[str, ...]:
    """The columns whose order is the order in time, coarsest first; empty where the rows have no such order."""
    dates = [column.name for column in profile.columns if column.dtype == "datetime" and usable(column)]
    if dates:
        return (dates[0],)
    numbers = {c.name: c for c in profile.columns if c.dtype in ("integer", "float") and usable(c)}
    if task.split.kind not in ("group", "time") or task.split.column not in numbers:
        return ()
    hours = [name for name, column in numbers.items() if cycle_of(column) in (24, 60) and name != task.split.column]
    if task.split.kind == "group" and not hours:
        return ()
    return (task.split.column, *sorted(hours, key=lambda name: cycle_of(numbers[name]) or 0)[:1])


@dataclass(frozen=True)
class Scene:
    """One solution of one task, with what was measured of it.

    `seconds` is the mean time of its runs, 0 where that is not known. `refused` are keys of ideas that were tried
    without success before what `history` shows. `baseline` is the score of a constant prediction on the same splits.
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

    # -- the task -----------------------------------------------------------------------------------------------

    @property
    def metric(self) -> str:
        """The metric's name in its plain form."""
        return metric_key(self.task.metric)

    @property
    def regression(self) -> bool:
        """Whether a number is predicted."""
        return self.task.task_type == "regression"

    @property
    def ordered(self) -> bool:
        """Whether classes stand in an order that the metric rewards."""
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
        """The profile of the rows and of what the plan joins to them."""
        return with_joins(self.profile, self.plan)

    @cached_property
    def wide(self) -> bool:
        """Whether the plan reads texts or pictures: many numbers a row, for which other models are strong."""
        return bool(self.plan.texts) or self.plan.images != "none"

    @cached_property
    def on_words(self) -> bool:
        """Whether the plan reads texts, and they are most of what there is."""
        return bool(self.plan.texts) and texts_lead(self.profile)

    @cached_property
    def columns(self) -> tuple[ColumnProfile, ...]:
        """The features that the plan keeps. A name with ", " in it cannot be spoken of and is left alone."""
        return tuple(c for c in self.known.columns if usable(c) and c.name not in self.plan.drop and ", " not in c.name)

    @cached_property
    def numbers(self) -> tuple[ColumnProfile, ...]:
        """Numeric features."""
        return tuple(column for column in self.columns if column.dtype in ("integer", "float"))

    @cached_property
    def continuous(self) -> tuple[ColumnProfile, ...]:
        """Numeric features that measure something: many values, no cycle, no order in time; most telling first."""
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
        """Columns that hold a moment."""
        return tuple(column for column in self.columns if column.dtype == "datetime")

    @cached_property
    def cycles(self) -> dict[str, int]:
        """Column → period, for columns that go round."""
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
        """What the script said of its columns."""
        return self.evaluation.importance if self.evaluation else {}

    def weight(self, name: str) -> float:
        """How much a column tells, in [0, 1]: its share of the importance, else of the mutual information."""
        if self._total_importance > 0 and name in self.importance:
            return max(0.0, self.importance[name]) / self._total_importance
        relevances = {column.name: column.relevance or 0.0 for column in self.columns}
        total = sum(relevances.values())
        return relevances.get(name, 0.0) / total if total > 0 else 1.0 / max(1, len(self.columns))

    # -- the evidence -------------------------------------------------------------------------------------------

    def loss(self, score: float) -> float:
        """A score as something to make smaller, 0 at best."""
        return score if self.task.direction == "minimize" else max(1.0 - score, 1e-3)

    @cached_property
    def scale(self) -> float:
        """The present loss, against which gains are estimated."""
        if self.evaluation is None or self.evaluation.score is None:
            return 0.2
        return abs(self.loss(self.evaluation.score)) or 1e-3

    @cached_property
    def behind_constant(self) -> str:
        """In words that the present score is worse than a constant prediction's; empty where it is not."""
        if self.evaluation is None or self.evaluation.score is None or self.baseline is None:
            return ""
        if self.loss(self.evaluation.score) <= self.loss(self.baseline):
            return ""
        return f"worse than a constant prediction ({self.baseline:.4g})"

    @cached_property
    def gap(self) -> float | None:
        """The share of the validation loss that training does not show: 0 none, 1 all. None where it is not known."""
        if self.evaluation is None or self.evaluation.score is None or not self.evaluation.train_folds:
            return None
        learnt, weights = self.evaluation.train_folds, self.evaluation.weights
        trained = fmean(learnt, weights if len(weights) == len(learnt) else None)
        held = self.loss(self.evaluation.score)
        return 1.0 - self.loss(trained) / held if held > 0 else None

    @cached_property
    def spread(self) -> float | None:
        """How far the splits that were run lie apart, as a share of the loss. None where there is but one."""
        if self.evaluation is None or len(self.evaluation.folds) < 2 or self.evaluation.score is None:
            return None
        return pstdev(self.evaluation.folds) / self.scale

    @cached_property
    def tried(self) -> frozenset[tuple[str, str, str]]:
        """Keys of the hypotheses in the history."""
        return frozenset(hypothesis.key for note in self.history for hypothesis in note.hypotheses)

    @cached_property
    def unrunnable(self) -> frozenset[str]:
        """Families with which a script ended without a score, or ran once a repair had put another in their place."""
        found: set[str] = set()
        lead = ""
        for note in self.history:
            for hypothesis in note.hypotheses:
                if hypothesis.parameter in ("family", "member") and note.score is None:
                    found.add(hypothesis.direction)
                if hypothesis.parameter == "family" and note.accepted:
                    lead = hypothesis.direction
        return frozenset(found if not lead or lead in self.plan.models else {*found, lead})

    @cached_property
    def refuted(self) -> frozenset[tuple[str, str, str]]:
        """Keys of the hypotheses whose trial was not accepted, now or before."""
        shown = frozenset(h.key for note in self.history if not note.accepted for h in note.hypotheses)
        return shown.union(self.refused)
