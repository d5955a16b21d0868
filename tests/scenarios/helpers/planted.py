"""Cases for diagnostics: a table, out-of-fold predictions of a real model, and a matching brief."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from pandas import DataFrame

from gome.scenarios.diagnostics.judged_rows import Case
from gome.scenarios.diagnostics.measure import diagnose
from gome.scenarios.diagnostics.record import Diagnostics
from gome.scenarios.diagnostics.sliced_table import SlicedTable
from gome.scenarios.evidence import SplitRule, TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import metric_named

__all__ = ["brief_of", "diagnosed", "folds_of", "out_of_fold"]

Kind = Literal["regression", "binary", "multiclass"]


def brief_of(
    metric: str, kind: Kind = "regression", classes: Sequence[str] = (), targets: Sequence[str] = ("y",)
) -> TaskBrief:
    known = metric_named(metric)
    return TaskBrief(
        name="planted",
        description="",
        task_type=kind,
        id_column="id",
        targets=tuple(targets),
        classes=tuple(classes),
        metric=metric,
        direction=known.direction,
        prediction=known.prediction,
        submission_columns=("id", *targets),
        train_file="train.csv",
        test_file="test.csv",
        split=SplitRule(),
        train_rows=1,
        test_rows=1,
    )


def folds_of(rows: int, groups: Array | None = None, folds: int = 5) -> list[tuple[Array, Array]]:
    """(withheld rows, training rows) of each fold; with `groups` no group is in both."""
    numbers = (np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]) % folds
    return [(np.flatnonzero(numbers == fold), np.flatnonzero(numbers != fold)) for fold in range(folds)]


def out_of_fold(model: Callable[[], Any], inputs: Array, target: Array, folds: list[tuple[Array, Array]]) -> Array:
    """Out-of-fold predictions of a scikit-learn model: values, or class probabilities."""
    found: list[tuple[Array, Array]] = []
    for withheld, trained in folds:
        fitted = model().fit(inputs[trained], target[trained])
        say = fitted.predict_proba if hasattr(fitted, "predict_proba") else fitted.predict
        found.append((withheld, np.asarray(say(inputs[withheld]))))
    whole = np.zeros((len(inputs), *found[0][1].shape[1:]))
    for withheld, said in found:
        whole[withheld] = said
    return whole


def diagnosed(
    table: DataFrame,
    truth: Array,
    prediction: Array,
    brief: TaskBrief | None = None,
    *,
    best: Array | None = None,
    folds: list[tuple[Array, Array]] | None = None,
    rows: int = 10,
) -> Diagnostics:
    """The diagnostics of all rows, after checking that they exist and survive a round trip through JSON."""
    brief = brief or brief_of("rmse")
    case = Case(
        features=SlicedTable(table),
        at=np.arange(len(table)),
        trained=dict(enumerate(folds or folds_of(len(table)))),
        truth=truth,
        prediction=prediction,
        brief=brief,
        metric=metric_named(brief.metric),
        best=best,
        known=None if best is None else np.ones(len(table), dtype=bool),
        shown=rows,
    )
    found = diagnose(case)
    assert found is not None
    assert Diagnostics.model_validate_json(found.model_dump_json()) == found
    return found
