"""Convert truth and predictions from tables of text to arrays; see `formulas` for the shapes."""

import numpy as np
from pandas import DataFrame, Series

from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.tables import canonical, numbers_of
from gome.scenarios.task.text_table import Table

__all__ = ["class_numbers", "encode_predictions", "encode_truth", "prediction_columns"]


def prediction_columns(brief: TaskBrief) -> tuple[str, ...]:
    """The columns of a submission that hold predictions."""
    return tuple(name for name in brief.submission_columns if name != brief.id_column)


def class_numbers(texts: Series, classes: tuple[str, ...]) -> Array:
    """The index in `classes` of each text; −1 if it is not a class."""
    numbered = {name: number for number, name in enumerate(classes)}
    return canonical(texts).map(numbered).fillna(-1).to_numpy(dtype=int)


def encode_truth(frame: Table, brief: TaskBrief) -> Array:
    """The targets of training rows or answers, as an array."""
    if brief.task_type == "regression":
        return np.column_stack([numbers_of(frame, name) for name in brief.targets])
    codes = [class_numbers(frame[name], brief.classes) for name in brief.targets]
    if brief.prediction == "probability" and brief.task_type == "binary":
        return np.column_stack(codes).astype(float)
    return codes[0]


def encode_predictions(frame: DataFrame, brief: TaskBrief) -> Array:
    """The predictions of a table that has passed `check_submission`, as an array."""
    columns = prediction_columns(brief)
    if brief.prediction == "label":
        return class_numbers(frame[columns[0]], brief.classes)
    return np.column_stack([numbers_of(frame, name) for name in columns])
