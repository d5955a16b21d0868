"""Records of what the harness measured, as used in messages, prompts and reports.

A value reported by a script itself is marked as such.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.dataclasses import dataclass

__all__ = [
    "ColumnProfile",
    "Complement",
    "DefectNote",
    "Direction",
    "Evaluation",
    "Grade",
    "ImageFolder",
    "LeakNote",
    "Profile",
    "ResidualSlice",
    "Shift",
    "SideTable",
    "SplitRule",
    "TaskBrief",
]

Direction = Literal["minimize", "maximize"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class SplitRule(_Record):
    """How the harness splits the training rows for validation; with `own` the script validates itself.

    `block` (group splits only): this many neighbouring values of the column, in order, form one group, so that
    validation rows are as far from training rows as test rows are.
    """

    kind: Literal["random", "stratified", "group", "time", "holdout", "own"] = "random"
    column: str | None = None
    folds: int = 5
    block: int = 1


class TaskBrief(_Record):
    """A task as shown in prompts."""

    name: str
    description: str
    task_type: Literal["regression", "binary", "multiclass"]
    id_column: str
    targets: tuple[str, ...]
    classes: tuple[str, ...] = ()
    metric: str
    direction: Direction
    prediction: Literal["value", "label", "probability"]
    submission_columns: tuple[str, ...]
    train_file: str
    test_file: str
    split: SplitRule
    train_rows: int
    test_rows: int
    unverified: tuple[str, ...] = ()
    """Descriptions of what was guessed from the data; see `manifest`."""
    reading: tuple[str, ...] = ()
    """What was made of the cells of the tables: numbers with units, unusual gaps, dates with offsets."""
    dtypes: dict[str, Literal["int64", "float64", "str"]] = {}
    """The type of each column of the training rows."""

    def __repr__(self) -> str:
        """In one line: its description alone may fill a screen."""
        rows = f"{self.train_rows} training rows, {self.test_rows} test rows"
        targets, metric = ", ".join(self.targets), f"{self.metric} ({self.direction})"
        return f"<task {self.name}: {self.task_type} of {targets}, {metric}; {rows}>"


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid", defer_build=True))
class ColumnProfile:
    """One column of the training data. `missing` is a share of rows; `skew` to `maximum` are for numeric columns.

    `levels` are the most frequent values with their numbers of rows, for categories and booleans.
    """

    # Not a `_Record`: a table may have ten thousand columns, and a model takes three times the memory of a data class.

    name: str
    role: Literal["id", "target", "feature"]
    dtype: Literal["integer", "float", "boolean", "category", "text", "datetime"]
    cardinality: int
    missing: float
    skew: float | None = None
    minimum: float | None = None
    mean: float | None = None
    median: float | None = None
    maximum: float | None = None
    examples: tuple[str, ...] = ()
    levels: tuple[tuple[str, int], ...] = ()
    unseen_in_test: float | None = None
    """Share of the test rows whose value does not occur in training; None if not measured (numbers, texts)."""
    relevance: float | None = None
    """Mutual information with the target, in nats; None if not computed."""
    words: float | None = None
    """Mean number of words per field (free text only)."""


class SideTable(_Record):
    """A side table that can be joined to the training rows.

    `keys` are pairs (column of train, column of the table); `matched` is the share of training rows whose key is in the
    table. If keys are `unique`, the join adds the columns of the one matching row, else a summary of all matching rows:
    their number `…_rows`, and `…_mean`, `…_min` and `…_max` of each numeric column. `columns` are the added columns;
    their names begin with `prefix`.
    """

    file: str
    rows: int
    keys: tuple[tuple[str, str], ...]
    unique: bool
    matched: float
    prefix: str
    columns: tuple[ColumnProfile, ...]


class ImageFolder(_Record):
    """One image per row, in the file `pattern` with `{}` replaced by the row's value of `column`.

    `width` and `height` (pixels) and `channels` (1 grey, 3 colour) are those of one image; `found` is the share of rows
    that have a file.
    """

    pattern: str
    column: str
    width: int
    height: int
    channels: int
    found: float


class Shift(_Record):
    """A column whose distribution differs between training and test.

    `distance` is in [0, 1]. `ks`: Kolmogorov-Smirnov distance of numbers or dates; `tv`: total variation of categories;
    `missing`: difference of the shares of missing values. `train` and `test` are the means of numbers, the shares of
    the category `value`, which differs most, or the shares of missing values; None for dates.
    """

    feature: str
    measure: Literal["ks", "tv", "missing"]
    distance: float
    train: float | None = None
    test: float | None = None
    value: str | None = None


class Profile(_Record):
    """Profile of the training data. `class_balance` maps class → share of rows; empty for regression.

    `sample` holds rows spread over the target's range, as cells of `sample_columns` (most relevant first, targets
    last). `shifts` are the columns that differ most between training and test, largest first. `periods` are the
    stretches of the split's column that the validation rows of each split cover, and last the test rows.
    """

    rows: int
    columns: tuple[ColumnProfile, ...]
    class_balance: dict[str, float] = {}
    target_skew: float | None = None
    duplicate_rows: int = 0
    tables: tuple[SideTable, ...] = ()
    images: ImageFolder | None = None
    shifts: tuple[Shift, ...] = ()
    sample_columns: tuple[str, ...] = ()
    sample: tuple[tuple[str, ...], ...] = ()
    periods: tuple[str, ...] = ()


class DefectNote(_Record):
    """One defect of a file of predictions; `row` is the first row that has it, counted from 1."""

    code: str
    message: str
    row: int | None = None


class LeakNote(_Record):
    """One sign that the data leak the target, or that validation differs from the test."""

    code: str
    message: str


class ResidualSlice(_Record):
    """Rows with `feature` in `value` (a category or an interval) whose share of the loss is high.

    `bias` is the mean of prediction − truth on the metric's scale; None for classes.
    """

    feature: str
    value: str
    rows: int
    loss: float
    share_of_loss: float
    bias: float | None = None


class Evaluation(_Record):
    """Evaluation of a script's predictions. `score` is the mean of `folds` weighted by `weights`; None if undefined.

    `view` is the view of one run, or `splits` for all runs of a trial. `splits` are the numbers of the splits whose
    scores are in `folds`; `planned` is how many splits could have one. A trial that stopped early has fewer, and can be
    compared with others only on the splits it ran.

    `fold_rows` are (validation rows, training rows) per fold. `replicates` are, per fold, bootstrap scores over draws
    of its rows; the draws are the same for every script, so scripts can be compared in pairs. None: undefined.

    `verified` is False if the task cannot be split and the script reports its own score. `train_folds`, `importance`
    and `claims` come from the script's `evidence.json`: they are hints and never decide acceptance.
    """

    view: str
    defects: tuple[DefectNote, ...] = ()
    leaks: tuple[LeakNote, ...] = ()
    score: float | None = None
    splits: tuple[int, ...] = ()
    planned: int = 0
    folds: tuple[float, ...] = ()
    fold_rows: tuple[tuple[int, int], ...] = ()
    weights: tuple[float, ...] = ()
    replicates: tuple[tuple[float | None, ...], ...] = ()
    standard_error: float | None = None
    verified: bool = True
    train_folds: tuple[float, ...] = ()
    importance: dict[str, float] = {}
    claims: dict[str, float] = {}
    residuals: tuple[ResidualSlice, ...] = ()
    submission_sha256: str | None = None

    @property
    def partial(self) -> bool:
        """Whether only some of the splits were run."""
        return 0 < len(self.splits) < self.planned

    @property
    def judged(self) -> str:
        """Number of splits that were run, as text (`2 of 5`); empty if all were."""
        return f"{len(self.splits)} of {self.planned}" if self.partial else ""

    @property
    def valid(self) -> bool:
        """Whether the predictions have no defects."""
        return not self.defects


class Grade(_Record):
    """The grade of a submission by the private answers, as in MLE-bench. Never used to choose a solution."""

    score: float
    medal: Literal["gold", "silver", "bronze"] | None = None
    above_median: bool | None = None
    thresholds: dict[str, float] = {}


class Complement(_Record):
    """How two solutions complement each other, on the rows that both have predicted.

    `own` and `other` are the shares of rows on which that one alone is right, for values on which its loss is smaller.
    Of classes `differ` is the share of rows on which they decide differently, of values `correlation` is that of their
    errors; each is None for the other kind, and the correlation where one of them has no spread.
    """

    own: float
    other: float
    differ: float | None = None
    correlation: float | None = None
