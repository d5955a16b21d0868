"""Captions of the challenges that the expert knows, shared by moves and diagnosis."""

from typing import Final

__all__ = [
    "AGES", "BESIDE", "CONFIDENCE", "CURVES", "CYCLES", "DECISIONS", "DRIFT", "FIRST", "GAPS", "JOINT", "MOMENTS",
    "ONE_VIEW", "OVERFIT", "PICTURES", "SCALES", "SHAPE", "SLICE", "SPELLING", "STEPS", "TARGET", "TIME", "UNDERFIT",
    "UNEQUAL", "UNSTEADY", "USELESS", "VALUES", "WEIGHING", "WORDS",
]  # fmt: skip

FIRST: Final = "The kind of model"
TARGET: Final = "The target's scale and the metric"
DECISIONS: Final = "Decisions and the metric"
UNEQUAL: Final = "Unequal classes"
CURVES: Final = "Columns in a row"
CYCLES: Final = "Columns that go round"
MOMENTS: Final = "Dates read as numbers"
AGES: Final = "Dates beside each other"
TIME: Final = "The order of rows in time"
JOINT: Final = "Columns that act together"
VALUES: Final = "Categories of many values"
SPELLING: Final = "How categories are encoded"
GAPS: Final = "Missing values"
USELESS: Final = "Columns that tell nothing"
SCALES: Final = "Skewed columns"
SHAPE: Final = "Effects of a known direction"
OVERFIT: Final = "Overfitting"
UNDERFIT: Final = "Underfitting"
STEPS: Final = "The step size of boosting"
UNSTEADY: Final = "Unsteady predictions"
ONE_VIEW: Final = "One kind of model"
WEIGHING: Final = "Members weighed alike"
CONFIDENCE: Final = "Predictions off in level"
SLICE: Final = "Errors in one place"
WORDS: Final = "What a text is read as"
PICTURES: Final = "What a picture is read as"
BESIDE: Final = "Tables beside the rows"
DRIFT: Final = "A level that moves with time"
