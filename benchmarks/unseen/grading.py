"""Grade submissions on the private test of a task: their scores, and which differences of two scores are noise."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pandas import Series
from pydantic import BaseModel

from gome.errors import TaskError
from gome.scenarios.evaluation.submission import check_submission
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.encoding import encode_predictions, encode_truth
from gome.scenarios.task.tables import canonical, read_table
from gome.scenarios.task.task import Task

__all__ = ["Grader", "Matched", "tally"]

_DRAWS = 1000
_NOISE = 2.0
"""Standard errors of the difference within which two solutions count as equal."""


class Matched(BaseModel):
    """A run on a table beside another solution. `gain` is positive where the run is better; `error` is its noise."""

    table: str
    kind: str
    metric: str
    score: float
    gain: float
    error: float

    @property
    def verdict(self) -> str:
        """better or worse where the difference is beyond noise, else ahead or behind."""
        if abs(self.gain) > _NOISE * self.error:
            return "better" if self.gain > 0 else "worse"
        return "ahead" if self.gain > 0 else "equal" if self.gain == 0 else "behind"


def tally(found: Sequence[Matched]) -> str:
    """How many tables there are, and how many of each verdict."""
    count = Counter(each.verdict for each in found)
    known = ("better", "ahead", "equal", "behind", "worse")
    told = ", ".join(f"{count[verdict]} {verdict}" for verdict in known if count[verdict])
    return f"{len(found)} tables: {told or 'none was compared'}."


class Grader(NamedTuple):
    """What submissions of a task are graded with: the truth of its private test, and the ids of the rows."""

    task: Task
    truth: Array
    ids: Series

    @classmethod
    def of(cls, task: Task) -> "Grader":
        """Raises TaskError if the task has no private answers."""
        if task.answers is None:
            raise TaskError(f"{task.folder} has no private answers")
        answers = read_table(task.answers)
        return cls(task, encode_truth(answers, task.brief), canonical(answers[task.brief.id_column]))

    def read(self, path: Path) -> Array:
        """The predictions of a submission. Raises TaskError if it has a defect."""
        checked = check_submission(path, self.task.brief, self.task.metric, self.ids, constant_is_defect=False)
        if checked.table is None:
            raise TaskError(f"{path}: {checked.defects[0].message}")
        return encode_predictions(checked.table, self.task.brief)

    def score(self, predicted: Array) -> float:
        """The metric on the test."""
        return float(self.task.metric.score(self.truth, predicted))

    def gain(self, one: Array, other: Array) -> float:
        """By how much the first predictions are better, whichever way the metric runs."""
        difference = self.score(one) - self.score(other)
        return -difference if self.task.brief.direction == "minimize" else difference

    def error(self, one: Array, other: Array) -> float:
        """The standard error of the difference of two scores, by drawing the test rows again (every class kept)."""
        draw, truth, metric = np.random.default_rng(0), self.truth, self.task.metric
        differences = []
        for _ in range(_DRAWS):
            rows = draw.integers(len(truth), size=len(truth))
            if self.task.brief.task_type == "regression" or len(np.unique(truth[rows])) == len(np.unique(truth)):
                differences.append(metric.score(truth[rows], one[rows]) - metric.score(truth[rows], other[rows]))
        return float(np.std(differences))
