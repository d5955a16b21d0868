"""What the harness measured, in the form that messages, prompts and reports carry it.

Nothing here is a script's claim except where a field says so.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "ColumnProfile",
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
    """How the harness splits the training rows to validate on some of them; `own` leaves that to the script.

    `block` (group splits only) joins that many neighbouring values of the column, in order, into one group, so that
    validation is held as far from training as the test is.
    """

    kind: Literal["random", "stratified", "group", "time", "holdout", "own"] = "random"
    column: str | None = None
    folds: int = 5
    block: int = 1


class TaskBrief(_Record):
    """A task as prompts see it."""

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
    """What of this was guessed from the data, in words; see `manifest`."""


class ColumnProfile(_Record):
    """One column of the training data. `missing` is a share of rows; `skew` and the moments are of numeric columns."""

    name: str
    role: Literal["id", "target", "feature"]
    dtype: Literal["integer", "float", "boolean", "category", "text", "datetime"]
    cardinality: int
    missing: float
    skew: float | None = None
    minimum: float | None = None
    mean: float | None = None
    maximum: float | None = None
    examples: tuple[str, ...] = ()
    unseen_in_test: float | None = None
    """Share of the test rows whose value does not occur in training; None where it was not measured (no category)."""
    relevance: float | None = None
    """Mutual information with the target, in nats; None where it was not computed."""
    words: float | None = None
    """Words in a field on average (free text only)."""


class SideTable(_Record):
    """A table beside the training rows that can be joined to them.

    `keys` are pairs of a column of train and the column of the table that it names; `matched` is the share of training
    rows whose key stands in the table. Where keys are `unique` a row gets the columns of its one row there, else a
    summary of all its rows: `…_rows`, how many, and of each number `…_mean`, `…_min` and `…_max`. `columns` are those
    that the training rows get, under their new names, which all begin with `prefix`.
    """

    file: str
    rows: int
    keys: tuple[tuple[str, str], ...]
    unique: bool
    matched: float
    prefix: str
    columns: tuple[ColumnProfile, ...]


class ImageFolder(_Record):
    """A picture for each row, in the file `pattern` with the row's value of `column` in the place of `{}`.

    Size and channels (1 grey, 3 colour) are of one picture, in pixels; `found` is the share of rows that have a file.
    """

    pattern: str
    column: str
    width: int
    height: int
    channels: int
    found: float


class Shift(_Record):
    """A column whose values in the test are other than in training: the data are not drawn alike.

    `distance` is in [0, 1]: of numbers and dates the largest difference of the shares below any value (`ks`), of
    categories the share of rows that would have to change theirs (`tv`), or the difference of the shares of rows that
    have none (`missing`). `train` and `test` are the means of numbers, the shares of rows that have `value`, the
    category that differs most, or the shares of rows that have none; None for dates.
    """

    feature: str
    measure: Literal["ks", "tv", "missing"]
    distance: float
    train: float | None = None
    test: float | None = None
    value: str | None = None


class Profile(_Record):
    """What the training data look like. `class_balance` maps class to share of rows, empty for regression.

    `sample` are rows spread over the target, each with the cells of `sample_columns`, the most telling first and the
    targets last; `shifts` are the columns that differ most between training and test, the largest first.
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


class DefectNote(_Record):
    """One thing wrong with a file of predictions; `row` is the first row that shows it, counted from 1."""

    code: str
    message: str
    row: int | None = None


class LeakNote(_Record):
    """One sign that the data give the target away, or that validation is not built as the test is."""

    code: str
    message: str


class ResidualSlice(_Record):
    """Where the model errs: rows with `feature` in `value` (a category or an interval) and their share of the loss.

    `bias` is the mean of prediction − truth on the metric's own scale, None for classes.
    """

    feature: str
    value: str
    rows: int
    loss: float
    share_of_loss: float
    bias: float | None = None


class Evaluation(_Record):
    """A script's predictions, judged. `score` is the mean of `folds` by `weights`, None where there is none.

    `view` is that of one run, or `splits` where it sums up the runs of a trial. `splits` are the numbers of the splits
    that `folds` are scores of, out of `planned` that have one: a trial that was stopped early has fewer, and its score
    can be compared on those alone.

    `fold_rows` are (valid rows, train rows) of each fold. `replicates` are, for each fold, scores over draws of its
    rows that are the same for every script, so that two scripts can be compared in pairs; None where a draw has none.

    `verified` is False where the task cannot be split and the score is the script's own claim. `train_folds`,
    `importance` and `claims` are a script's own word (its `evidence.json`), used as hints and never for acceptance.
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
        """Whether not all splits were run, so that the score is of some of the rows alone."""
        return 0 < len(self.splits) < self.planned

    @property
    def judged(self) -> str:
        """On how many splits of how many, in words; empty where on all."""
        return f"{len(self.splits)} of {self.planned}" if self.partial else ""

    @property
    def valid(self) -> bool:
        """Whether format and values are as the task asks."""
        return not self.defects


class Grade(_Record):
    """A submission against the private answers, as MLE-bench grades. Never used to choose or to save work."""

    score: float
    medal: Literal["gold", "silver", "bronze"] | None = None
    above_median: bool | None = None
    thresholds: dict[str, float] = {}
