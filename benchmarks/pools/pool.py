"""What a pool is, and its solutions' submissions.

A reference solution is a function of training rows (with the target) and test rows (without) to predictions. It is
written and tuned on training rows alone; a pool is frozen once it was scored.
"""

import hashlib
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import sklearn
from pandas import DataFrame

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.encoding import prediction_columns
from gome.scenarios.task.tables import infer_types, write_table
from gome.scenarios.task.task import Task

__all__ = ["Solution", "kept_at", "pool_of", "remembered", "submission_of", "submissions"]

Solution = Callable[[DataFrame, DataFrame], Array]
"""Predictions for the test rows: values, probabilities (of the last class, or a column a class), or class numbers."""

_SHARED = ("classes", "coding", "decisions", "pool", "values")


def remembered(solution: Solution) -> Solution:
    """The same solution, which computes once for the same rows: several members of a pool may share a model."""
    known: dict[tuple[bytes, bytes], Array] = {}

    def solve(train: DataFrame, test: DataFrame) -> Array:
        key = (train["id"].to_numpy().tobytes(), test["id"].to_numpy().tobytes())
        if key not in known:
            known[key] = solution(train, test)
        return known[key]

    return solve


def pool_of(name: str) -> Mapping[str, Solution]:
    """The pool of the task `name`, by the solutions' names."""
    pool: Mapping[str, Solution] = importlib.import_module(f"benchmarks.pools.members.{_module(name)}").POOL
    return pool


def submission_of(task: Task, predicted: Array, test: DataFrame | None = None) -> DataFrame:
    """Predictions for the task's test rows, or for others, in the columns that a submission has."""
    rows = task.test if test is None else test
    columns = list(prediction_columns(task.brief))
    if task.brief.prediction == "label":
        predicted = np.array(task.brief.classes)[predicted]
    table = DataFrame(predicted.reshape(len(rows), -1), columns=columns)
    table.insert(0, task.brief.id_column, rows[task.brief.id_column].to_numpy())
    return table


def submissions(task: Task, pool: Mapping[str, Solution], folder: Path) -> dict[str, Path]:
    """Every solution's submission, by its name; those that stand in `folder` already are not made again."""
    made = {name: folder / f"{name}.csv" for name in pool}
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in made.items():
        if not path.is_file():
            draft = path.with_suffix(".part")
            write_table(draft, submission_of(task, pool[name](task.typed_train.copy(), infer_types(task.test))))
            draft.replace(path)
    return made


def kept_at(task: Task, cache: Path) -> Path:
    """Where the submissions of a task's pool are kept: another place for other data, code or library."""
    here = Path(__file__).parent
    digest = hashlib.sha256(f"{task.digest} {sklearn.__version__} {np.__version__}".encode())
    for module in (f"members/{_module(task.brief.name)}", *_SHARED):
        digest.update((here / f"{module}.py").read_bytes())
    return cache / "pools" / f"{task.brief.name}-{digest.hexdigest()[:16]}"


def _module(name: str) -> str:
    return name.replace("-", "_")
