"""Record types of the error analysis of a trial, as stored and shown in prompts.

All shares are of the validation rows that were judged, or of the sum of their losses, in [0, 1]. All numbers are finite
and rounded. Where rows may not be shown, the records hold column names and figures but no cell of a table: parts then
have neutral names, such as `category no. 3 by frequency`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "ClassPart",
    "Concentration",
    "Confusion",
    "Diagnostics",
    "Part",
    "Pattern",
    "PatternPart",
    "Probes",
    "Sensitivity",
    "ShownRow",
]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Concentration(_Record):
    """Share of the total loss in the rows with the largest losses: ten rows, 1 % and 10 % of the rows."""

    ten_rows: float
    percent: float
    tenth: float


class Part(_Record):
    """Figures of the rows whose `feature` is in `value`, an interval or a category.

    `bias` is the mean of prediction − truth on `Diagnostics.scale`, None for classes without an order. `change` is the
    mean loss minus that of the trace's best on the same rows (below 0: better), `change_error` its standard error; both
    are None where the best's predictions are unknown.
    """

    feature: str
    value: str
    rows: int
    share_of_rows: float
    share_of_loss: float
    bias: float | None = None
    change: float | None = None
    change_error: float | None = None


class ClassPart(_Record):
    """Figures of a true class. `decided` is the share of all rows predicted as it, `recall` that of its own rows.

    `probability` is the mean predicted probability of the class over its own rows, None where labels are predicted.
    `bias` is the mean of predicted − true grade, None for classes without an order.
    """

    name: str
    rows: int
    share_of_rows: float
    share_of_loss: float
    decided: float
    recall: float
    probability: float | None = None
    bias: float | None = None
    change: float | None = None
    change_error: float | None = None


class Confusion(_Record):
    """Rows of one class predicted as another. `share` is of the rows of the true class.

    `share_of_loss` is their share of the total loss, None for classes without an order, where all errors cost the same.
    """

    truth: str
    decided: str
    rows: int
    share: float
    share_of_loss: float | None = None


class PatternPart(_Record):
    """Bias and root mean squared error of one part of a column."""

    value: str
    share_of_rows: float
    bias: float
    error: float


class Pattern(_Record):
    """A column along which errors differ by more than noise.

    `explained` is the share of the variance of prediction − truth that the biases of the parts explain. `spread` is the
    largest error of a part over the smallest, `target_spread` the same ratio of the truth's standard deviations: far
    above 1 they show that the target's scale differs between parts. Parts are in rising order where `ordered`, else
    sorted by bias: at most six of `judged`, the number of parts with enough rows.
    """

    feature: str
    ordered: bool
    explained: float
    spread: float | None = None
    target_spread: float | None = None
    judged: int = 0
    parts: tuple[PatternPart, ...]


class ShownRow(_Record):
    """One row with its cells in the order of `Diagnostics.columns`. `best` is the prediction of the trace's best.

    `split` is the number of the split that withheld it.
    """

    truth: str
    prediction: str
    best: str | None = None
    share_of_loss: float
    change: float | None = None
    split: int = 0
    cells: tuple[str, ...]


class Diagnostics(_Record):
    """Where and how a trial errs, over the validation rows of all splits that were run.

    `rows` were judged; `unmeasured` more have no finite loss and are excluded. `loss` describes the loss of a row.
    `scale` is the scale of signed errors (prediction − truth): `grade` counts the steps between ordered classes, `loss`
    means that there is no signed error. `quantiles` are pairs (level, value) of the signed errors, else of the losses.
    `best_loss` is the mean loss of the trace's best and `change` the difference to it, on the `compared` rows that both
    predicted. `looked_at` rows were sliced (a random sample of a large table), without the `outliers`: rows with so
    much of the loss that every slice would show them alone.

    `slices` have a larger share of the loss than of the rows. `changes` differ from the best by more than noise, and
    differently than all rows together, improvements first. `rare` are values of a category that the split's training
    rows lack or rarely have; `units` are single values of the column by which the task is split into groups or time,
    those with most excess loss. `dearest` are the rows with the largest losses, `better` and `worse` those with the
    largest changes against the best; they are empty where rows may not be shown.
    """

    rows: int
    unmeasured: int = 0
    looked_at: int
    outliers: int = 0
    loss: str
    scale: Literal["value", "log1p", "probability", "decision", "grade", "loss"]
    mean_loss: float
    best_loss: float | None = None
    compared: int = 0
    change: float | None = None
    change_error: float | None = None
    concentration: Concentration
    quantiles: tuple[tuple[float, float], ...] = ()
    by_truth: tuple[Part, ...] = ()
    by_prediction: tuple[Part, ...] = ()
    by_target: tuple[Part, ...] = ()
    classes: tuple[ClassPart, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    rare: tuple[Part, ...] = ()
    units: tuple[Part, ...] = ()
    slices: tuple[Part, ...] = ()
    changes: tuple[Part, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    columns: tuple[str, ...] = ()
    dearest: tuple[ShownRow, ...] = ()
    better: tuple[ShownRow, ...] = ()
    worse: tuple[ShownRow, ...] = ()


class Sensitivity(_Record):
    """Permutation importance: growth of a row's loss, as a share of the mean loss, when `feature` is shuffled."""

    feature: str
    loss: float
    error: float


class Probes(_Record):
    """Results of probe runs of an accepted solution on the first split. Each is None where its run failed.

    `sampled` is the score on a sample of the split's validation rows, `training` the score on as many of its training
    rows. `half` is the split's score after a fit on half of its training rows, `reseeded` after a fit with another
    seed; both compare with `whole`, the split's score in the trial.
    """

    sampled: float | None = None
    training: float | None = None
    sensitivities: tuple[Sensitivity, ...] = ()
    whole: float | None = None
    half: float | None = None
    reseeded: float | None = None
