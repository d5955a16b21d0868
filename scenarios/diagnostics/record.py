"""What the harness measured of a trial's errors, as it is kept and shown: the measured gradient.

All shares are of the validation rows that were judged, or of the sum of their losses, in [0, 1]; all numbers are
finite and rounded. Where no row may be shown, columns and figures stand here and no cell of a table: parts have neutral
names, such as `category no. 3 by frequency`.
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
    """The share of all loss that the dearest rows hold: ten rows, one in a hundred, one in ten."""

    ten_rows: float
    percent: float
    tenth: float


class Part(_Record):
    """Rows whose `feature` is in `value`, an interval or a category.

    `bias` is the mean of prediction − truth on the metric's own scale; of yes-or-no targets that of the probability, or
    of the decision; None for several classes. `change` is the mean loss minus that of the trace's best on the same rows
    (below 0: better), `change_error` its standard error; None where the best is not known.
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
    """A true class. `decided` is the share of all rows that are decided for it, `recall` that of its own rows.

    `probability` is the mean of what its own rows give it, None where labels are predicted.
    """

    name: str
    rows: int
    share_of_rows: float
    share_of_loss: float
    decided: float
    recall: float
    probability: float | None = None
    change: float | None = None
    change_error: float | None = None


class Confusion(_Record):
    """Rows of one class that are decided for another; `share` is of the rows of the true class."""

    truth: str
    decided: str
    rows: int
    share: float


class PatternPart(_Record):
    """One part of a column: its bias, and the root of its mean squared error."""

    value: str
    share_of_rows: float
    bias: float
    error: float


class Pattern(_Record):
    """A column along which errors differ in a way that is no chance.

    `explained` is the share of the variance of prediction − truth that the biases of the parts explain. `spread` is the
    largest error of a part over the smallest, `target_spread` the same of the truth's standard deviations: far above 1
    they say that the target has another scale there. Parts are in rising order where `ordered`, else those of most rows
    by their bias.
    """

    feature: str
    ordered: bool
    explained: float
    spread: float | None = None
    target_spread: float | None = None
    parts: tuple[PatternPart, ...]


class ShownRow(_Record):
    """One row, its cells those of `Diagnostics.columns`. `best` is what the trace's best predicts for it."""

    truth: str
    prediction: str
    best: str | None = None
    share_of_loss: float
    change: float | None = None
    cells: tuple[str, ...]


class Diagnostics(_Record):
    """Where and how a trial errs, over the validation rows of all its splits that were run.

    `rows` were judged; `unmeasured` more have no finite loss and count nowhere. `loss` says what a row's loss is, and
    `scale` what the quantiles are of: signed errors (prediction − truth) on this scale, or losses of rows. `quantiles`
    are (level, value). `best_loss` is of the trace's best and `change` the difference to it, on the `compared` rows
    that it predicted too. `looked_at` rows were sliced, a drawn part of many, without the
    `outliers` that hold so much of the loss that every slice would show them alone.

    `slices` hold more of the loss than of the rows; `changes` differ from the best beyond chance, and otherwise than
    all rows do, the better ones first. `rare` are values of a category that the split's training rows had not or
    seldom. Of the rows, `dearest` hold most loss, `better` and `worse` changed most against the best; there are none
    where none may be shown.
    """

    rows: int
    unmeasured: int = 0
    looked_at: int
    outliers: int = 0
    loss: str
    scale: Literal["value", "log1p", "probability", "decision", "loss"]
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
    slices: tuple[Part, ...] = ()
    changes: tuple[Part, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    columns: tuple[str, ...] = ()
    dearest: tuple[ShownRow, ...] = ()
    better: tuple[ShownRow, ...] = ()
    worse: tuple[ShownRow, ...] = ()


class Sensitivity(_Record):
    """How much the loss of a row grows, as a share of the mean loss, where `feature` is exchanged between rows."""

    feature: str
    loss: float
    error: float


class Probes(_Record):
    """What runs of a solution on other data show that no trial needs. Each is None where its run did not go well.

    `score` is that of the first split, on a sample of its validation rows in `sampled`; `training` is the score on as
    many of its own training rows. `half` is the score of the first split after fitting on half of its training rows,
    `reseeded` after fitting with another seed, both beside `whole`, the split's score as it was judged.
    """

    sampled: float | None = None
    training: float | None = None
    sensitivities: tuple[Sensitivity, ...] = ()
    whole: float | None = None
    half: float | None = None
    reseeded: float | None = None
